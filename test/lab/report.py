# SPDX-License-Identifier: GPL-2.0
"""report.html from results: one page, no network, drawn charts and their tables."""

import os
from html import escape

import charts
import experiments
import results

HERE = os.path.dirname(os.path.realpath(__file__))
WIDE, NARROW = 700, 327		# CSS pixels: a screen's column, a phone's

# Colour (a variable of the style sheet) and shape of each contender.
LOOKS = {
    'none': ('none', 'circle'), 'static-100': ('static-100', 'square'),
    'static-20': ('static-20', 'square'), 'static-6': ('static-6', 'square'),
    'adaptive': ('adaptive', 'triangle'), 'cint': ('cint', 'diamond'),
    'cint-a': ('cint-a', 'diamond'), 'cint-rate': ('cint-rate', 'diamond'),
    'polled': ('polled', 'circle'),
}
ORDER = list(LOOKS)


def style_of(contender):
    name = contender.split('/')[0].split(' ')[0]
    return f'--c:var(--{LOOKS.get(name, ("none",))[0]})'


def shape_of(contender):
    return LOOKS.get(contender.split('/')[0], ('', 'circle'))[1]


def in_order(names):
    known = {name: place for place, name in enumerate(ORDER)}
    return sorted(set(names), key=lambda name: (known.get(name.split('/')[0], 99), name))


def pick(rows, **wanted):
    """Rows whose keys, or axes, have these values."""
    found = []
    for row in rows:
        for name, value in wanted.items():
            if row.get(name, row['axes'].get(name)) != value:
                break
        else:
            found.append(row)
    return found


def one(rows, **wanted):
    found = pick(rows, **wanted)
    return found[0] if found else None


# --- pieces of the page ---------------------------------------------------------------

def both(draw, *args, **kwargs):
    """A chart for a screen and for a phone; the style sheet shows one."""
    return ('<div class="wide">' + draw(*args, width=WIDE, **kwargs) + '</div>'
            '<div class="narrow">' + draw(*args, width=NARROW, **kwargs) + '</div>')


def pair(drawings):
    """Small charts that stand side by side where there is room."""
    return '<div class="grid">' + ''.join(
        '<div>' + draw(*args, width=NARROW, **kwargs) + '</div>'
        for draw, args, kwargs in drawings) + '</div>'


def legend(names):
    return '<ul class="legend">' + ''.join(
        f'<li style="{style_of(name)}"><svg width="14" height="14" aria-hidden="true">' +
        charts.mark(shape_of(name), 7, 7, 4, '', name).replace(' class="mark"', '') +
        f'</svg>{escape(name)}</li>' for name in names) + '</ul>'


TABLE = (('workload', 'workload'), ('contender', 'contender'), ('axes', 'setting'),
         ('job', 'job'), ('iops', 'IOPS'), ('mean_us', 'mean µs'), ('p50_us', 'p50 µs'),
         ('p99_us', 'p99 µs'), ('p999_us', 'p99.9 µs'),
         ('nvme_interrupts_per_request', 'drive interrupts a request'),
         ('interrupts_per_request', 'all interrupts a request'),
         ('instructions_per_request', 'instructions a request'))


def table(rows, columns=TABLE):
    lines = ['<details><summary>Table</summary><div class="scroll"><table><thead><tr>' +
             ''.join(f'<th>{escape(title)}</th>' for _, title in columns) +
             '</tr></thead><tbody>']
    for row in rows:
        cells = []
        for name, _ in columns:
            value = row.get(name)
            if name == 'axes':
                cells.append(f'<td>{escape(results.axes_text(value))}</td>')
            elif isinstance(value, (int, float)):
                cells.append(f'<td class="n">{value:,.4g}</td>' if abs(value) < 10 else
                             f'<td class="n">{value:,.1f}</td>')
            else:
                cells.append(f'<td>{escape(str(value)) if value is not None else "–"}</td>')
        lines.append('<tr>' + ''.join(cells) + '</tr>')
    lines.append('</tbody></table></div></details>')
    return ''.join(lines)


def section(identifier, title, *parts):
    return (f'<section id="{identifier}"><h2>{escape(title)}</h2>' + ''.join(parts) +
            '</section>')


def paragraph(words):
    return f'<p>{words}</p>'


def percent(value, base):
    return f'{100 * (value - base) / base:+.1f} %'


