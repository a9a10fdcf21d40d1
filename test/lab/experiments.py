# SPDX-License-Identifier: GPL-2.0
"""What is measured: experiments are lists of cells, cells share boots.

A cell is one workload under one contender on one machine. Contenders of an
experiment always meet the same cells in the same order and in a boot of their own,
so that what came before is the same for all of them.
"""

import itertools
from dataclasses import dataclass, field, replace

import contenders as who
import drive
import workloads as what


@dataclass(frozen=True)
class Machine:
    """What is booted; all of it goes into the hash of a boot."""
    cpus: int = 1
    kernel: str = 'lab'		# of kernel/build --config
    interrupt_cost_ns: int = 0
    # on the drive, with one file in it
    filesystem: str = ''
    drive: str = ('x-lat-model=uniform,x-lat-read-ns=10000,x-lat-write-ns=10000,'
                  'x-lat-spread-ns=2500,x-iops=500000,x-seed=1,x-cint=on,'
                  'x-coalesce-time-ns=1000')
    append: str = 'nokaslr norandmaps mitigations=off'


@dataclass(frozen=True)
class Cell:
    experiment: str
    workload: what.Workload
    contender: who.Contender
    machine: Machine = Machine()
    # where it belongs on the axes of the experiment's chart
    axes: dict = field(default_factory=dict, hash=False)
    # of virtual time that is measured
    ms: int = 100

    @property
    def id(self):
        axes = ','.join(f'{name}={value}' for name, value in self.axes.items())
        return '|'.join((self.experiment, self.workload.name, self.contender.name, axes))

    def plan(self):
        """As the guest is told."""
        return {'id': self.id, 'mode': self.contender.mode, 'ms': self.ms,
                'params': self.contender.params,
                'fio': self.workload.command(self.contender)}


@dataclass(frozen=True)
class Boot:
    name: str
    machine: Machine
    cells: tuple


ALL = who.DEVICE + [who.SPLIT] + who.REFERENCES
COMPARED = who.DEVICE + [who.SPLIT, who.POLLED]


def depth_sweep(quick):
    """Latency against throughput: one reader, more and more outstanding."""
    depths = (1, 4, 16, 32, 128) if quick else (1, 2, 4, 8, 16, 32, 64, 128, 256)
    contenders = COMPARED if quick else ALL + [who.FEATURE_08H]
    return [Cell('depth', what.depth(number), contender, axes={'depth': number})
            for contender in contenders for number in depths]


def unmarked(quick):
    """Depth 1 without the mark: what a program pays that says nothing."""
    if quick:
        return []
    return [Cell('unmarked', what.unmarked(1), contender) for contender in COMPARED]


def figure_6(quick):
    """Uniform 4 KiB by two threads, synchronous and asynchronous; no marks."""
    depths = (1, 16) if quick else (1, 4, 16, 64)
    directions = ('randread',) if quick else ('randread', 'randwrite')
    return [Cell('figure-6', what.uniform_pair(depth, rw), contender,
                 axes={'depth': depth, 'rw': rw})
            for contender in COMPARED for depth in depths for rw in directions]


def figure_7(quick):
    """Bursts from one thread, sparse requests from another; no marks of theirs, and in the
    last row the driver's."""
    sizes = (24,) if quick else (8, 24, 64)
    contenders = COMPARED if quick else COMPARED + [who.calibrate(who.SPLIT)]
    return [Cell('figure-7', what.bursts(size, marked=False), contender,
                 axes={'burst': size}) for contender in contenders for size in sizes]


def figure_8(quick):
    """The same, sparse requests urgent and each burst ended by a barrier."""
    sizes = (24,) if quick else (8, 24, 64)
    return [Cell('figure-8', what.bursts(size, marked=True), contender,
                 axes={'burst': size}) for contender in COMPARED for size in sizes]


def paced_mix(quick):
    """An urgent stream at a steady pace beside a bulk stream on the same CPU."""
    rates = (10000,) if quick else (2000, 5000, 10000)
    return [Cell('paced-mix', what.paced_mix(rate), contender, axes={'rate': rate},
                 ms=200)
            for contender in COMPARED for rate in rates]


def sensitivity(quick):
    """In the mix: threshold, base delay and correction factor of cint-a, whose delay
    may shrink to nothing; threshold and least delay of cint-rate; threshold and delay of
    adaptive."""
    thresholds = (24,) if quick else (8, 16, 24, 32, 40)
    deltas_us = (20, 50, 200) if quick else (10, 20, 50, 100, 200)
    corrections = (2,) if quick else (0, 1, 2, 4)
    least_us = (5, 15, 30) if quick else (1, 5, 10, 20, 30, 40, 60)
    cells = []
    for a, threshold, delta in itertools.product(corrections, thresholds, deltas_us):
        params = who.policy('cint-a', threshold, delta, 1, correction=a)
        cells.append(Cell('sensitivity', what.paced_mix(),
                          who.Contender('cint-a', 'device', params),
                          axes={'threshold': threshold, 'delta_us': delta, 'a': a}))
    for threshold, least in itertools.product(thresholds, least_us):
        params = who.policy('cint-rate', threshold, max(least, who.DELTA_US), least)
        cells.append(Cell('sensitivity', what.paced_mix(),
                          who.Contender('cint-rate', 'device', params),
                          axes={'threshold': threshold, 'delta_min_us': least}))
    # and what adaptive coalescing reaches at its best
    for threshold, delta in itertools.product(thresholds, deltas_us):
        params = who.policy('adaptive', threshold, delta)
        cells.append(Cell('sensitivity', what.paced_mix(),
                          who.Contender('adaptive', 'device', params),
                          axes={'threshold': threshold, 'delta_us': delta}))
    return cells


