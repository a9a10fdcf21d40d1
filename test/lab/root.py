# SPDX-License-Identifier: GPL-2.0
"""The root file system of the lab's guests: the files that they use, and no others.

The guests of other tests boot from the host's own root. What is measured would then
depend on whatever the host has installed: the loader searches a longer cache, Python
another directory, every later moment comes at another phase. Here the few files are
copied, with nothing beside them, and have a hash that is part of that of a boot.
"""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile

HERE = os.path.dirname(os.path.realpath(__file__))
TEST = os.path.dirname(HERE)

# As test/vm/init has it; what it calls, and what the lab does.
PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
COMMANDS = ('sh', 'mount', 'mkdir', 'ln', 'cat', 'cut', 'mkfifo', 'setsid', 'dmesg', 'mv',
            'sleep', 'sync', 'python3', 'fio')
# What is mounted on or made in by test/vm/init.
DIRECTORIES = ('dev', 'etc', 'proc', 'run', 'sys', 'tmp')


class RootError(Exception):
    pass


def output_of(*command):
    result = subprocess.run(command, capture_output=True, text=True, check=False,
                            env={'PATH': PATH, 'LC_ALL': 'C'})
    return result.stdout if result.returncode == 0 else None


def shared_objects(path):
    """What the loader loads with a program, itself included; none with a script."""
    text = output_of('ldd', path) or ''
    missing = re.search(r'(\S+) => not found', text)
    if missing:
        raise RootError(f'{path} needs {missing[1]}, which is not installed')
    return re.findall(r'(?:=> |^\s+)(/\S+)', text, re.MULTILINE)


def python_files(python):
    """The files of all modules that guest.py imports, compiled ones too."""
    text = output_of(python, '-I', '-c', f'''
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, {HERE!r})
import guest
for name, module in list(sys.modules.items()):
    if name not in ('guest', '__main__'):
        for attribute in ('__file__', '__cached__'):
            print(getattr(module, attribute, None) or '')
''')
    if text is None:
        raise RootError(f'{python} cannot import {HERE}/guest.py')
    # not whatever is installed beside Python's own, such as what *.pth files name
    return [path for path in text.split()
            if os.path.exists(path) and not re.search('/(site|dist)-packages/', path)]


class Listing:
    """Files and symbolic links by their path, all that leads to a file among them."""

    def __init__(self):
        self.files = {}
        self.links = {}

    def add(self, path, source=None):
        """A file of the host, or another one's content under its path."""
        if source:
            self.files[path] = source
            return
        done = ''
        parts = path.strip('/').split('/')
        for place, part in enumerate(parts, 1):
            step = f'{done}/{part}'
            if os.path.islink(step):
                self.links[step] = os.readlink(step)
                target = os.path.normpath(os.path.join(done or '/', self.links[step]))
                self.add('/'.join([target, *parts[place:]]))
                return
            done = step
        self.files[done] = done

    def add_program(self, path):
        self.add(path)
        for needed in shared_objects(path):
            self.add(needed)

    def hash(self):
        digest = hashlib.sha256()
        for path, target in sorted(self.links.items()):
            digest.update(f'{path} -> {target}\0'.encode())
        for path, source in sorted(self.files.items()):
            status = os.stat(source)
            digest.update(f'{path} {status.st_mode & 0o777:o} '
                          f'{int(status.st_mtime) if path.endswith(".py") else 0} '
                          f'{status.st_size}\0'.encode())
            with open(source, 'rb') as file:
                digest.update(hashlib.sha256(file.read()).digest())
        return digest.hexdigest()

    def copy(self, directory):
        for name in DIRECTORIES:
            os.mkdir(f'{directory}/{name}')
        for path, target in sorted(self.links.items()):
            os.makedirs(os.path.dirname(directory + path), exist_ok=True)
            os.symlink(target, directory + path)
        for path, source in sorted(self.files.items()):
            os.makedirs(os.path.dirname(directory + path), exist_ok=True)
            shutil.copyfile(source, directory + path)
            os.chmod(directory + path, os.stat(source).st_mode & 0o777)
        # the directories that the loader searches
        places = sorted({os.path.dirname(path) for path in self.files
                         if re.search(r'\.so[.0-9]*$', path) and '/python' not in path})
        with open(f'{directory}/etc/ld.so.conf', 'w', encoding='ascii') as file:
            file.write(''.join(place + '\n' for place in places))
        if output_of('ldconfig', '-X', '-r', directory) is None:
            raise RootError(f'ldconfig -X -r {directory} failed')
        shutil.rmtree(f'{directory}/var', ignore_errors=True)	# ldconfig's notes
        # times say nothing, but compiled modules know those of their sources
        for where, directories, names in os.walk(directory, topdown=False):
            links = [name for name in directories if os.path.islink(f'{where}/{name}')]
            for name in names + links:
                path = f'{where}/{name}'
                source = self.files.get(path[len(directory):])
                seconds = int(os.stat(source).st_mtime) \
                    if source and name.endswith('.py') else 0
                os.utime(path, (seconds, seconds), follow_symlinks=False)
            os.utime(where, (0, 0))


def listing(programs):
    """What a guest needs that also runs or loads these programs."""
    found = Listing()
    for name in COMMANDS:
        path = shutil.which(name, path=PATH)
        if not path:
            raise RootError(f"'{name}' is not installed; scripts/install-deps vm fio "
                            'installs what the guest runs')
        found.add_program(path)
    for path in python_files(shutil.which('python3', path=PATH)):
        found.add_program(path) if path.endswith('.so') else found.add(path)
    for path in programs:
        for needed in shared_objects(path):
            found.add(needed)
    found.add('/bin/sh')	# by which name scripts call it
    found.add('/init', f'{TEST}/vm/init')
    return found


def prepare(parent, programs):
    """A directory below parent to boot from, and its hash; made if it is not there."""
    found = listing(programs)
    digest = found.hash()
    directory = f'{parent}/{digest[:20]}'
    if not os.path.isdir(directory):
        os.makedirs(parent, exist_ok=True)
        new = tempfile.mkdtemp(prefix='.new.', dir=parent)
        os.chmod(new, 0o755)
        try:
            found.copy(new)
            os.rename(new, directory)
        except OSError:
            if not os.path.isdir(directory):	# else another run made it meanwhile
                raise
        finally:
            shutil.rmtree(new, ignore_errors=True)
    return directory, digest
