"""Charts as SVG, for a page, a README or a run folder. Text stays text, and colours follow light or dark mode."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from bertsum.text import one_line

# Small, so that letters can still be read when a phone shrinks the chart to its width.
WIDTH, HEIGHT = 420, 270
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 8, 30, 46
_LETTER = 7.2  # approximate width of a letter

# Grey, blue, orange, green, purple, red: distinct on white and on black, also for people who confuse red and green.
_COLOURS = ("#8a919e", "#2f7fe0", "#e8890c", "#12987a", "#a65fc4", "#d1495b")
_DASHES = ("none", "none", "7 3", "2 3", "9 3 2 3", "4 2")
_STYLE = (
    ".bertsum-chart{--ink:#1c2330;--faint:#d5d9e0;--paper:#fff;font:12px system-ui,sans-serif}"
    "@media(prefers-color-scheme:dark){.bertsum-chart{--ink:#e4e7ec;--faint:#3b424e;--paper:#15181d}}"
    ".bertsum-chart text{fill:var(--ink)}"
)


@dataclass(frozen=True)
class Chart:
    """A chart without its frame.

    Attributes:
        title: What the chart shows; screen readers read it.
        body: SVG elements, ``WIDTH`` by ``HEIGHT``.
    """

    title: str
    body: str


def svg(charts: Sequence[Chart]) -> str:
    """A picture of one chart, or of several below each other."""
    title = _text("; ".join(chart.title for chart in charts))
    height = HEIGHT * len(charts)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="bertsum-chart" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="{title}"><style>{_STYLE}</style><rect width="{WIDTH}" height="{height}" fill="var(--paper)"/>'
    ]
    parts += [f'<g transform="translate(0 {n * HEIGHT})">{chart.body}</g>' for n, chart in enumerate(charts)]
    return "\n".join([*parts, "</svg>"])


def bars(
    categories: Sequence[str], series: Mapping[str, Sequence[float]], across: str, up: str, title: str | None = None
) -> Chart:
    """Groups of bars, from zero.

    Args:
        categories: Names of the groups.
        series: Heights by name, one for each group.
        across: Label of the horizontal axis (the groups).
        up: Label of the vertical axis (the heights).
        title: What the chart shows.
    """
    scale = _Scale.of([0.0, *(value for heights in series.values() for value in heights)], up=True)
    slot = (WIDTH - _LEFT - _RIGHT) / max(1, len(categories))
    width = 0.8 * slot / max(1, len(series))
    drawn = []
    for number, (name, heights) in enumerate(series.items()):
        for group, (category, height) in enumerate(zip(categories, heights, strict=True)):
            x, y = _LEFT + group * slot + 0.1 * slot + number * width, scale.place(height)
            drawn.append(
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width - 0.6, 0.6):.1f}" '
                f'height="{scale.place(0.0) - y:.1f}" fill="{_colour(number)}">'
                f"<title>{_text(name)}, {_text(category)}: {height:.2f}</title></rect>"
            )
    ticks = [(_LEFT + (group + 0.5) * slot, name) for group, name in enumerate(categories)]
    return Chart(title or f"{up} by {across}", _frame(scale, ticks, series, across, up, dashed=False) + "".join(drawn))


def lines(series: Mapping[str, Sequence[tuple[float, float]]], across: str, up: str, title: str | None = None) -> Chart:
    """Lines through points; points that are not finite are left out.

    Args:
        series: Points by name.
        across: Label of the horizontal axis (the first values).
        up: Label of the vertical axis (the second values).
        title: What the chart shows.
    """
    kept = {name: [p for p in points if all(map(math.isfinite, p))] for name, points in series.items()}
    vertical = _Scale.of([y for points in kept.values() for _, y in points], up=True)
    horizontal = _Scale.of([0.0, *(x for points in kept.values() for x, _ in points)], up=False)
    drawn = []
    for number, (name, points) in enumerate(kept.items()):
        places = [(horizontal.place(x), vertical.place(y)) for x, y in points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        drawn.append(
            f'<polyline points="{path}" fill="none" stroke="{_colour(number)}" stroke-width="2" '
            f'stroke-linejoin="round" stroke-dasharray="{_dash(number)}"/>'
        )
        if len(points) <= _MOST_DOTS:
            drawn += [
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{_colour(number)}">'
                f"<title>{_text(name)}, {at:g}: {value:.4g}</title></circle>"
                for (x, y), (at, value) in zip(places, points, strict=True)
            ]
    ticks = [(horizontal.place(value), f"{value:,g}") for value in horizontal.ticks]
    frame = _frame(vertical, ticks, series, across, up, dashed=True)
    return Chart(title or f"{up} by {across}", frame + "".join(drawn))


_MOST_DOTS = 20


@dataclass(frozen=True)
class _Scale:
    """Turns values into places on the picture; also holds the round values to label."""

    ticks: tuple[float, ...]
    up: bool

    @classmethod
    def of(cls, values: Sequence[float], up: bool) -> _Scale:
        low, high = (min(values), max(values)) if values else (0.0, 1.0)
        if high - low < 1e-9 * max(1.0, abs(high)):
            high = low + (abs(low) or 1.0)
        rough = (high - low) / 4
        unit = 10.0 ** math.floor(math.log10(rough))
        step = unit * next(factor for factor in (1, 2, 2.5, 5, 10) if factor * unit >= 0.999 * rough)
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        return cls(tuple(float(f"{number * step:.12g}") for number in range(first, last + 1)), up)

    def place(self, value: float) -> float:
        share = (value - self.ticks[0]) / (self.ticks[-1] - self.ticks[0])
        if self.up:
            return HEIGHT - _BOTTOM - share * (HEIGHT - _BOTTOM - _TOP)
        return _LEFT + share * (WIDTH - _LEFT - _RIGHT)


def _frame(
    scale: _Scale, ticks: Sequence[tuple[float, str]], names: Iterable[str], across: str, up: str, dashed: bool
) -> str:
    """Grid lines, both axes, and the legend above."""
    parts = []
    for value in scale.ticks:
        y = scale.place(value)
        parts.append(
            f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{WIDTH - _RIGHT}" y2="{y:.1f}" stroke="var(--faint)"/>'
            f'<text x="{_LEFT - 5}" y="{y + 4:.1f}" text-anchor="end">{value:,g}</text>'
        )
    for x, name in _apart(ticks):
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - _BOTTOM + 16}" text-anchor="middle">{_text(name)}</text>')
    middle = (_TOP + HEIGHT - _BOTTOM) / 2
    parts.append(
        f'<text x="{(_LEFT + WIDTH - _RIGHT) / 2}" y="{HEIGHT - 10}" text-anchor="middle">{_text(across)}</text>'
        f'<text transform="translate(11 {middle}) rotate(-90)" text-anchor="middle">{_text(up)}</text>'
    )
    parts.append(_legend(list(names), dashed))
    return "".join(parts)


def _legend(names: Sequence[str], dashed: bool) -> str:
    parts = []
    x = float(_LEFT)
    room = max(4, int((WIDTH - _LEFT) / max(1, len(names)) / _LETTER) - 5)
    for number, name in enumerate(name if len(name) <= room else f"{name[: room - 1]}…" for name in names):
        if x > WIDTH - 23 - 5 * _LETTER:  # no room for this one
            parts.append(f'<text x="{x:.1f}" y="16">…</text>')
            break
        dash = _dash(number) if dashed else "none"
        mark = (
            f'<line x1="{x:.1f}" y1="12" x2="{x + 18:.1f}" y2="12" stroke="{_colour(number)}" stroke-width="3" '
            f'stroke-dasharray="{dash}"/>'
            if dashed
            else f'<rect x="{x:.1f}" y="7" width="10" height="10" fill="{_colour(number)}"/>'
        )
        x += 23 if dashed else 15
        parts.append(f'{mark}<text x="{x:.1f}" y="16">{_text(name)}</text>')
        x += _LETTER * len(name) + 14
    return "".join(parts)


def _apart(ticks: Sequence[tuple[float, str]]) -> list[tuple[float, str]]:
    """Every n-th tick, so that labels do not touch, and the last tick; all fit on the picture."""
    if not ticks:
        return []
    *before, (x, name) = ticks
    half = len(name) * _LETTER / 2
    last = (min(x, WIDTH - half), name)
    longest = max((len(name) for _, name in before), default=0) * _LETTER
    slot = (x - before[0][0]) / len(before) if before else WIDTH
    kept = before[:: math.ceil((longest + 5) / slot)]
    return [*(tick for tick in kept if tick[0] + longest / 2 + 5 <= last[0] - half), last]


def _colour(number: int) -> str:
    return _COLOURS[number % len(_COLOURS)]


def _dash(number: int) -> str:
    """A dash pattern; it differs when a colour is used again."""
    return _DASHES[(number + number // len(_COLOURS)) % len(_DASHES)]


def _text(text: str) -> str:
    return escape(one_line(text))