# --- sections ---------------------------------------------------------------------------

def at_a_glance(rows):
    """The few figures everything else explains."""
    lines = []

    def add(question, values):
        lines.append(f'<tr><th scope="row">{question}</th>' +
                     ''.join(f'<td>{value}</td>' for value in values) + '</tr>')

    names = [name for name in ('none', 'static-100', 'adaptive', 'cint', 'cint-rate',
                               'polled')
             if pick(rows, contender=name, cpus=1)]
    depth_1 = {name: one(rows, experiment='depth', contender=name, depth=1)
               for name in names}
    depth_32 = {name: one(rows, experiment='depth', contender=name, depth=32)
                for name in names}
    if all(depth_1.values()) and depth_1:
        add('Latency of a lone urgent read', [
            f'{row["mean_us"]:.1f} µs' for row in depth_1.values()])
    plain = {name: one(rows, experiment='unmarked', contender=name) for name in names}
    if all(plain.values()) and plain:
        add('The same without the mark', [f'{row["mean_us"]:.1f} µs'
                                          for row in plain.values()])
    if all(depth_32.values()) and depth_32:
        add('Bulk reads at depth 32', [
            f'{charts.number(row["iops"])}/s' for row in depth_32.values()])
        add('Drive interrupts for each', [
            charts.number(row['nvme_interrupts_per_request'])
            for row in depth_32.values()])
    mix = {name: (one(rows, experiment='paced-mix', contender=name, rate=10000,
                      job='urgent'),
                  one(rows, experiment='paced-mix', contender=name, rate=10000,
                      job='bulk')) for name in names}
    if mix and all(urgent for urgent, _ in mix.values()):
        add('Both at once: urgent, mean', [
            f'{urgent["mean_us"]:.1f} µs' for urgent, _ in mix.values()])
        add('Both at once: urgent, p99', [
            f'{urgent["p99_us"]:.1f} µs' for urgent, _ in mix.values()])
        add('Both at once: bulk reads', [
            f'{charts.number(bulk["iops"])}/s' for _, bulk in mix.values()])
    if not lines:
        return ''
    head = ''.join(f'<th scope="col">{escape(name)}</th>' for name in names)
    return ('<div class="scroll"><table class="glance"><thead><tr><td></td>' + head +
            '</tr></thead><tbody>' + ''.join(lines) + '</tbody></table></div>')


def depth(rows):
    mine = pick(rows, experiment='depth')
    if not mine:
        return ''
    names = [name for name in in_order(row['contender'] for row in mine)
             if name in LOOKS]

    def series(figure_x, figure_y):
        result = []
        for name in names:
            data = sorted(pick(mine, contender=name), key=lambda row: row['axes']['depth'])
            result.append((name, style_of(name), shape_of(name), [
                (row['axes']['depth'] if figure_x == 'depth' else row[figure_x],
                 row[figure_y], f'depth {row["axes"]["depth"]}: '
                 f'{charts.number(row["iops"])} IOPS, {row["mean_us"]:.1f} µs, '
                 f'{row["nvme_interrupts_per_request"]:.3f} interrupts a request')
                for row in data]))
        return result

    depths = sorted({row['axes']['depth'] for row in mine})
    parts = [paragraph(
        'One thread reads 4 KiB blocks and keeps a number of them outstanding, from '
        f'{depths[0]} to {depths[-1]}. Further right and lower is better. At depth 1 the '
        'program waits for each read, which is marked urgent; deeper reads carry no marks.'),
        legend(names),
        both(charts.lines, series('iops', 'mean_us'), x_title='IOPS',
             y_title='mean latency, µs', y_log=True, zero=True,
             label='Latency against throughput for each contender'),
        '<h3>The same by depth</h3>',
        both(charts.lines, series('depth', 'iops'), x_title='requests outstanding',
             y_title='IOPS', x_log=True, x_labels=depths,
             label='Throughput by depth'),
        both(charts.lines, series('depth', 'nvme_interrupts_per_request'),
             x_title='requests outstanding', y_title='drive interrupts a request',
             x_log=True, x_labels=depths, label='Interrupts by depth'),
        table(mine)]
    return section('depth', 'Latency against throughput', *parts)


