# SPDX-License-Identifier: GPL-2.0
"""Made-up results in the shape of real ones, for tests: every experiment, every
contender, figures that follow from a small model."""

import zlib

import contenders as who
import experiments
import results


def measured(cell):
    """What a guest might have counted for a cell."""
    name = cell.contender.name
    wait = {'static-100': 100, 'static-20': 20, 'static-6': 6, 'adaptive': 20}.get(name, 0)
    # never the same figure twice, and always the same for the same cell
    spread = zlib.crc32(cell.id.encode()) % 1000 / 1000
    jobs = {}
    for job in cell.workload.jobs:
        latency = 15000 + 1000 * wait + 900 * spread + 6000 * (job.depth - 1)
        jobs[job.name] = {
            'requests': int(cell.ms * 1e6 * job.depth / latency), 'mean_ns': latency,
            'min_ns': latency * .9, 'max_ns': latency * 3, 'p50_ns': latency * .98,
            'p99_ns': latency * 1.2, 'p999_ns': latency * 2}
    total = sum(job['requests'] for job in jobs.values())
    sample = {'own': 0}
    rate = cell.workload.paced.rate
    if rate:
        latency = 15000 + 1000 * wait + 900 * spread
        own = rate * cell.ms // 1000
        total += own
        sample = {'own': own, 'requests': own, 'rate': rate, 'mean_ns': latency,
                  'p50_ns': latency, 'p99_ns': latency * 1.2, 'p999_ns': latency * 2}
    interrupts = 0 if cell.contender.polled else \
        int(total * (.07 + .1 * spread)) if wait else total
    sample.update({'ns': cell.ms * 10 ** 6, 'idle_ns': 0, 'device': total,
                   'nvme': interrupts, 'timer': cell.ms, 'ipi': 0,
                   'instructions': int(total * (5000 + 800 * spread))})
    return {'id': cell.id, 'jobs': jobs, 'sample': sample,
            'deliveries': {'fire_each': interrupts}}


def leveldb_rows():
    """Rows as the LevelDB benchmark makes them."""
    rows = []
    for mode, found in (('device', who.DEVICE), ('kthread', [
            who.NONE, *map(who.kthread, who.DEVICE[1:])])):
        for workload in ('ycsb-B', 'ycsb-A-sync'):
            for contender in found:
                spread = zlib.crc32(f'{mode} {workload} {contender.name}'.encode()) % 1000
                for job, share in (('read', .5), ('update', .5), (results.TOTAL, 1)):
                    rows.append({
                        'experiment': 'leveldb', 'workload': workload,
                        'contender': contender.name, 'axes': {'mode': mode},
                        'cpus': 2 if mode == 'kthread' else 1, 'job': job,
                        'requests': 10000, 'iops': share * (40000 + 10 * spread),
                        'mean_us': 30 + spread / 100, 'p50_us': 28 + spread / 100,
                        'p99_us': 90 + spread / 10, 'p999_us': 400 + spread,
                        'nvme_interrupts_per_request': .1 + spread / 1000,
                        'interrupts_per_request': .2 + spread / 1000})
    return rows


def document(quick=False, only=()):
    cells = experiments.cells(quick, only)
    rows = []
    for cell in cells:
        rows += results.rows_of_cell(cell, measured(cell))
    return {
        'format': results.FORMAT, 'quick': quick,
        'environment': {'sha256': {'qemu': 'a' * 64}, 'fio_version': 'fio-3.33',
                        'kernel': '6.12.0-made-up', 'seed': 1,
                        'drive': experiments.Machine().drive},
        'left_out': {}, 'failed': [],
        'commands': {cell.id: ' '.join(cell.workload.command(cell.contender))
                     for cell in cells},
        'rows': rows}
