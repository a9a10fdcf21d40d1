# SPDX-License-Identifier: GPL-2.0
"""The table that is printed when a run has ended."""

import charts
import report

COLUMNS = (
    ('contender', None),
    ('depth 1, urgent: mean', lambda row: f'{row["mean_us"]:.2f} us'),
    ('depth 32: IOPS', lambda row: charts.number(row['iops'])),
    ('interrupts', lambda row: f'{row["nvme_interrupts_per_request"]:.3f}'),
    ('mix, bulk: IOPS', lambda row: charts.number(row['iops'])),
    ('mix, urgent: mean', lambda row: f'{row["mean_us"]:.2f} us'),
    ('p99', lambda row: f'{row["p99_us"]:.2f} us'),
)


def table(rows):
    """Lines, or none if the run had neither the depths nor the mix."""
    rows = report.pick(rows, cpus=1)
    known = report.pick(rows, experiment='depth') + report.pick(rows,
                                                                experiment='paced-mix')
    lines = [[title for title, _ in COLUMNS]]
    for name in report.in_order(row['contender'] for row in known):
        lone, deep = (report.one(known, experiment='depth', contender=name, depth=number)
                      for number in (1, 32))
        urgent, bulk = (report.one(known, experiment='paced-mix', contender=name,
                                   rate=10000, job=job) for job in ('urgent', 'bulk'))
        found = [lone, deep, deep, bulk, urgent, urgent]
        if any(found):
            lines.append([name] + [show(row) if row else '-'
                                   for (_, show), row in zip(COLUMNS[1:], found)])
    if len(lines) == 1:
        return []
    widths = [max(len(line[place]) for line in lines) for place in range(len(COLUMNS))]
    return ['  '.join(f'{cell:<{width}}' if not place else f'{cell:>{width}}'
                      for place, (cell, width) in enumerate(zip(line, widths)))
            for line in lines]


def text(rows):
    lines = table(rows)
    if not lines:
        return ''
    return '\n'.join(lines + [
        '', 'Virtual time, 1 instruction = 1 ns: every figure repeats, and knows nothing of '
        'caches.', 'interrupts: of the drive, a request. mix: 10000 urgent reads a second '
        'beside a bulk\nstream of depth 32 on the same CPU; their latency counts from when '
        'each was due.'])
