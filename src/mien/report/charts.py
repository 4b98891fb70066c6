"""Charts as script-free SVG: shapes stretch to the width of the page, text keeps its size.

Colours are CSS classes named after expressions and sentiments; the page's style sheet defines them.
"""

import math
from collections.abc import Sequence
from html import escape

import numpy as np
import numpy.typing as npt

from mien.core.labels import EMOTIONS
from mien.report.summaries import Share, VisibleSpan

__all__ = ["clock", "expression_chart", "percent", "sentiment_chart", "share_bar"]

Floats = npt.NDArray[np.float64]

WIDTH, HEIGHT = 1000, 100
"""Size of the SVG view box, in user units; it is stretched to the size of the chart."""
STEPS_S = (0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400)
"""Distances between labelled times, in seconds; the smallest with at most `MOST_TICKS` is used."""
MOST_TICKS = 6
AXIS = 22
"""Height of the time axis, in pixels."""
_LEVELS = ("0%", "50%", "100%")


def expression_chart(
    spans: Sequence[VisibleSpan], width_s: float, start_s: float, end_s: float, label: str
) -> str:
    """Stacked area chart of the eight probabilities, neutral at the bottom.

    Args:
        spans: as returned by `Series.spans`.
        width_s: width of a bin in seconds.
        start_s: start of the time axis in seconds.
        end_s: end of the time axis in seconds.
        label: accessible name of the chart.
    """
    shapes = []
    for span in spans:
        times = _places(span, width_s, start_s, end_s)
        edges = np.vstack([np.zeros(len(span.times_s)), np.cumsum(span.probabilities, axis=1).T])
        levels = HEIGHT * (1 - _prolonged(edges / np.maximum(edges[-1], 1e-9)))
        for number, emotion in enumerate(EMOTIONS):
            area = _area(times, levels[number + 1], levels[number])
            shapes.append(f'<path class="{emotion}" d="{area}"><title>{emotion}</title></path>')
    return _chart("".join(shapes), 150, start_s, end_s, label)


def sentiment_chart(
    spans: Sequence[VisibleSpan], width_s: float, start_s: float, end_s: float, label: str
) -> str:
    """Line chart of the valence in [-1, 1], tinted by sign, with a time axis.

    The arguments are those of `expression_chart`.
    """
    shapes = []
    for span in spans:
        times = _places(span, width_s, start_s, end_s)
        valence = _prolonged(span.valence[None])[0]
        middle = np.full(len(times), HEIGHT / 2)
        for name, part in (
            ("positive", np.maximum(valence, 0)),
            ("negative", np.minimum(valence, 0)),
        ):
            area = _area(times, HEIGHT / 2 * (1 - part), middle)
            shapes.append(f'<path class="{name} tint" d="{area}"/>')
        line = _line(times, HEIGHT / 2 * (1 - valence))
        shapes.append(f'<path class="line" d="M{line}"/>')
    return _chart("".join(shapes), 84, start_s, end_s, label, times=True)


def share_bar(share: Share, longest: float) -> str:
    """A bar for one expression, its uncertain part pale; a share of `longest` fills it."""
    sure, all_of_it = (
        f"{100 * part / max(longest, 1e-9):.2f}%"
        for part in (share.share - share.uncertain_share, share.share)
    )
    return (
        '<svg class="bar" width="100%" height="12" aria-hidden="true">'
        f'<rect class="{share.expression} pale" width="{all_of_it}" height="12" rx="3"/>'
        f'<rect class="{share.expression}" width="{sure}" height="12" rx="3"/></svg>'
    )


def clock(seconds: float, places: int = 1) -> str:
    """Minutes and seconds to `places` decimals, with hours if any: 0:04.2, 1:02:03.0."""
    minutes, rest = divmod(round(max(seconds, 0.0), places), 60)
    hours, minutes = divmod(int(minutes), 60)
    tail = f"{rest:0{places + 3}.{places}f}"
    return f"{hours}:{minutes:02}:{tail}" if hours else f"{minutes}:{tail}"


def percent(share: float) -> str:
    """A share as a percentage in HTML; "<1 %" if it is positive but below 0.5 %."""
    return "&lt;1\u00a0%" if 0 < share < 0.005 else f"{100 * share:.0f}\u00a0%"


def _chart(
    shapes: str, height: int, start_s: float, end_s: float, label: str, *, times: bool = False
) -> str:
    levels = "".join(f'<line class="grid" x2="100%" y1="{y}" y2="{y}"/>' for y in _LEVELS)
    length_s = end_s - start_s
    step = _step(length_s)
    ticks = []
    # A label near the right edge would be clipped.
    for number in range(math.ceil(start_s / step), math.ceil((start_s + 0.87 * length_s) / step)):
        time = number * step
        x = f"{100 * (time - start_s) / length_s:.2f}%"
        ticks.append(f'<line class="grid" x1="{x}" x2="{x}" y2="{height}"/>')
        if times:
            text = clock(time) if step < 1 else clock(time)[:-2]
            ticks.append(f'<text x="{x}" dx="4" y="{height + 16}">{text}</text>')
    return (
        f'<svg class="chart" role="img" aria-label="{escape(label)}" width="100%" '
        f'height="{height + AXIS * times}">{"".join(ticks)}<svg width="100%" height="{height}">'
        f'<svg width="100%" height="100%" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'preserveAspectRatio="none">{shapes}</svg>{levels}</svg></svg>'
    )


def _step(length_s: float) -> float:
    """Distance between labelled times, in seconds."""
    return next((step for step in STEPS_S if length_s / step <= MOST_TICKS), length_s / MOST_TICKS)


def _places(span: VisibleSpan, width_s: float, start_s: float, end_s: float) -> Floats:
    """Horizontal positions: the edge of the first bin, the centre of each, the end of the span."""
    middles = span.times_s
    times = np.concatenate([middles[:1] - width_s / 2, middles, [max(span.end_s, middles[-1])]])
    shares = (times - start_s) / max(end_s - start_s, 1e-9)
    return np.asarray(WIDTH * np.clip(shares, 0, 1))


def _prolonged(rows: Floats) -> Floats:
    """Repeat the first and last column, to match the positions of `_places`."""
    return np.pad(rows, ((0, 0), (1, 1)), mode="edge")


def _area(times: Floats, upper: Floats, lower: Floats) -> str:
    return f"M{_line(times, upper)}L{_line(times[::-1], lower[::-1])}Z"


def _line(times: Floats, levels: Floats) -> str:
    return "L".join(f"{x:.1f} {y:.1f}" for x, y in zip(times, levels, strict=True))