def mix(rows):
    mine = pick(rows, experiment='paced-mix')
    if not mine:
        return ''
    parts = [paragraph(
        'A thread reads one block at a steady pace, and marks it urgent; beside it, on '
        'the same CPU, another keeps 32 reads outstanding. The first has the same '
        'real-time scheduling under every contender; its latency counts from the moment a '
        'read is due. Further right and lower is better; the dashed line is the urgent '
        'latency without coalescing. Under <i>polled</i> the bulk reader polls, the urgent '
        'one uses interrupts.')]
    for rate in sorted({row['axes']['rate'] for row in mine}, reverse=True):
        points = []
        for name in in_order(row['contender'] for row in pick(mine, rate=rate)):
            urgent = one(mine, rate=rate, contender=name, job='urgent')
            bulk = one(mine, rate=rate, contender=name, job='bulk')
            points.append((name, style_of(name), shape_of(name), bulk['iops'],
                           urgent['mean_us'],
                           f'bulk {charts.number(bulk["iops"])} IOPS, urgent mean '
                           f'{urgent["mean_us"]:.1f} µs, p99 {urgent["p99_us"]:.1f} µs, '
                           f'{urgent["iops"]:.0f} of {rate} a second'))
        none = one(mine, rate=rate, contender='none', job='urgent')
        guides = [('h', none['mean_us'], '')] if none else []
        parts += [f'<h3>{rate} urgent reads a second</h3>',
                  both(charts.scatter, points, x_title='bulk IOPS',
                       y_title='urgent latency, mean µs', guides=guides,
                       label=f'Urgent latency against bulk throughput at {rate} a second')]
        late = [f'{name} ({one(mine, rate=rate, contender=name, job="urgent")["iops"]:.0f})'
                for name in in_order(row['contender'] for row in mine)
                if one(mine, rate=rate, contender=name, job='urgent')['iops'] < .99 * rate]
        if late:
            parts.append(paragraph(
                'Fell behind the pace, so their urgent stream asked less of the CPU: ' +
                escape(', '.join(late)) + '.'))
    parts.append(table(mine))
    return section('mix', 'Urgent and bulk on one CPU', *parts)


# What the paper says of its figures, in short; the figures' own numbers are not given
# in its text.
PAPER = {
    'figure-6': 'No coalescing has very low latency but an interrupt a request; the static '
                'timeouts have high latency; the adaptive strategy has latency similar to '
                'no coalescing, with fewer interrupts than no coalescing and than the '
                'static timeouts.',
    'figure-7': 'Under a varying workload the adaptive strategy loses: latency is higher '
                'than under the uniform one, asynchronous IOPS are lower, interrupts '
                'fewer.',
    'figure-8': 'Urgent and barrier marks raise IOPS, lower latency and decrease '
                'interrupts; the correction factor raises IOPS further and lowers latency '
                'further, at slightly more interrupts. Headline: +13 % IOPS over the '
                'coalescing of current NVMe devices.',
}


def paper_figure(rows, experiment, title, setting, panels):
    """panels: (words, job, figure, unit, wanted axes)."""
    mine = pick(rows, experiment=experiment)
    if not mine:
        return ''
    names = [name for name in in_order(row['contender'] for row in mine)]
    drawings = []
    for words, job, figure, unit, wanted in panels(mine):
        found = [(name, one(mine, contender=name, job=job, **wanted)) for name in names]
        values = [(name, style_of(name), row[figure]) for name, row in found
                  if row and row.get(figure) is not None]
        if values:
            drawings.append((charts.bars, (values,), {
                'title': words, 'reference': 'none', 'unit': unit}))
    return section(experiment, title, paragraph(setting),
                   '<blockquote><b>The paper states:</b> ' + escape(PAPER[experiment]) +
                   '</blockquote>', '<p><b>Measured here</b>, the change from '
                   '<i>none</i> in brackets:</p>', pair(drawings), table(mine))


def figure_6_panels(mine):
    depths = sorted({row['axes']['depth'] for row in mine})
    deep = [depth for depth in depths if depth > 1]
    panels = [('(a) synchronous reads, mean latency', results.TOTAL, 'mean_us', 'µs',
               {'depth': 1, 'rw': 'randread'})]
    for number in deep:
        wanted = {'depth': number, 'rw': 'randread'}
        panels.append((f'(b) asynchronous reads, depth {number}: IOPS', results.TOTAL,
                       'iops', '', wanted))
        panels.append((f'(c) depth {number}: drive interrupts a request', results.TOTAL,
                       'nvme_interrupts_per_request', '', wanted))
    return panels


