#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The LevelDB benchmark's side in the guest: run the workloads of one boot.

Reads $CINT_OUT/plan.json and writes $CINT_OUT/result.json, as guest.py does for fio.
The drive holds a file system with the database in it.
"""

import ctypes
import json
import os
import subprocess
import sys

import guest

HERE = os.path.dirname(os.path.realpath(__file__))
MOUNT = '/tmp/drive'
# the only namespace of the only controller
DEVICE = f'/dev/{guest.CONTROLLER}n1'
# The least there is. Clients, compaction and bulk writer share a CPU as equals, so that
# compaction keeps up under every contender alike; with longer slices the tail of a read
# would be how long the scheduler lets the others run. Without HRTICK a slice ends with the
# next tick only, which comes every 4 ms.
SLICE_NS = 100000


def drop_caches():
    os.sync()
    with open('/proc/sys/vm/drop_caches', 'w', encoding='ascii') as file:
        file.write('3')


def page_cache_kb():
    with open('/proc/meminfo', encoding='ascii') as file:
        return {line.split(':')[0]: int(line.split()[1]) for line in file}['Cached']


def run_workload(words, paced, environment):
    """What the program printed, and what the machine did meanwhile."""
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env=environment) as process:
        process.stdout.readline()
        if paced:
            with open('paced.json', 'w', encoding='ascii') as out:
                counter = subprocess.Popen(paced, stdout=out)
        out, errors = process.communicate()
        if paced:
            counter.wait()
    if process.returncode:
        raise guest.Failure(f'{" ".join(words)} failed ({process.returncode}): {errors}')
    return json.loads(out.splitlines()[-1])


def run_cell(cell, controller, environment):
    controller.coalesce(cell['mode'], cell['params'])
    drop_caches()
    words = [word.replace('@HERE@', HERE).replace('@DB@', MOUNT + '/db')
             for word in cell['command']]
    paced = [f'{HERE}/paced', '--file', DEVICE, '--rate', '0', '--rt', '50', '--cpu', '0',
             '--warmup-ms', str(cell['warmup_ms']), '--ms', str(cell['ms'])]
    before = guest.deliveries(controller)
    measured = run_workload(words, paced, environment)
    cache = page_cache_kb()
    after = guest.deliveries(controller)
    return {'id': cell['id'], 'measured': measured, 'sample': guest.sampled(),
            'page_cache_kb': cache,
            'deliveries': {name: after[name] - before[name] for name in after}}


def main():
    with open(os.environ['CINT_OUT'] + '/plan.json', encoding='utf-8') as file:
        plan = json.load(file)
    ctypes.CDLL(None).prctl(29, 1, 0, 0, 0)
    os.chdir('/tmp')
    os.mkdir(MOUNT)
    subprocess.run(['mount', '-o', 'noatime', DEVICE, MOUNT], check=True)
    for name, value in (('features', 'HRTICK'), ('base_slice_ns', str(SLICE_NS))):
        with open(f'/sys/kernel/debug/sched/{name}', 'w', encoding='ascii') as file:
            file.write(value)
    controller = guest.Controller()
    result = {'kernel': ' '.join(os.uname()[2:4]), 'modes': controller.modes(), 'cells': []}
    status = 0
    try:
        # what is read from the host for the first time is read here
        run_workload([f'{HERE}/ycsb', 'run', MOUNT + '/db', 'B', '--records',
                      str(plan['records']), '--ms', '5', '--warmup-ms', '5', '--ingest',
                      '0'], None, dict(os.environ))
        for cell in plan['cells']:
            result['cells'].append(run_cell(cell, controller, dict(os.environ)))
    except (guest.Failure, OSError, ValueError, KeyError) as error:
        result['error'] = f'{type(error).__name__}: {error}'
        status = 1
    with open(os.environ['CINT_OUT'] + '/result.json', 'w', encoding='utf-8') as file:
        json.dump(result, file)
    return status


if __name__ == '__main__':
    sys.exit(main())
