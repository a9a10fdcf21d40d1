# SPDX-License-Identifier: GPL-2.0
"""Charts as SVG text. Colours are CSS variables, so one drawing serves both themes.

Every chart is drawn at a given width in CSS pixels, and its text is not scaled: the
report has each twice, for a screen and for a phone.
"""

import math
from html import escape

FONT = 12
CHARACTER = 6.4		# mean width of one at that size


def number(value):
    """A figure for people: 154639 -> 155 k, 0.0631 -> 0.063."""
    if value is None:
        return '–'
    size = abs(value)
    if size >= 1e6:
        return f'{value / 1e6:.2f} M'
    if size >= 1e5:
        return f'{value / 1e3:.0f} k'
    if size >= 1e4:
        return f'{value / 1e3:.1f} k'
    if size >= 100 or value == int(value):
        return f'{value:.0f}'
    if size >= 10:
        return f'{value:.1f}'
    if size >= 1:
        return f'{value:.2f}'
    return f'{value:.3f}'


def short(value):
    """For an axis: 150000 -> 150k."""
    for limit, suffix in ((1e6, 'M'), (1e3, 'k')):
        if abs(value) >= limit:
            return f'{value / limit:g}{suffix}'
    return f'{value:g}'


class Scale:
    """From values to pixels, linear or logarithmic, with ticks at round numbers."""

    def __init__(self, values, pixels, log=False, zero=True, wanted=5):
        values = [value for value in values if value is not None]
        low, high = (min(values), max(values)) if values else (0, 1)
        self.log = log
        self.pixels = pixels
        if log:
            low, high = max(low, 1e-9), max(high, 1e-9)
            self.ticks = self._log_ticks(low * 0.9, high * 1.1)
            self.low, self.high = math.log(low * 0.9), math.log(high * 1.1)
        else:
            low = min(low, 0) if zero else low - 0.08 * (high - low or 1)
            high = high + 0.04 * (high - low or 1)
            step = self._step((high - low) / wanted)
            self.ticks = [step * n for n in range(math.ceil(low / step - 1e-9),
                                                  math.floor(high / step + 1e-9) + 1)]
            self.low, self.high = low, high

    @staticmethod
    def _step(raw):
        power = 10 ** math.floor(math.log10(raw)) if raw > 0 else 1
        return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw)

    @staticmethod
    def _log_ticks(low, high):
        def between(factors):
            powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
            return [factor * 10.0 ** power for power in powers for factor in factors
                    if low <= factor * 10.0 ** power <= high]
        for factors in ((1,), (1, 3), (1, 2, 5)):
            ticks = between(factors)
            if len(ticks) >= 4:
                return ticks
        return between((1, 1.5, 2, 3, 4, 5, 7))

    def __call__(self, value):
        if self.log:
            value = math.log(max(value, 1e-9))
        share = (value - self.low) / ((self.high - self.low) or 1)
        return self.pixels[0] + share * (self.pixels[1] - self.pixels[0])


MARKS = {
    'circle': '<circle cx="{x:.1f}" cy="{y:.1f}" r="{r:g}"/>',
    'square': '<rect x="{x0:.1f}" y="{y0:.1f}" width="{d:g}" height="{d:g}"/>',
    'diamond': '<path d="M{x:.1f} {yu:.1f}L{xr:.1f} {y:.1f}L{x:.1f} {yd:.1f}L{xl:.1f} {y:.1f}Z"/>',
    'triangle': '<path d="M{x:.1f} {yu:.1f}L{xr:.1f} {yd:.1f}L{xl:.1f} {yd:.1f}Z"/>',
}


def mark(shape, x, y, radius, style, title):
    """One data point; the title is what a pointer resting on it shows."""
    big = radius * 1.3
    body = MARKS[shape].format(x=x, y=y, r=radius, d=2 * radius, x0=x - radius,
                               y0=y - radius, xl=x - big, xr=x + big, yu=y - big,
                               yd=y + big)
    return f'<g class="mark" style="{style}"><title>{escape(title)}</title>{body}</g>'


