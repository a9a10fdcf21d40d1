# SPDX-License-Identifier: GPL-2.0
"""What programs are told to do in the guest."""

from dataclasses import dataclass, replace

import drive

# What is measured begins when fio's jobs are in their stride, and ends before they
# do: the paced reader waits for WARM_UP, fio leaves RAMP out of its latencies, in
# which the reader has started, and goes on for the rest of MARGIN.
WARM_UP_MS = 15
RAMP_MS = 25
MARGIN_MS = 15

# fio's, given before each job: nothing here depends on the contender.
COMMON = ('--direct=1', '--bs=4k', '--norandommap',
          '--randseed=1', '--time_based', '--runtime=@RUNTIME@',
          f'--ramp_time={RAMP_MS}ms', '--eta=never', '--output-format=json')

# Of the engines "cint" and "io_uring" only.
REGISTERED = ('--registerfiles', '--fixedbufs')

# As a program that cares about latency would be scheduled; otherwise its tail
# measures the scheduler.
REALTIME_PRIORITY = 50


@dataclass(frozen=True)
class Job:
    """One of fio's."""
    name: str
    depth: int = 1
    urgent: bool = False
    rw: str = 'randread'
    # of the engine "cint"; other engines are not given these
    marks: tuple = ()
    options: tuple = ()
    # one of fio's own, whoever the contender is; then all jobs of a workload have one
    engine: str = ''


@dataclass(frozen=True)
class Paced:
    """The paced reader (paced.c) beside fio's jobs; at a rate of 0 it only counts what
    the machine does, as it does at any rate."""
    name: str = 'sampler'
    rate: int = 0
    urgent: bool = False
    cpu: int = 0

    def command(self):
        """With @PACED@ and @MS@ to be filled in."""
        words = ['@PACED@', '--file', '/dev/nvme0n1', '--rate', str(self.rate), '--rt',
                 str(REALTIME_PRIORITY), '--cpu', str(self.cpu),
                 '--warmup-ms', str(WARM_UP_MS), '--ms', '@MS@']
        return words + (['--urgent'] if self.urgent else [])


@dataclass(frozen=True)
class Workload:
    name: str
    jobs: tuple = ()
    paced: Paced = Paced()
    file: str = '/dev/nvme0n1'

    def command(self, contender):
        """The fio command line, with @RUNTIME@, @MS@ and @PACED@ to be filled in."""
        # fio reads an engine's options only after the engine's name.
        own = all(job.engine for job in self.jobs)
        words = ['fio'] if own else ['fio', f'--ioengine={contender.engine}']
        words += [f'--filename={self.file}', *COMMON]
        if not own:
            words += REGISTERED
        if contender.polled:
            words.append('--hipri')
        for place, job in enumerate(self.jobs):
            words += [f'--name={job.name}']
            if own:
                words.append(f'--ioengine={job.engine}')
            words += [f'--rw={job.rw}', f'--iodepth={job.depth}', *job.options]
            if contender.engine == 'cint' and not own:
                words += job.marks
                if job.urgent:
                    words.append('--cint_urgent_percentage=100')
            if not place:
                # the moment that fio's jobs begin
                words.append('--exec_prerun=' + ' '.join(self.paced.command()) +
                             ' > paced.json &')
        return words

    def on_cpu(self, cpu):
        """The same, kept to one CPU."""
        return replace(self, jobs=tuple(
            replace(job, options=job.options + (f'--cpus_allowed={cpu}',))
            for job in self.jobs))


def depth(number):
    """One thread that keeps that many requests outstanding; at depth 1 it waits
    for each, which is what the mark is for."""
    return Workload(f'depth-{number}', (Job('reader', number, urgent=number == 1),))


def unmarked(number):
    """The same without any mark."""
    return Workload(f'unmarked-{number}', (Job('reader', number),))


def paced_mix(rate=10000, bulk_depth=32):
    """An urgent request every so often beside a bulk stream that never stops."""
    return Workload('paced-mix', (Job('bulk', bulk_depth),),
                    Paced('urgent', rate, urgent=True))


def uniform_pair(number, rw='randread'):
    """Two threads, all requests alike; a depth of 1 is synchronous."""
    return Workload(f'uniform-{number}-{rw}', tuple(
        Job(name, number, rw=rw) for name in ('first', 'second')))


def bursts(size, marked, pause_us=200, rate=2000):
    """Bursts with pauses in between, and a request now and then beside them."""
    barrier = ('--cint_barrier_batch=1',) if marked else ()
    burst = Job('burst', size, marks=barrier, options=(
        f'--iodepth_batch_submit={size}', f'--iodepth_batch_complete_min={size}',
        f'--thinktime={pause_us}', f'--thinktime_blocks={size}'))
    return Workload(f'bursts-{size}' + ('-marked' if marked else ''), (burst,),
                    Paced('sparse', rate, urgent=marked))


def parallel(cpus, number=32):
    """A reader for each CPU, kept to it."""
    return Workload(f'parallel-{cpus}', tuple(
        Job(f'reader{cpu}', number, options=(f'--cpus_allowed={cpu}',))
        for cpu in range(cpus)))


# Programs as they are, which know of no mark: one request at a time by pread or pwrite,
# batches, and a request as soon as another is done, which is a batch of one.
def synchronous(rw='randread', think_us=0):
    options = (f'--thinktime={think_us}', '--thinktime_blocks=1') if think_us else ()
    return Job('sync', rw=rw, options=options, engine='psync')


def batched(engine, size=16):
    return Job('bulk', 2 * size, engine=engine, options=(
        f'--iodepth_batch_submit={size}', f'--iodepth_batch_complete_min={size}'))


def one_by_one(engine, number=32):
    return Job('bulk', number, engine=engine)


def committing():
    """Through the page cache, and each write is followed by fsync."""
    return Job('sync', rw='randwrite', options=('--direct=0', '--fsync=1'), engine='psync')


def as_they_are(name, *jobs, filesystem=''):
    return Workload(f'{name}-{filesystem}', jobs, file=drive.FILE) if filesystem else \
        Workload(name, jobs)
