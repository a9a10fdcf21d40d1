# SPDX-License-Identifier: GPL-2.0
"""Results: from what the guest counted to rows, and files of rows."""

import csv
import json

FORMAT = 1

# Of each row: what was measured, on what; then the figures.
KEYS = ('experiment', 'workload', 'contender', 'axes', 'cpus', 'job')
FIGURES = ('iops', 'mean_us', 'p50_us', 'p99_us', 'p999_us', 'interrupts_per_request',
           'nvme_interrupts_per_request', 'timer_interrupts_per_request',
           'ipis_per_request', 'instructions_per_request', 'requests')
COLUMNS = KEYS + FIGURES

# The row of a cell that has all its jobs together.
TOTAL = 'all'


class ResultsError(Exception):
    pass


def axes_text(axes):
    return ' '.join(f'{name}={value}' for name, value in axes.items())


def _per(count, requests, digits=4):
    return round(count / requests, digits) if requests else None


def rows_of_cell(cell, measured):
    """Rows of one cell: one for each job, and one for all if there are several.

    What is counted for the machine as a whole (interrupts, instructions) is by
    request of all jobs and stands in each row.
    """
    sample = measured['sample']
    total = sample['device']
    seconds = sample['ns'] / 1e9
    shared = {
        'nvme_interrupts_per_request': _per(sample['nvme'], total),
        'timer_interrupts_per_request': _per(sample['timer'], total),
        'ipis_per_request': _per(sample['ipi'], total),
        'interrupts_per_request': _per(
            sample['nvme'] + sample['timer'] + sample['ipi'], total),
        'instructions_per_request': _per(sample['instructions'], total, 1)
        # what is charged for interrupts is no instructions, and in part of the time idle
        if 'instructions' in sample and not cell.machine.interrupt_cost_ns else None,
    }
    head = {'experiment': cell.experiment, 'workload': cell.workload.name,
            'contender': cell.contender.name, 'axes': dict(cell.axes),
            'cpus': cell.machine.cpus}
    # fio's jobs share what is not the paced reader's as fio says they did
    by_fio = sum(job['requests'] for job in measured['jobs'].values())
    jobs = {name: dict(job, rate=(total - sample['own']) / seconds * job['requests'] / by_fio)
            for name, job in measured['jobs'].items()}
    if cell.workload.paced.rate:
        jobs[cell.workload.paced.name] = sample
    rows = []
    for name, job in jobs.items():
        row = dict(head, job=name, iops=round(job['rate'], 1), **shared,
                   requests=job['requests'])
        for source, target in (('mean_ns', 'mean_us'), ('p50_ns', 'p50_us'),
                               ('p99_ns', 'p99_us'), ('p999_ns', 'p999_us')):
            row[target] = round(job[source] / 1000, 3)
        rows.append(row)
    if len(rows) > 1:
        row = dict(head, job=TOTAL, iops=round(total / seconds, 1), **shared,
                   requests=sum(row['requests'] for row in rows))
        row['mean_us'] = round(sum(r['mean_us'] * r['requests'] for r in rows)
                               / row['requests'], 3)
        rows.append(row)
    counts = measured['deliveries']
    # who decides counts: under the driver's modes the drive delivers one by one
    prefix = 'driver_fire_' if cell.contender.mode in ('kthread', 'split') else 'fire_'
    completed = counts.get('completed') or counts.get('driver_completions') or by_fio
    reasons = {name[len(prefix):]: _per(count, completed) for name, count in counts.items()
               if name.startswith(prefix) and count}
    for row in rows:
        row['reasons'] = reasons
        row.update(_by_class(cell, row['job'], counts, prefix))
    return rows


def _by_class(cell, job, counts, prefix):
    """Deliveries to a class of requests, over the whole of fio's run.

    A policy that heeds the marks delivers urgent requests apart from the others; under
    all others a delivery is everybody's.
    """
    if 'completed' not in counts:
        return {}
    marked = {job.name for job in cell.workload.jobs if job.urgent}
    if cell.workload.paced.urgent:
        marked.add(cell.workload.paced.name)
    urgent = job in marked
    fires = sum(count for name, count in counts.items()
                if name.startswith(prefix) and name != prefix + 'hold')
    marked_urgent = counts['urgent'] or counts.get('driver_urgent', 0)
    if cell.contender.polled:
        fires = counts['device_interrupts']
    requests = counts['completed']
    if cell.contender.params.get('policy', '').startswith('cint') and job != TOTAL:
        alone = counts[prefix + 'urgent']
        fires = alone if urgent else fires - alone
        requests = marked_urgent if urgent else requests - marked_urgent
    return {'class': TOTAL if job == TOTAL else 'urgent' if urgent else 'bulk',
            'fires': fires, 'fires_per_request': _per(fires, requests),
            'device_interrupts': counts['device_interrupts']}


def save(path, document):
    with open(path + '.json', 'w', encoding='utf-8') as file:
        json.dump(document, file, indent=1)
        file.write('\n')
    with open(path + '.csv', 'w', newline='', encoding='utf-8') as file:
        writer = csv.DictWriter(file, COLUMNS, extrasaction='ignore')
        writer.writeheader()
        for row in document['rows']:
            writer.writerow(dict(row, axes=axes_text(row['axes'])))


def load(path):
    """A results.json, checked; ResultsError says what is wrong with it."""
    try:
        with open(path, encoding='utf-8') as file:
            document = json.load(file)
    except OSError as error:
        raise ResultsError(f'cannot read {path}: {error.strerror}') from error
    except ValueError as error:
        raise ResultsError(f'{path} is not JSON ({error}); give a results.json') from error
    if not isinstance(document, dict) or 'rows' not in document or \
            not isinstance(document['rows'], list):
        raise ResultsError(f'{path} has no rows; give a results.json of make lab')
    if document.get('format') != FORMAT:
        raise ResultsError(f'{path} has format {document.get("format")!r}, this program '
                           f'reads {FORMAT}')
    for number, row in enumerate(document['rows']):
        for name in KEYS:
            if name not in row:
                raise ResultsError(f'{path}: row {number} has no {name}')
    return document


def key(row):
    """What makes a row the same measurement in another file."""
    return (row['experiment'], row['workload'], row['contender'],
            axes_text(row['axes']), row['cpus'], row['job'])
