# SPDX-License-Identifier: GPL-2.0
"""Who is compared: how completions are delivered, and with which parameters."""

from dataclasses import dataclass, field

# For a drive of about 10 us that serves a bulk stream of depth 32, found by the
# experiment "sensitivity". The period must be longer than the bulk thread may be kept
# from submitting, and the threshold small enough that the rest of the 32 keeps the
# drive busy while a batch is delivered.
THRESHOLD = 22
DELTA_US = 30
DELTA_MIN_US = 20
MAX_HOLD_US = 200
CORRECTION = 2


@dataclass(frozen=True)
class Contender:
    name: str
    # off: every completion interrupts. feature-08h: the standard's coalescing.
    # device: the controller's own policies. kthread: the driver's.
    mode: str
    params: dict = field(default_factory=dict)
    engine: str = 'cint'
    polled: bool = False


def static(microseconds):
    return {'policy': 'static', 'threshold': THRESHOLD, 'delta_ns': microseconds * 1000,
            'delta_min_ns': 0, 'max_hold_ns': 1000000, 'correction': 0}


def policy(name, threshold=THRESHOLD, delta_us=DELTA_US, delta_min_us=DELTA_MIN_US,
           max_hold_us=MAX_HOLD_US, correction=CORRECTION):
    """Parameters of a policy, by default those of every experiment."""
    return {'policy': name, 'threshold': threshold, 'delta_ns': int(delta_us * 1000),
            'delta_min_ns': int(delta_min_us * 1000),
            'max_hold_ns': int(max_hold_us * 1000), 'correction': int(correction * 1000)}


NONE = Contender('none', 'off')
STATIC = [Contender(f'static-{us}', 'device', static(us)) for us in (100, 20, 6)]
FEATURE_08H = Contender('feature-08h-100', 'feature-08h', static(100))
POLICIES = [Contender(name, 'device', policy(name))
            for name in ('adaptive', 'cint', 'cint-a', 'cint-rate')]
POLLED = Contender('polled', 'off', engine='io_uring', polled=True)
NONE_IO_URING = Contender('none (io_uring engine)', 'off', engine='io_uring')

DEVICE = [NONE, *STATIC, *POLICIES]
REFERENCES = [POLLED, NONE_IO_URING]


def kthread(contender):
    """The same policy in the driver instead of in the controller."""
    return Contender(contender.name + '/kthread', 'kthread',
                     contender.params or {'policy': 'none'})
