# SPDX-License-Identifier: GPL-2.0
"""Who is compared: how completions are delivered, and with which parameters."""

from dataclasses import dataclass, field

# For a drive of about 10 us and a bulk stream of depth 32, found by the experiment
# "sensitivity". The controller delivers in order: what it holds is posted, a bulk thread
# that asks for completions finds it, and interrupts are for threads that sleep. So the
# threshold lies beyond the depth of the stream, and the period is longer than such a
# thread takes to ask again.
THRESHOLD = 40
DELTA_US = 60
DELTA_MIN_US = 40
MAX_HOLD_US = 200
CORRECTION = 2


@dataclass(frozen=True)
class Contender:
    name: str
    # off: every completion interrupts. feature-08h: the standard's coalescing.
    # device: the controller's own policies. kthread: the driver's. split: the driver's,
    # unmarked requests have no interrupt.
    mode: str
    params: dict = field(default_factory=dict)
    engine: str = 'cint'
    polled: bool = False


def static(microseconds):
    return {'policy': 'static', 'threshold': THRESHOLD, 'delta_ns': microseconds * 1000,
            'delta_min_ns': 0, 'max_hold_ns': 1000000, 'correction': 0, 'ooo': 1}


def policy(name, threshold=THRESHOLD, delta_us=DELTA_US, delta_min_us=DELTA_MIN_US,
           max_hold_us=MAX_HOLD_US, correction=CORRECTION):
    """Parameters of a policy, by default those of every experiment."""
    return {'policy': name, 'threshold': threshold, 'delta_ns': int(delta_us * 1000),
            'delta_min_ns': int(delta_min_us * 1000),
            'max_hold_ns': int(max_hold_us * 1000), 'correction': int(correction * 1000),
            'ooo': 0}


NONE = Contender('none', 'off')
STATIC = [Contender(f'static-{us}', 'device', static(us)) for us in (100, 20, 6)]
FEATURE_08H = Contender('feature-08h-100', 'feature-08h', static(100))
POLICIES = [Contender(name, 'device', policy(name))
            for name in ('adaptive', 'cint', 'cint-a', 'cint-rate')]
POLLED = Contender('polled', 'off', engine='io_uring', polled=True)
NONE_IO_URING = Contender('none (io_uring engine)', 'off', engine='io_uring')

DEVICE = [NONE, *STATIC, *POLICIES]
REFERENCES = [POLLED, NONE_IO_URING]


def split(contender):
    """The same policy in the driver, without a thread: unmarked requests have no interrupt
    and are looked for, urgent completions overtake."""
    return Contender(contender.name + '/split', 'split', dict(contender.params, ooo=1))


SPLIT = split(POLICIES[-1])


def calibrate(contender):
    """The same, and the driver marks what programs do not."""
    return Contender(contender.name + '/calibrate', contender.mode,
                     dict(contender.params, calibrate=1))


def kthread(contender):
    """The same policy in the driver, where urgent completions overtake."""
    return Contender(contender.name + '/kthread', 'kthread',
                     dict(contender.params or {'policy': 'none'}, ooo=1))