def text(x, y, words, anchor='start', kind=''):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
            f'{f" class={chr(34)}{kind}{chr(34)}" if kind else ""}>{escape(words)}</text>')


def svg(width, height, label, parts):
    return (f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
            f'role="img" aria-label="{escape(label, quote=True)}">' + ''.join(parts) +
            '</svg>')


def axes(x, y, box, x_title, y_title, x_labels=None):
    """Grid, tick labels and titles; box is left, top, right, bottom."""
    left, top, right, bottom = box
    parts = []
    for tick in y.ticks:
        parts.append(f'<path class="grid" d="M{left} {y(tick):.1f}H{right}"/>')
        parts.append(text(left - 6, y(tick) + 4, short(tick), 'end', 'tick'))
    last = -1e9
    for tick in x_labels or x.ticks:
        label = short(tick)
        place = x(tick)
        if place - last < CHARACTER * len(label) + 8:
            continue
        last = place
        parts.append(f'<path class="grid" d="M{place:.1f} {top}V{bottom}"/>')
        parts.append(text(place, bottom + 16, label, 'middle', 'tick'))
    parts.append(text((left + right) / 2, bottom + 34, x_title, 'middle', 'axis'))
    parts.append(text(4, top - 10, y_title, 'start', 'axis'))
    return parts


def lines(series, width, x_title, y_title, x_log=False, y_log=False, height=None,
          label='', zero=True, x_labels=None):
    """series: (name, style, shape, [(x, y, title)]), drawn as lines with marks."""
    height = height or int(min(420, 150 + width * 0.4))
    box = (46, 26, width - 14, height - 42)
    points = [point for _, _, _, data in series for point in data]
    x = Scale([p[0] for p in points], (box[0], box[2]), x_log, zero)
    y = Scale([p[1] for p in points], (box[3], box[1]), y_log, zero)
    parts = axes(x, y, box, x_title, y_title, x_labels)
    for name, style, shape, data in series:
        if len(data) > 1:
            path = 'L'.join(f'{x(p[0]):.1f} {y(p[1]):.1f}' for p in data)
            parts.append(f'<path class="line" style="{style}" d="M{path}"/>')
        for p in data:
            parts.append(mark(shape, x(p[0]), y(p[1]), 3.4, style, f'{name}: {p[2]}'))
    return svg(width, height, label, parts)


def scatter(points, width, x_title, y_title, y_log=False, height=None, label='',
            guides=()):
    """points: (name, style, shape, x, y, title), each with its name beside it.

    guides: (orientation h or v, value, words), limits drawn dashed.
    """
    height = height or int(min(400, 150 + width * 0.4))
    box = (46, 26, width - 16, height - 42)
    x = Scale([p[3] for p in points] + [g[1] for g in guides if g[0] == 'v'],
              (box[0] + 8, box[2] - 8), zero=False)
    y = Scale([p[4] for p in points] + [g[1] for g in guides if g[0] == 'h'],
              (box[3], box[1]), y_log, zero=True)
    parts = axes(x, y, box, x_title, y_title)
    taken = []

    def clear(area):
        return area[0] >= 2 and area[2] <= width - 2 and area[1] >= 14 and \
            area[3] <= box[3] + 4 and not any(
                area[0] < other[2] and other[0] < area[2] and
                area[1] < other[3] and other[1] < area[3] for other in taken)

    for orientation, value, words in guides:
        if orientation == 'h':
            parts.append(f'<path class="guide" d="M{box[0]} {y(value):.1f}H{box[2]}"/>')
            parts.append(text(box[0] + 4, y(value) - 4, words, 'start', 'tick'))
            taken.append((box[0], y(value) - 15, box[0] + CHARACTER * len(words),
                          y(value)))
        else:
            parts.append(f'<path class="guide" d="M{x(value):.1f} {box[1]}V{box[3]}"/>')
            parts.append(text(x(value) - 4, box[1] + 10, words, 'end', 'tick'))
            taken.append((x(value) - CHARACTER * len(words) - 6, box[1], x(value),
                          box[1] + 14))
    for _, _, _, px, py, _ in points:
        taken.append((x(px) - 5, y(py) - 5, x(px) + 5, y(py) + 5))
    for name, style, shape, px, py, title in points:
        parts.append(mark(shape, x(px), y(py), 5, style, f'{name}: {title}'))
        long = CHARACTER * len(name) + 2
        places = []
        for away in (0, 14, 28, 42):
            places += [(x(px) + 9, y(py) + 4 - away), (x(px) - 9 - long, y(py) + 4 - away),
                       (x(px) + 9, y(py) + 4 + away), (x(px) - 9 - long, y(py) + 4 + away),
                       (x(px) - long / 2, y(py) - 10 - away),
                       (x(px) - long / 2, y(py) + 19 + away)]
        for left, base in places:
            area = (left, base - 11, left + long, base + 3)
            if clear(area):
                taken.append(area)
                parts.append(text(left, base, name, 'start', 'name'))
                break
    return svg(width, height, label, parts)