def burst_panels(mine):
    panels = []
    sizes = {row['axes']['burst'] for row in mine}
    # one size in pictures, all in the table
    for size in [24] if 24 in sizes else sorted(sizes):
        wanted = {'burst': size}
        panels += [
            (f'bursts of {size}: sparse reads, mean latency', 'sparse', 'mean_us', 'µs',
             wanted),
            (f'bursts of {size}: sparse reads, p99', 'sparse', 'p99_us', 'µs', wanted),
            (f'bursts of {size}: burst IOPS', 'burst', 'iops', '', wanted),
            (f'bursts of {size}: drive interrupts a request', results.TOTAL,
             'nvme_interrupts_per_request', '', wanted),
            (f'bursts of {size}: instructions a request', results.TOTAL,
             'instructions_per_request', '', wanted)]
    return panels


def sensitivity(rows):
    mine = pick(rows, experiment='sensitivity')
    if not mine:
        return ''
    drawings = []

    def maps(found, axis, axis_title, title):
        columns = sorted({row['axes'][axis] for row in found})
        thresholds = sorted({row['axes']['threshold'] for row in found})
        for words, job, figure, high, unit in (
                ('bulk IOPS', 'bulk', 'iops', True, ''),
                ('urgent mean, µs', 'urgent', 'mean_us', False, 'µs'),
                ('urgent p99, µs', 'urgent', 'p99_us', False, 'µs'),
                ('drive interrupts a request', results.TOTAL,
                 'nvme_interrupts_per_request', False, '')):
            cells = {(row['axes'][axis], row['axes']['threshold']): row[figure]
                     for row in pick(found, job=job)}
            drawings.append((charts.heat, (cells, columns, thresholds), {
                'title': f'{title}: {words}', 'x_title': axis_title,
                'y_title': 'threshold', 'good_high': high, 'unit': unit}))

    maps(pick(mine, contender='cint-rate'), 'delta_min_us', 'least delay, µs', 'cint-rate')
    maps(pick(mine, contender='adaptive'), 'delta_us', 'Δ, µs', 'adaptive')
    corrected = pick(mine, contender='cint-a')
    for a in sorted({row['axes']['a'] for row in corrected}):
        maps(pick(corrected, a=a), 'delta_us', 'Δ₀, µs', f'cint-a, a = {a:g}')
    return section('sensitivity', 'Sensitivity to the parameters', paragraph(
        'The mix of urgent and bulk reads above. <i>cint-rate</i> by its threshold and its '
        'least delay; <i>cint-a</i>, whose delay may shrink to nothing, by threshold, base '
        'delay Δ₀ and correction factor a; <i>adaptive</i>, which knows of no urgency, by '
        'threshold and delay. The stronger the colour the better.'),
        pair(drawings), table(mine))


def grouped(rows, experiment, title, words, axis, axis_title, panels):
    """Panels of one line a contender along an axis."""
    mine = pick(rows, experiment=experiment)
    if not mine:
        return ''
    names = in_order(row['contender'] for row in mine)
    places = sorted({row['axes'][axis] for row in mine})
    parts = [paragraph(words), legend(names)]
    for panel_title, job, figure, wanted in panels:
        series = []
        for name in names:
            data = sorted((row for row in pick(mine, contender=name, job=job, **wanted)
                           if row.get(figure) is not None),
                          key=lambda row: row['axes'][axis])
            if data:
                series.append((name, style_of(name), shape_of(name), [
                    (row['axes'][axis], row[figure],
                     f'{axis_title} {row["axes"][axis]}: {charts.number(row[figure])}')
                    for row in data]))
        if series:
            parts.append(both(charts.lines, series, x_title=axis_title,
                              y_title=panel_title, x_labels=places, height=250,
                              label=f'{panel_title} by {axis_title}'))
    return section(experiment, title, *parts, table(mine))


