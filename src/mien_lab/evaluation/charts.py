"""Charts as SVG text, for pages without scripts; colours come from the page's CSS."""

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

__all__ = ["class_chart", "confusion_chart", "reliability_chart", "risk_chart"]

Section = Mapping[str, Any]
Point = tuple[float, float]

SIDE = 320
"""Side of the area of a square chart, pixels."""
LEFT, TOP, BOTTOM = 64, 12, 40
ROW = 30
"""Height of a row of labels, pixels."""
NAMES = 92
"""Width of the column of class names, pixels."""
STRONG = 0.77
"""Share from which a cell has white text; here black and white have equal contrast, 4.5 to 1."""


def confusion_chart(section: Section) -> str:
    """Row-normalised confusion matrix with counts; missed faces, if any, are the last column."""
    labels = list(section["labels"])
    rows = [
        [*counts, missed]
        for counts, missed in zip(section["confusion"], section["missed_per_class"], strict=True)
    ]
    columns = [*labels, "no face"]
    if not any(section["missed_per_class"]):
        columns, rows = labels, [row[:-1] for row in rows]
    wide = 62
    parts = []
    for across, name in enumerate(columns):
        parts.append(_text(NAMES + wide * (across + 0.5), TOP + 8, name, "middle"))
    for down, (label, row) in enumerate(zip(labels, rows, strict=True)):
        top = TOP + 20 + ROW * down
        parts.append(_text(NAMES - 8, top + ROW / 2 + 4, label, "end"))
        for across, count in enumerate(row):
            share = count / max(sum(row), 1)
            words = f"{label}, read as {columns[across]}: {count} ({share:.1%})"
            cell = _tag(
                "rect",
                x=NAMES + wide * across + 1,
                y=top + 1,
                width=wide - 2,
                height=ROW - 2,
                class_="cell",
                fill_opacity=max(share, 0.03),
            )
            kind = "on-cell" if share >= STRONG else "in-cell"
            number = _text(NAMES + wide * (across + 0.5), top + ROW / 2 + 4, count, "middle", kind)
            parts.append(_tag("g", _tag("title", escape(words)) + cell + number))
    width, height = NAMES + wide * len(columns) + 8, TOP + 20 + ROW * len(labels) + 8
    return _svg("Confusion matrix: rows are the label, columns the reading", width, height, parts)


def reliability_chart(section: Section) -> str:
    """Reliability diagram: accuracy by confidence, with the diagonal of perfect calibration."""
    bars = []
    for row in section["reliability"]:
        (left, top), (right, bottom) = _at(row["from"], row["accuracy"]), _at(row["to"], 0.0)
        words = (
            f"confidence {row['confidence']:.3f}, accuracy {row['accuracy']:.3f}, n = {row['n']}"
        )
        bar = _tag(
            "rect",
            _tag("title", escape(words)),
            x=left + 1,
            y=top,
            width=right - left - 2,
            height=max(bottom - top, 0.5),
            class_="bar",
        )
        bars.append(bar)
        bars.append(_dot(_at(row["confidence"], row["accuracy"])))
    diagonal = _line([_at(0.0, 0.0), _at(1.0, 1.0)], "guide")
    return _square(
        "Accuracy by confidence", "confidence", "accuracy", [*bars, diagonal], (0.0, 1.0)
    )


def risk_chart(section: Section) -> str:
    """Risk-coverage curve: share of errors against the share of answered cases."""
    points = section["risk_coverage"]
    high = math.ceil(10 * max([0.1, *(risk for _, risk in points)])) / 10
    places = [_at(coverage, risk / high) for coverage, risk in points]
    # Cases of equal confidence give a single point, which a line would not show.
    curve = _dot(places[0]) if len(places) == 1 else _line(places, "curve")
    return _square("Errors by coverage", "cases answered", "errors", [curve], (0.0, high))