def cpus(quick):
    """One bulk reader a virtual CPU; they take turns on one clock."""
    if quick:
        return []
    chosen = [who.NONE, who.STATIC[0], *who.POLICIES[-1:], who.SPLIT, who.POLLED]
    return [Cell('cpus', what.parallel(number), contender, Machine(cpus=number),
                 axes={'cpus': number})
            for contender in chosen for number in (1, 2, 4)]


def kthread(quick):
    """The driver's own coalescer, its poller on the second CPU."""
    chosen = [who.NONE, who.POLICIES[-1]] if quick else who.DEVICE
    loads = [what.paced_mix()] if quick else [what.depth(1), what.depth(32),
                                              what.paced_mix()]
    cells = []
    for contender in chosen:
        for how in (contender, who.kthread(contender)):
            cells += [Cell('kthread', load.on_cpu(0), how, Machine(cpus=2))
                      for load in loads]
    return cells


# What an interrupt costs besides the instructions of its handler, which the lab counts
# itself: 0.8 us of them, so that is taken off a published figure.
INTERRUPT_COSTS = {
    0: 'nothing but its instructions, 0.8 \u00b5s of them',
    200: '1 \u00b5s in all: \u201con the order of a microsecond\u201d to respond to an '
         'interrupt and switch to the thread (AMD, Onload User Guide UG1586, '
         '\u201cPolling vs. Interrupts\u201d)',
    2200: '3 \u00b5s in all: interrupt processing of a frame takes more than that on a '
          '2.13 GHz Xeon (Larsen et al., Architectural Breakdown of End-to-End Latency in '
          'a TCP/IP Network, 2009)',
}


def interrupt_cost(quick):
    """What is won when an interrupt costs what it costs real machines."""
    if quick:
        return []
    chosen = [who.NONE, *who.STATIC[:2], who.POLICIES[1], who.POLICIES[-1],
              who.SPLIT, who.POLLED]
    return [Cell('interrupt-cost', load, contender, Machine(interrupt_cost_ns=cost),
                 axes={'cost_ns': cost})
            for contender in chosen for cost in INTERRUPT_COSTS
            for load in (what.depth(32), what.paced_mix())]


def patched(quick):
    """Unmarked program, coalescing off, with the series and without."""
    # long: the difference looked for is small
    depths = (1, 32) if quick else (1, 4, 16, 32, 64)
    return [Cell('patched', what.depth(number), who.NONE_IO_URING, Machine(kernel=kernel),
                 axes={'kernel': kernel, 'depth': number}, ms=200)
            for kernel in ('lab', 'lab-stock') for number in depths]


def engines(quick):
    """The engine "cint" beside fio's own "io_uring", neither with marks."""
    if quick:
        return []
    return [Cell('engines', what.unmarked(number), contender, axes={'depth': number},
                 ms=200)
            for contender in (who.NONE, who.NONE_IO_URING) for number in (1, 4, 32)]


def calibrate(quick):
    """Programs that know of no mark, on a drive that calibrates by default."""
    if quick:
        return []
    rate = who.POLICIES[-1]
    chosen = [who.NONE, who.STATIC[1], rate, who.calibrate(rate), who.SPLIT,
              who.calibrate(who.SPLIT)]
    loads = [what.as_they_are('sync-read', what.synchronous()),
             what.as_they_are('sync-write', what.synchronous('randwrite'))]
    for engine in ('libaio', 'io_uring'):
        loads += [
            what.as_they_are(f'{engine}-batches', what.batched(engine)),
            what.as_they_are(f'{engine}-one-by-one', what.one_by_one(engine)),
            what.as_they_are(f'sync-beside-{engine}-batches',
                             what.synchronous(think_us=100), what.batched(engine))]
    cells = [Cell('calibrate', load, contender) for contender in chosen for load in loads]
    for filesystem in drive.FILESYSTEMS:
        loads = [what.as_they_are(name, *jobs, filesystem=filesystem) for name, *jobs in (
            ('sync-read', what.synchronous()), ('sync-write', what.synchronous('randwrite')),
            ('fsync', what.committing()), ('libaio-batches', what.batched('libaio')),
            ('io_uring-batches', what.batched('io_uring')))]
        cells += [Cell('calibrate', load, contender, Machine(filesystem=filesystem))
                  for contender in chosen for load in loads]
    return cells


EXPERIMENTS = {function.__name__.replace('_', '-'): function for function in (
    depth_sweep, unmarked, figure_6, figure_7, figure_8, paced_mix, sensitivity, cpus, kthread,
    interrupt_cost, patched, engines, calibrate)}


def cells(quick, only=()):
    chosen = [function(quick) for name, function in EXPERIMENTS.items()
              if not only or name in only]
    return list(itertools.chain.from_iterable(chosen))


def boots(all_cells, quick):
    """Cells by boot: those of one contender on one machine, in the quick runs of
    all experiments, else of one."""
    groups = {}
    for cell in all_cells:
        key = (cell.machine, cell.contender.name, None if quick else cell.experiment)
        groups.setdefault(key, []).append(cell)
    result = []
    for (machine, contender, experiment), group in groups.items():
        name = ' '.join(filter(None, (
            experiment, contender, f'{machine.cpus} CPUs' if machine.cpus > 1 else '',
            machine.filesystem, machine.kernel if machine.kernel != 'lab' else '',
            f'{machine.interrupt_cost_ns} ns' if machine.interrupt_cost_ns else '')))
        result.append(Boot(name, machine, tuple(group)))
    return result