def by_workload(rows, experiment, title, words, jobs, is_throughput):
    """Bars of one figure for each job of a workload, IOPS or the mean latency."""
    mine = pick(rows, experiment=experiment)
    if not mine:
        return ''
    drawings = []
    for workload in sorted({row['workload'] for row in mine}):
        of_load = pick(mine, workload=workload)
        order = in_order(row['contender'] for row in of_load)
        for job in (job for job in jobs if pick(of_load, job=job)):
            figure, unit, what = ('iops', '', 'IOPS') if is_throughput(workload, job) \
                else ('mean_us', 'µs', 'mean latency')
            values = [(row['contender'], style_of(row['contender']), row[figure])
                      for row in sorted(pick(of_load, job=job),
                                        key=lambda row: order.index(row['contender']))]
            drawings.append((charts.bars, (values,), {
                'title': f'{workload}, {job}: {what}', 'unit': unit,
                'reference': 'none'}))
    return section(experiment, title, paragraph(words), pair(drawings), table(mine))


def kthread(rows):
    return by_workload(
        rows, 'kthread', 'In the controller, and in the driver',
        'Two virtual CPUs: the program runs on one; in kthread mode the driver polls on '
        'the other, as the paper did. Virtual CPUs take turns on one clock, so a poller '
        'that never rests takes time from the program, which a real second CPU would '
        'not; compare within a mode, and read instructions a request as those of both '
        'CPUs.', ('reader', 'urgent', 'bulk'),
        lambda workload, job: job == 'bulk' or workload == 'depth-32')


def calibrate(rows):
    return by_workload(
        rows, 'calibrate', 'Programs that mark nothing',
        'fio with its own engines psync, libaio and io_uring, which know of no mark. With '
        '<i>calibrate</i> the driver takes synchronous requests for urgent, and the last '
        'one of a batch for its end; submitted one by one, each is a batch.',
        ('sync', 'bulk'), lambda workload, job: job == 'bulk')


def leveldb(rows):
    """YCSB on LevelDB: throughput against the tail of reads, then each figure."""
    mine = pick(rows, experiment='leveldb')
    if not mine:
        return ''
    parts = [paragraph(
        'YCSB on LevelDB, zipfian keys, a database larger than the page cache, compaction '
        'running; its environment marks what a client waits for. Percentages are the change '
        'from <i>none</i>. C: reads only; B: 95 % reads, 5 % updates; A: half of each; F: '
        'half of the operations read, modify and write; A-sync: A, each update synced. '
        'In A and F more is written than compaction gets done: what differs there is how '
        'often LevelDB made writers wait while it was measured.')]
    for mode in sorted({row['axes']['mode'] for row in mine}):
        drawings = []
        of_mode = pick(mine, mode=mode)
        if not pick(of_mode, contender='none'):
            of_mode = of_mode + pick(mine, mode='device', contender='none')
        names = in_order(row['contender'] for row in of_mode)
        for workload in sorted({row['workload'] for row in of_mode}):
            for words, job, figure, unit in (
                    ('operations a second', results.TOTAL, 'iops', ''),
                    ('read, p99', 'read', 'p99_us', 'µs'),
                    ('update, p99', 'update', 'p99_us', 'µs'),
                    ('drive interrupts a request', results.TOTAL,
                     'nvme_interrupts_per_request', '')):
                found = [(name, one(of_mode, workload=workload, contender=name, job=job))
                         for name in names]
                values = [(name, style_of(name), row[figure]) for name, row in found if row]
                if values:
                    drawings.append((charts.bars, (values,), {
                        'title': f'{workload}: {words}', 'reference': 'none',
                        'unit': unit}))
        parts += [f'<h3>Mode {escape(mode)}</h3>', pair(drawings)]
    return section('leveldb', 'LevelDB', *parts, table(mine))


def overhead(rows, experiment, title, words_above, side_of, reference):
    """What one of two sides costs more, by depth."""
    mine = pick(rows, experiment=experiment)
    if not mine:
        return ''
    drawings = []
    for number in sorted({row['axes']['depth'] for row in mine}):
        for figure, words in (('instructions_per_request', 'instructions a request'),
                              ('iops', 'IOPS')):
            values = [(side_of(row), style_of('none'), row[figure])
                      for row in pick(mine, depth=number) if row.get(figure)]
            if values:
                drawings.append((charts.bars, (values,), {
                    'title': f'depth {number}: {words}', 'reference': reference}))
    return section(experiment, title, paragraph(words_above), pair(drawings),
                   table(mine))


