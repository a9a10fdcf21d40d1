# SPDX-License-Identifier: GPL-2.0
"""Boots: what goes into one, its hash, and running it."""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile

import drive
import root
import workloads

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))

# Far above what any boot takes, also on a host that is busy with other things.
TIMEOUT_S = 3600


BINARIES = ('qemu', 'engine', 'preload', 'paced', 'fio')


class BootError(Exception):
    pass


def sha256(path):
    with open(path, 'rb') as file:
        return hashlib.sha256(file.read()).hexdigest()


def output_of(*command):
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise BootError(f'{" ".join(command)} failed: {result.stderr.strip()}')
    return result.stdout.strip().split('\n')[-1]


class Ingredients:
    """The binaries that are measured, found once, with their hashes."""

    def __init__(self, builddir, overrides=None, programs=()):
        """programs: what else runs in the guest, which has to have what they load."""
        self.builddir = builddir
        self.paths = dict(overrides or {})
        self.hashes = {}
        self.missing = {}
        if 'qemu' not in self.paths:
            self.paths['qemu'] = output_of(f'{ROOT}/test/qemu/build', '--print-path')
        self.paths.setdefault('engine', f'{builddir}/fio-engine/cint')
        self.paths.setdefault('preload', f'{builddir}/test/lab/no-spin.so')
        self.paths.setdefault('paced', f'{builddir}/test/lab/paced')
        self.paths['fio'] = shutil.which('fio') or 'fio'
        self.fio_version = output_of('fio', '--version')
        for name in BINARIES:
            if not os.path.exists(self.paths[name]):
                hint = {'qemu': 'test/qemu/build', 'fio': 'scripts/install-deps fio'
                        }.get(name, 'make lab-files')
                raise BootError(f'{self.paths[name]} does not exist; {hint} makes it')
            self.hashes[name] = sha256(self.paths[name])
        try:
            self.paths['root'], self.hashes['root'] = root.prepare(
                f'{builddir}/lab/root', [*(self.paths[name] for name in CARRIED), *programs])
        except (root.RootError, OSError) as error:
            raise BootError(f'no root file system for the guest: {error}') from error

    def kernel(self, config):
        """The bzImage of a configuration, or None: then missing[config] says why."""
        name = f'kernel-{config}'
        if name not in self.paths:
            result = subprocess.run([f'{ROOT}/kernel/build', '--config', config,
                                     '--print-path'], capture_output=True, text=True,
                                    check=False)
            if result.returncode:
                self.missing[config] = result.stderr.strip().split('\n')[-1]
                self.paths[name] = ''
            else:
                self.paths[name] = result.stdout.strip()
        path = self.paths[name]
        if not path:
            return None
        if not os.path.exists(path):
            self.missing[config] = f'{path} is not built; kernel/build --config {config}'
            return None
        if name not in self.hashes:
            self.hashes[name] = sha256(path)
        return path

    def image(self, filesystem):
        """A drive with that file system, to be copied."""
        try:
            return drive.prepare(f'{self.builddir}/lab/drives', filesystem)
        except (drive.DriveError, OSError) as error:
            raise BootError(f'no drive with {filesystem}: {error}') from error

    def why_not(self, machine):
        """Why a machine cannot be had with these, or None."""
        if self.kernel(machine.kernel) is None:
            return f'no {machine.kernel} kernel: {self.missing[machine.kernel]}'
        return None

    def describe(self):
        return {'fio_version': self.fio_version, 'sha256': dict(self.hashes),
                'guest_script': sha256(f'{HERE}/guest.py')}


def vm_arguments(boot, ingredients, image=''):
    """Arguments of test/vm/run that say what is booted; image: of a drive with a file
    system."""
    machine = boot.machine
    controller = machine.drive + f',max_ioqpairs={3 * machine.cpus}'
    words = [machine.append, f'nvme.poll_queues={machine.cpus}']
    arguments = ['--icount', '--cpus', str(machine.cpus), '--mem', '1024',
                 '--kernel', ingredients.kernel(machine.kernel),
                 '--qemu', ingredients.paths['qemu'],
                 '--root', ingredients.paths['root'],
                 '--append', ' '.join(words),
                 '--nvme-controller', controller,
                 '--nvme', f'image={image}' if machine.filesystem else 'null=1G']
    if machine.interrupt_cost_ns:
        arguments += ['--interrupt-cost', str(machine.interrupt_cost_ns)]
    return arguments


# What the guest runs, and the name it has there.
CARRIED = {'engine': 'cint', 'preload': 'no-spin.so', 'paced': 'paced'}


def plan_of(boot, warm_up):
    plan = {'margin_ms': workloads.MARGIN_MS, 'warm_up': warm_up,
            'cells': [cell.plan() for cell in boot.cells]}
    if boot.machine.filesystem:
        plan['filesystem'] = {'kind': boot.machine.filesystem, 'mount': drive.MOUNT,
                              'file': drive.FILE, 'megabytes': drive.FILE_MB}
    return plan


def key_of(boot, ingredients, warm_up):
    """A name for all that can change the outcome, and nothing else."""
    plan = plan_of(boot, warm_up)
    arguments = vm_arguments(boot, ingredients)
    for option in ('--kernel', '--qemu', '--root'):	# by content, not by path
        position = arguments.index(option)
        del arguments[position:position + 2]
    description = [plan, arguments, ingredients.fio_version,
                   ingredients.hashes[f'kernel-{boot.machine.kernel}'],
                   sha256(f'{HERE}/guest.py'), sha256(f'{ROOT}/test/vm/init'),
                   sha256(f'{ROOT}/test/vm/run')]
    description += [ingredients.hashes[name] for name in (*BINARIES, 'root')]
    if boot.machine.filesystem:
        description.append(drive.recipe(boot.machine.filesystem))
    text = json.dumps(description, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def run(boot, ingredients, warm_up, running):
    """Boot, measure, and return the guest's result with how it was come by.

    running is called with the process as soon as there is one.
    """
    with tempfile.TemporaryDirectory(prefix='cint-lab.') as directory, \
            tempfile.TemporaryDirectory(prefix='cint-lab.') as images:
        with open(f'{directory}/plan.json', 'w', encoding='utf-8') as file:
            json.dump(plan_of(boot, warm_up), file)
        # The guest sees this directory by a fixed name and with nothing else in it:
        # even the length of a directory that is searched would be measured.
        shutil.copy(f'{HERE}/guest.py', directory)
        for name, carried in CARRIED.items():
            shutil.copy(ingredients.paths[name], f'{directory}/{carried}')
        image = ''
        if boot.machine.filesystem:
            image = shutil.copy(ingredients.image(boot.machine.filesystem), f'{images}/drive')
        command = [f'{ROOT}/test/vm/run', *vm_arguments(boot, ingredients, image),
                   '--timeout', str(TIMEOUT_S), '--out', directory,
                   '--env', 'PYTHONHASHSEED=0', '--env', 'PYTHONDONTWRITEBYTECODE=1',
                   '--', 'python3', '/run/cint/out/guest.py']
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, cwd=ROOT,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   text=True)
        running(process)
        output = process.communicate()[0]
        try:
            with open(f'{directory}/result.json', encoding='utf-8') as file:
                result = json.load(file)
        except (OSError, ValueError):
            result = {}
        if 'error' in result:
            raise BootError(result['error'])
        if process.returncode:
            raise BootError(f'test/vm/run ended with status {process.returncode}:\n'
                            f'{output[-3000:]}')
        if len(result.get('cells', ())) != len(boot.cells):
            raise BootError('the guest ended without measuring everything')
        return result
