# SPDX-License-Identifier: GPL-2.0
"""Drives with a file system, made on the host; the guest writes a file into it."""

import hashlib
import inspect
import os
import subprocess
import tempfile

FILESYSTEMS = ('ext4', 'xfs')
MOUNT = '/tmp/drive'
FILE = MOUNT + '/data'
FILE_MB = 64
# the least that mkfs.xfs takes, and room
DRIVE_MB = 512
UUID = '00000000-0000-0000-0000-000000000002'


class DriveError(Exception):
    pass


def run_tool(*command):
    try:
        result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                text=True, check=False,
                                env=dict(os.environ, E2FSPROGS_FAKE_TIME='1700000000'))
    except FileNotFoundError as error:
        raise DriveError(f"'{command[0]}' is not installed; scripts/install-deps fio "
                         'installs it') from error
    if result.returncode:
        raise DriveError(f'{" ".join(command)}: {result.stdout}')


def make(filesystem, image):
    run_tool('truncate', '-s', f'{DRIVE_MB}M', image)
    if filesystem == 'ext4':
        run_tool('mke2fs', '-q', '-t', 'ext4', '-E', 'root_owner=0:0,lazy_itable_init=0,'
                 'lazy_journal_init=0,hash_seed=00000000-0000-0000-0000-000000000001',
                 '-U', UUID, image)
    else:
        run_tool('mkfs.xfs', '-q', '-m', f'uuid={UUID}', image)


def recipe(filesystem):
    """What makes two drives the same to a program that reads and writes the file."""
    text = f'{filesystem} {FILE_MB} {DRIVE_MB} {UUID} {inspect.getsource(make)}'
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def prepare(parent, filesystem):
    """The path of an image below parent; made if it is not there."""
    path = f'{parent}/{filesystem}-{recipe(filesystem)}.img'
    if not os.path.exists(path):
        os.makedirs(parent, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=parent) as scratch:
            make(filesystem, f'{scratch}/image')
            os.rename(f'{scratch}/image', path)
    return path