def conditions(document):
    environment = document['environment']
    items = [('Kernel', environment.get('kernel', '')),
             ('fio', environment.get('fio_version', '')),
             ('Drive', environment.get('drive', '')),
             ('Seed', str(environment.get('seed', '')))]
    items += [(f'SHA-256 of {name}', digest[:16] + '…')
              for name, digest in environment.get('sha256', {}).items()]
    lines = ''.join(f'<tr><th scope="row">{escape(name)}</th><td><code>{escape(value)}'
                    '</code></td></tr>' for name, value in items)
    notes = ''.join(f'<li>{escape(name)}: {escape(why)}</li>'
                    for name, why in document.get('left_out', {}).items())
    notes += ''.join(f'<li>{escape(item["boot"])}: {escape(item["why"])}</li>'
                     for item in document.get('failed', []))
    commands = ''.join(f'<li><b>{escape(name)}</b><br><code>{escape(command)}</code></li>'
                       for name, command in document.get('commands', {}).items())
    return section(
        'conditions', 'Conditions',
        '<div class="scroll"><table><tbody>' + lines + '</tbody></table></div>',
        f'<p>Left out:</p><ul>{notes}</ul>' if notes else '',
        '<details><summary>Command lines</summary><ol class="commands">' + commands +
        '</ol></details>')


def build(document):
    """The page, as text."""
    rows = document['rows']
    body = [
        at_a_glance(rows), depth(rows), mix(rows),
        paper_figure(rows, 'figure-6', 'The paper’s figure 6: a uniform workload',
                     'Two threads read 4 KiB blocks, synchronously and asynchronously; '
                     'nothing is marked.', figure_6_panels),
        paper_figure(rows, 'figure-7', 'Figure 7: bursts and sparse requests',
                     'One thread reads in bursts with pauses between them, another a '
                     'block now and then; nothing is marked.', burst_panels),
        paper_figure(rows, 'figure-8', 'Figure 8: the same, marked',
                     'The sparse reads are urgent, each burst ends with a barrier. '
                     '<i>cint</i> has the static Δ, <i>cint-a</i> the correction factor.',
                     burst_panels),
        sensitivity(rows),
        grouped(rows, 'cpus', 'One, two and four CPUs',
                'A depth-32 reader on each virtual CPU. Virtual CPUs take turns on one '
                'clock, so IOPS are of all together and do not grow with their number; '
                'interrupts and instructions a request are over all of them.', 'cpus',
                'virtual CPUs', (
                    ('instructions a request', results.TOTAL, 'instructions_per_request',
                     {}),
                    ('IOPS', results.TOTAL, 'iops', {}))),
        grouped(rows, 'interrupt-cost', 'When an interrupt costs more',
                'Instructions know nothing of what an interrupt costs a real CPU: '
                'pipeline, caches, mitigations. Here a stated time is charged for each '
                'one, of the drive, of the timer and between CPUs alike. ' +
                '; '.join(f'{cost} ns: {source}'
                          for cost, source in experiments.INTERRUPT_COSTS.items()) +
                '.', 'cost_ns',
                'charged, ns', (
                    ('depth 32: IOPS', 'reader', 'iops', {'workload': 'depth-32'}),
                    ('mix: bulk IOPS', 'bulk', 'iops', {'workload': 'paced-mix'}),
                    ('mix: urgent mean, µs', 'urgent', 'mean_us',
                     {'workload': 'paced-mix'}))),
        kthread(rows),
        calibrate(rows),
        leveldb(rows),
        overhead(rows, 'patched', 'What the patches cost who does not use them',
                 'The same unmarked program, coalescing off, on the kernel with the '
                 'series (lab) and without (lab-stock), built from the same '
                 'configuration.', lambda row: row['axes']['kernel'], 'lab-stock'),
        overhead(rows, 'engines', 'What the engine costs who does not mark',
                 'The engine <i>cint</i> without marks beside fio’s own <i>io_uring</i>, '
                 'coalescing off.', lambda row: row['contender'],
                 'none (io_uring engine)'),
        conditions(document),
    ]
    with open(f'{HERE}/report.html.in', encoding='utf-8') as file:
        template = file.read()
    return template.replace('@SCOPE@', 'a quick run: fewer depths, settings and '
                            'contenders' if document.get('quick') else
                            'the whole run').replace('@BODY@', '\n'.join(body))