def bars(rows, width, title, label='', reference=None, unit=''):
    """rows: (name, style, value); horizontal, with the change from the reference."""
    step, top = 24, 24
    height = top + step * len(rows) + 6
    left = 8 + int(CHARACTER * max(len(name) for name, _, _ in rows))
    # room for "145.6 us (+123 %)"
    right = width - int(CHARACTER * (20 if reference else 10))
    high = max((value for _, _, value in rows if value), default=0) or 1
    base = next((value for name, _, value in rows if name == reference), None)
    parts = [text(4, 14, title, 'start', 'axis')]
    for place, (name, style, value) in enumerate(rows):
        y = top + step * place
        parts.append(text(left - 6, y + 15, name, 'end', 'name'))
        long = max((right - left) * (value or 0) / high, 1)
        words = number(value) + (f' {unit}' if unit else '')
        if base and value is not None and name != reference:
            words += f' ({100 * (value - base) / base:+.0f} %)'
        parts.append(f'<g class="mark" style="{style}"><title>{escape(name)}: '
                     f'{escape(words)}</title><rect x="{left}" y="{y + 3}" rx="2" '
                     f'width="{long:.1f}" height="{step - 8}"/></g>')
        parts.append(text(left + long + 5, y + 15, words, 'start', 'tick'))
    return svg(width, height, label or title, parts)


def heat(cells, columns, rows, width, title, x_title, y_title, good_high=True, label='',
         unit=''):
    """cells: {(column, row): value}; stronger is better."""
    left, top, step = 40, 44, 34
    height = top + step * len(rows) + 40
    cell = (width - left - 6) / len(columns)
    values = [value for value in cells.values() if value is not None]
    low, high = min(values), max(values)
    parts = [text(4, 14, title, 'start', 'axis'),
             text(4, top - 8, y_title, 'start', 'tick')]
    for i, column in enumerate(columns):
        parts.append(text(left + cell * (i + .5), top + step * len(rows) + 15,
                          short(column), 'middle', 'tick'))
    parts.append(text(left + cell * len(columns) / 2, height - 6, x_title, 'middle',
                      'tick'))
    for j, row in enumerate(rows):
        y = top + step * j
        parts.append(text(left - 6, y + step / 2 + 4, short(row), 'end', 'tick'))
        for i, column in enumerate(columns):
            value = cells.get((column, row))
            if value is None:
                continue
            share = (value - low) / ((high - low) or 1)
            share = share if good_high else 1 - share
            words = number(value).replace(' ', '') if cell < 52 else number(value)
            parts.append(
                f'<g class="mark"><title>{escape(y_title)} {row}, {escape(x_title)} '
                f'{column}: {number(value)} {escape(unit)}</title>'
                f'<rect class="heat" style="--share:{100 * share:.0f}%" '
                f'x="{left + cell * i + 1:.1f}" y="{y + 1}" width="{cell - 2:.1f}" '
                f'height="{step - 2}" rx="2"/></g>')
            parts.append(text(left + cell * (i + .5), y + step / 2 + 4, words, 'middle',
                              'value' + (' strong' if share > .55 else '')))
    return svg(width, height, label or title, parts)
