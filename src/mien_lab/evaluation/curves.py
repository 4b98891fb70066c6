"""Robustness curves as one SVG: a panel per corruption, a line per reader."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

__all__ = ["curve_sheet"]

# Okabe and Ito, "Color Universal Design" (2008), in the order of the readers.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")
_INK, _GRID = "#222", "#ddd"
_COLUMNS = 4
_WIDTH, _HEIGHT = 200, 150
"""Size of a panel including its margins, in pixels."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 34, 10, 24, 34
_HEAD = 34


def curve_sheet(figures: Mapping[str, Any]) -> str:
    """An SVG document of the figures of `measure_robustness`.

    The y axis is accuracy from 0 to 1. The x axis has the clean faces and severities 1 to 5,
    labelled by their amounts.
    """
    names = list(figures["corruptions"])
    rows = -(-len(names) // _COLUMNS)
    width, height = _COLUMNS * _WIDTH, _HEAD + rows * _HEIGHT
    readers = figures["readers"]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="sans-serif" font-size="10" fill="{_INK}">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        *_legend(readers),
    ]
    for index, name in enumerate(names):
        x, y = index % _COLUMNS * _WIDTH, _HEAD + index // _COLUMNS * _HEIGHT
        curves = [
            [found["clean"]["accuracy"], *(row["accuracy"] for row in found["curves"][name])]
            for found in readers.values()
        ]
        parts += [
            f'<g transform="translate({x} {y})">',
            *_panel(name, figures["corruptions"][name], curves),
            "</g>",
        ]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _legend(readers: Mapping[str, Any]) -> list[str]:
    parts = []
    for index, (name, found) in enumerate(readers.items()):
        x, share = _LEFT + index * 190, found["relative_accuracy"]
        kept = "" if share is None else f", keeps {share:.1%}"
        parts += [
            f'<rect x="{x}" y="12" width="14" height="4" fill="{_COLOURS[index % 4]}"/>',
            f'<text x="{x + 20}" y="18">{escape(name)}{kept}</text>',
        ]
    return parts


def _panel(name: str, about: Mapping[str, Any], curves: Sequence[Sequence[float]]) -> list[str]:
    bottom = _HEIGHT - _BOTTOM
    step = (_WIDTH - _LEFT - _RIGHT) / 5

    def height(value: float) -> float:
        return bottom - value * (bottom - _TOP)

    parts = [f'<text x="{_LEFT}" y="16" font-weight="bold">{escape(name)}</text>']
    for value in (0, 0.5, 1):
        y = height(value)
        parts += [
            f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" '
            f'stroke="{_GRID}"/>',
            f'<text x="{_LEFT - 5}" y="{y + 3:.1f}" text-anchor="end">{value:.0%}</text>',
        ]
    for index, label in enumerate(["none", *(f"{amount:g}" for amount in about["amounts"])]):
        parts.append(
            f'<text x="{_LEFT + index * step:.1f}" y="{bottom + 12}" '
            f'text-anchor="middle">{label}</text>'
        )
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts.append(
        f'<text x="{middle}" y="{bottom + 25}" text-anchor="middle">{escape(about["unit"])}</text>'
    )
    for index, curve in enumerate(curves):
        points = " ".join(
            f"{_LEFT + place * step:.1f},{height(value):.1f}" for place, value in enumerate(curve)
        )
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{_COLOURS[index % 4]}" '
            'stroke-width="1.8"/>'
        )
    return parts