def class_chart(section: Section) -> str:
    """The recall of each class with its interval; a class without cases has an empty row."""
    intervals = section["intervals"]["values"]
    parts = [_grid(SIDE, TOP, TOP + ROW * len(section["labels"]))]
    for down, label in enumerate(section["labels"]):
        middle = TOP + ROW * (down + 0.5)
        parts.append(_text(NAMES - 8, middle + 4, label, "end"))
        value = section["per_class"][label]["recall"]
        if value is None:
            parts.append(_text(NAMES + 6, middle + 4, "not computed", "start", "muted"))
            continue
        pair = intervals.get(f"per_class.{label}.recall")
        if pair is not None:
            ends = [(NAMES + SIDE * end, middle) for end in pair]
            parts.append(_line(ends, "whisker"))
        parts.append(_dot((NAMES + SIDE * value, middle), f"{label}: {value:.3f}"))
    bottom = TOP + ROW * len(section["labels"])
    parts.append(_text(NAMES + SIDE / 2, bottom + 34, "recall", "middle", "muted"))
    return _svg("recall by class with 95 % intervals", NAMES + SIDE + 24, bottom + BOTTOM, parts)


def _at(x: float, y: float) -> Point:
    """Position in pixels of a point of the unit square in a square chart."""
    return LEFT + SIDE * x, TOP + SIDE * (1.0 - y)


def _square(
    title: str, across: str, up: str, parts: Iterable[str], span: tuple[float, float]
) -> str:
    axes = []
    for step in range(6):
        share = step / 5
        x, y = _at(share, share)
        axes.append(_line([(LEFT, y), (LEFT + SIDE, y)], "grid"))
        axes.append(_text(x, TOP + SIDE + 16, f"{share:.1f}", "middle", "muted"))
        height = span[0] + share * (span[1] - span[0])
        axes.append(_text(LEFT - 6, y + 4, f"{height:.2f}", "end", "muted"))
    axes.append(_text(LEFT + SIDE / 2, TOP + SIDE + 34, across, "middle", "muted"))
    axes.append(
        _tag(
            "text",
            escape(up),
            transform=f"translate(12 {TOP + SIDE / 2}) rotate(-90)",
            text_anchor="middle",
            class_="muted",
        )
    )
    return _svg(title, LEFT + SIDE + 24, TOP + SIDE + BOTTOM, [*axes, *parts])


def _grid(width: float, top: float, bottom: float) -> str:
    parts = []
    for step in range(6):
        x = NAMES + width * step / 5
        parts.append(_line([(x, top), (x, bottom)], "grid"))
        parts.append(_text(x, bottom + 16, f"{step / 5:.1f}", "middle", "muted"))
    return "".join(parts)


def _dot(place: Point, words: str = "") -> str:
    title = _tag("title", escape(words)) if words else ""
    return _tag("circle", title, cx=place[0], cy=place[1], r=4, class_="dot")


def _line(points: Sequence[Point], kind: str) -> str:
    path = " ".join(f"{_short(x)},{_short(y)}" for x, y in points)
    return _tag("polyline", points=path, class_=kind)


def _text(x: float, y: float, words: object, anchor: str, kind: str = "ink") -> str:
    return _tag("text", escape(str(words)), x=x, y=y, text_anchor=anchor, class_=kind)


def _svg(title: str, width: float, height: float, parts: Iterable[str]) -> str:
    return _tag(
        "svg",
        "".join(parts),
        viewBox=f"0 0 {_short(width)} {_short(height)}",
        width=width,
        height=height,
        role="img",
        aria_label=title,
    )


def _tag(name: str, content: str = "", **attributes: object) -> str:
    """An SVG element; in attribute names _ stands for -, and a trailing _ is dropped."""
    texts = [
        f'{key.rstrip("_").replace("_", "-")}="{escape(_short(value))}"'
        for key, value in attributes.items()
    ]
    return f"<{' '.join([name, *texts])}>{content}</{name}>"


def _short(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
