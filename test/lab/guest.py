#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The lab's side in the guest: run the cells of one boot and write what was measured.

Reads $CINT_OUT/plan.json and writes $CINT_OUT/result.json. A cell sets
the coalescing up and runs one fio command. The paced reader, which runs beside it,
counts what the machine does from some time after fio's jobs began to some time before
they end, so that starting and ending fio is in no figure.
"""

import ctypes
import fcntl
import json
import os
import struct
import subprocess
import sys
import time

# In the guest everything of the lab is in one directory.
HERE = os.path.dirname(os.path.realpath(__file__))

CONTROLLER = 'nvme0'
POLICIES = ('none', 'static', 'adaptive', 'cint', 'cint-a', 'cint-rate')
REASONS = ('hold', 'each', 'urgent', 'barrier', 'threshold', 'quiet', 'max_hold', 'rate',
           'flush')

# kernel/files/include/linux/nvme_cint.h
FEATURE = struct.Struct('<HH7I32x')
LOG = struct.Struct('<HHBB2xII5Q8x32Q8Q128x')
FEATURE_ID = 0xc1
LOG_ID = 0xc1
VERSION = 1

# struct nvme_passthru_cmd and NVME_IOCTL_ADMIN_CMD of <linux/nvme_ioctl.h>
COMMAND = struct.Struct('<BBHIIIQQIIIIIIIIII')
IOCTL_ADMIN = 0xc0484e41
GET_LOG_PAGE, SET_FEATURES, GET_FEATURES = 0x02, 0x09, 0x0a


class Failure(Exception):
    pass


class Controller:
    """Knobs and counters of the drive and of the driver."""

    def __init__(self):
        self.fd = os.open(f'/dev/{CONTROLLER}', os.O_RDONLY)
        self.sysfs = f'/sys/class/nvme/{CONTROLLER}/cint'
        try:
            self.log()
            self.coalesces = True
        except OSError:
            self.coalesces = False

    def admin(self, opcode, data, cdw10, cdw11=0, length=None):
        """One admin command; the data it came back with."""
        buffer = ctypes.create_string_buffer(data, len(data)) if data else None
        command = bytearray(COMMAND.pack(
            opcode, 0, 0, 0, 0, 0, 0, ctypes.addressof(buffer) if buffer else 0,
            0, len(data) if data else 0, cdw10, cdw11, 0, 0, 0, 0, 0, 0))
        status = fcntl.ioctl(self.fd, IOCTL_ADMIN, command)
        if status:
            raise Failure(f'admin command {opcode:#x} with dword 10 {cdw10:#x} failed with '
                          f'status {status:#x}')
        return buffer.raw if buffer else b''

    # --- settings -------------------------------------------------------------

    def write(self, attribute, value):
        path = f'{self.sysfs}/{attribute}'
        try:
            with open(path, 'w', encoding='ascii') as file:
                file.write(str(value))
        except OSError as error:
            raise Failure(f'cannot set {path} to {value}: {error.strerror}') from error

    def modes(self):
        try:
            with open(f'{self.sysfs}/mode', encoding='ascii') as file:
                return file.read().replace('[', '').replace(']', '').split()
        except FileNotFoundError:
            return []

    def coalesce(self, mode, params):
        """Choose who coalesces (off, device, kthread) and with which parameters."""
        self.feature_08h(0, 0)
        if 'off' in self.modes():
            self.write('mode', 'off')
        if mode == 'off':
            self.device({'policy': 'none'})
        elif mode == 'feature-08h':
            self.device({'policy': 'none'})
            self.feature_08h(params['threshold'], params['delta_ns'] // 1000)
        elif mode == 'device' and 'device' not in self.modes():
            # a driver that only passes the marks on
            self.device(params)
        elif mode in self.modes():
            for name in ('threshold', 'delta_ns', 'delta_min_ns', 'max_hold_ns',
                         'correction', 'ooo', 'policy'):
                if name in params:
                    self.write(name, params[name])
            self.write('calibrate', params.get('calibrate', 0))
            self.write('mode', mode)
        else:
            raise Failure(f'the driver has no mode {mode}')

    def device(self, params):
        """Feature C1h, as the driver sets it in its device mode."""
        if not self.coalesces:
            return
        data = FEATURE.pack(VERSION, FEATURE.size, POLICIES.index(params['policy']),
                            params.get('ooo', 1), params.get('threshold', 16),
                            params.get('delta_ns', 0), params.get('delta_min_ns', 0),
                            params.get('max_hold_ns', 0), params.get('correction', 0))
        self.admin(SET_FEATURES, data, FEATURE_ID)

    def feature_08h(self, threshold, time):
        """The standard's own coalescing, 0 and 0 for none; time in the drive's units."""
        if self.coalesces:
            self.admin(SET_FEATURES, b'', 8, (time << 8) | max(threshold - 1, 0))

    # --- counters ---------------------------------------------------------------

    def log(self):
        """Log page C1h: what the drive has delivered, and why."""
        numbers = LOG.unpack(self.admin(GET_LOG_PAGE, bytes(LOG.size),
                                        LOG_ID | (LOG.size // 4 - 1) << 16))
        reasons, irqs = numbers[2], numbers[3]
        result = {'completed': numbers[9], 'device_interrupts': numbers[10],
                  'urgent': numbers[7], 'barrier': numbers[8]}
        for name, count in zip(REASONS, numbers[11:11 + min(reasons, len(REASONS))]):
            result['fire_' + name] = count
        for number in range(irqs):
            result[f'irq_{number}'] = numbers[43 + number]
        return result

    def stats(self):
        """What the driver has delivered, and why, if it coalesces."""
        try:
            with open(f'{self.sysfs}/stats', encoding='ascii') as file:
                return {'driver_' + name: int(value)
                        for name, value in (line.split() for line in file)}
        except FileNotFoundError:
            return {}


def run_fio(command, environment):
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True,
                            text=True, env=environment, cwd='/tmp', check=False)
    # prerun output and the engine's notes may come before the object
    start = result.stdout.find('{\n')
    if result.returncode or start < 0:
        raise Failure(f'fio failed ({result.returncode}): {" ".join(command)}\n'
                      f'{result.stdout[-2000:]}{result.stderr[-2000:]}')
    return json.loads(result.stdout[start:])


def job_result(job):
    """What one job did, reads and writes together."""
    parts = [job[kind] for kind in ('read', 'write') if job[kind]['total_ios']]
    if not parts:
        raise Failure(f'job {job["jobname"]} did nothing')
    if job['error']:
        raise Failure(f'job {job["jobname"]} ended with error {job["error"]}')
    result = {'requests': sum(part['total_ios'] for part in parts)}
    main = max(parts, key=lambda part: part['total_ios'])
    latency = main['clat_ns']
    result['mean_ns'] = sum(part['clat_ns']['mean'] * part['total_ios']
                            for part in parts) / result['requests']
    result['min_ns'], result['max_ns'] = latency['min'], latency['max']
    for name, key in (('p50_ns', '50.000000'), ('p99_ns', '99.000000'),
                      ('p999_ns', '99.900000')):
        result[name] = latency.get('percentile', {}).get(key, 0)
    return result


def fill_in(command, milliseconds, plan):
    """The command, for that long a measurement."""
    values = {'@RUNTIME@': f'{milliseconds + plan["margin_ms"]}ms',
              '@MS@': str(milliseconds), '@PACED@': HERE + '/paced'}
    filled = []
    for word in command:
        for name, value in values.items():
            word = word.replace(name, value)
        filled.append(word)
    return filled


def sampled(pause_s=.01, patience_s=10):
    """What the paced reader found out. It goes on for a moment after fio."""
    while True:
        with open('paced.json', encoding='ascii') as file:
            text = file.read()
        if text.endswith('}\n'):
            break
        patience_s -= pause_s
        if patience_s < 0:
            raise Failure('the paced reader did not end')
        time.sleep(pause_s)
    os.unlink('paced.json')
    found = json.loads(text)
    # one CPU that is not idle executes an instruction a nanosecond; with more, time
    # passes for all of them while one executes
    if os.cpu_count() == 1:
        found['instructions'] = found['ns'] - found['idle_ns']
    return found


def deliveries(controller):
    """Why completions were delivered so far, by whoever decides."""
    result = controller.stats()
    if controller.coalesces:
        result.update(controller.log())
    return result


def prepare_file(kind, mount, file, megabytes):
    """Mount the drive, and write a file without a hole."""
    os.mkdir(mount)
    subprocess.run(['mount', '-t', kind, '-o', 'noatime', f'/dev/{CONTROLLER}n1', mount],
                   check=True)
    with open(file, 'wb') as out:
        for _ in range(megabytes):
            out.write(bytes(range(256)) * 4096)
        out.flush()
        os.fsync(out.fileno())


def run_cell(cell, controller, environment, plan):
    controller.coalesce(cell['mode'], cell['params'])
    command = fill_in(cell['fio'], cell['ms'], plan)
    before = deliveries(controller)
    jobs = run_fio(command, environment)['jobs']
    after = deliveries(controller)
    return {'id': cell['id'], 'jobs': {job['jobname']: job_result(job) for job in jobs},
            'sample': sampled(),
            'deliveries': {name: after[name] - before[name] for name in after}}


def main():
    with open(os.environ['CINT_OUT'] + '/plan.json', encoding='utf-8') as file:
        plan = json.load(file)
    # Pacing sleeps to the microsecond; threads started from here inherit it.
    ctypes.CDLL(None).prctl(29, 1, 0, 0, 0)
    os.chdir('/tmp')
    # fio looks for an engine of this name on the loader's path
    if 'filesystem' in plan:
        prepare_file(**plan['filesystem'])
    environment = dict(os.environ, LD_LIBRARY_PATH=HERE,
                       LD_PRELOAD=HERE + '/no-spin.so')
    controller = Controller()
    result = {'kernel': ' '.join(os.uname()[2:4]), 'modes': controller.modes(),
              'cells': []}
    status = 0
    try:
        # What is read from the host for the first time is read here.
        run_fio(fill_in(plan['warm_up'], 10, plan), environment)
        for cell in plan['cells']:
            result['cells'].append(run_cell(cell, controller, environment, plan))
    except (Failure, OSError, ValueError, KeyError) as error:
        result['error'] = f'{type(error).__name__}: {error}'
        status = 1
    with open(os.environ['CINT_OUT'] + '/result.json', 'w', encoding='utf-8') as file:
        json.dump(result, file)
    return status


if __name__ == '__main__':
    sys.exit(main())
