"""The label of one face: its placement in the image and its content."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mien.core.types import Box, Reading
from mien.report.canvas import Canvas, text_width
from mien.report.palette import ACCENT, COLOURS, INK, MUTED, PALE, PANEL
from mien.vision.geometry import intersection_areas

__all__ = ["Callout", "Spot"]

Floats = npt.NDArray[np.float64]

_BARS = 3
_PANEL_OPACITY = 0.80
# Largest share of a panel's area that may hide other faces and labels; above it, a one-line label
# is drawn instead.
_CROWDED = 0.04
# A label keeps its place from the previous frame unless another lowers its cost by more than this.
_INERTIA = 0.15


@dataclass(frozen=True, slots=True)
class Spot:
    """The placement of a label.

    Attributes:
        box: rectangle of the label, inside the image.
        full: True for a panel with bars, False for a one-line label.
        side: index of the candidate position around the face.
    """

    box: Box
    full: bool
    side: int


class Callout:
    """The box and the label of one face.

    Args:
        reading: the face and its reading.
        number: shown as the face's number if the reading has no track id.
        unit: height of a line of text in pixels; all other lengths follow from it.
    """

    def __init__(self, reading: Reading, number: int, unit: int) -> None:
        self.reading = reading
        self.unit = unit
        self.box = reading.face.box
        self.colour = PALE if reading.uncertain else COLOURS[reading.top]
        self.name = f"#{number if reading.track_id is None else reading.track_id}"
        self.pad = max(3, round(unit * 0.55))
        self.ranked = reading.scores.ranked()[:_BARS]

    def draw_box(self, canvas: Canvas) -> None:
        """Draw the face box, dashed if the reading is uncertain."""
        box, line = self.box, max(1, round(self.unit / 7))
        radius = min(box.shorter_side * 0.08, self.unit * 0.8)
        dash = self.unit * 0.7 if self.reading.uncertain else 0.0
        frame = (box.x, box.y, box.width, box.height, radius)
        canvas.outline(*frame, line + max(2, line), PANEL, 0.55, dash)
        canvas.outline(*frame, line, self.colour, 1.0, dash)

    def place(
        self,
        width: int,
        height: int,
        faces: list[Box],
        placed: list[Box],
        before: Spot | None = None,
    ) -> Spot | None:
        """The placement that hides the least; None if not even a one-line label fits.

        Args:
            width: width of the image in pixels.
            height: height of the image in pixels.
            faces: boxes of the other faces.
            placed: labels that are already placed.
            before: placement of this face's label in the previous frame.
        """
        best: tuple[float, Spot] | None = None
        for full, label_width, label_height in self._sizes():
            if label_width > width or label_height > height:
                continue
            boxes = self._around(label_width, label_height, width, height)
            costs = 0.5 * _covered(boxes, [self.box]) + _hidden(boxes, faces, placed)
            for side, (box, cost) in enumerate(zip(boxes, costs.tolist(), strict=True)):
                if before is not None and (before.full, before.side) == (full, side):
                    cost -= _INERTIA
                if best is None or cost < best[0] - 1e-9:
                    best = cost, Spot(box, full, side)
            if best is not None and best[0] <= _CROWDED:
                break
            if best is not None and full and _hidden([best[1].box], faces, placed)[0] > _CROWDED:
                # The costs of a panel and of a line are not comparable: the panel is far larger.
                best = None
        return None if best is None else best[1]

    def draw(self, canvas: Canvas, spot: Spot) -> None:
        """Draw the label at its placement."""
        area = spot.box
        frame = (area.x, area.y, area.width, area.height, self.unit * 0.45)
        canvas.fill(*frame, PANEL, _PANEL_OPACITY)
        canvas.outline(*frame, 1, INK, 0.16)
        if spot.full:
            self._draw_panel(canvas, area)
        else:
            self._draw_line(canvas, area.x + self.pad, area.y + self.pad * 0.5)

    def _sizes(self) -> list[tuple[bool, int, int]]:
        line = (False, *self._chip_size())
        return [line] if self.box.height < 3 * self.unit else [(True, *self._panel_size()), line]

    @property
    def _title(self) -> str:
        return "uncertain" if self.reading.doubt else self.reading.top.value

    def _chip_text(self) -> str:
        doubt = self.reading.doubt
        if doubt is not None:
            return doubt.value
        return f"{self.reading.top.value} {_percent(self.ranked[0][1])}"

    def _chip_size(self) -> tuple[int, int]:
        text = text_width(self.name, self.unit) + text_width(self._chip_text(), self.unit)
        return text + round(1.3 * self.unit) + 2 * self.pad, self.unit + self.pad

    def _columns(self) -> tuple[int, int, int]:
        """Widths of the names, bars and percentages, in pixels."""
        names = max(text_width(emotion.value, self.unit) for emotion, _ in self.ranked)
        names = max(names, text_width("happiness", self.unit))
        return names, round(4.5 * self.unit), text_width("100 %", self.unit)

    def _panel_size(self) -> tuple[int, int]:
        gap = round(self.unit * 0.6)
        row = round(self.unit * 1.3)
        rows = _BARS + (1 if self.reading.doubt else 0)
        title = round(self.unit * 1.5)
        inner = round(self.unit * 0.3)
        return sum(self._columns()) + 2 * gap + 2 * self.pad, title + inner + rows * row + 2 * (
            self.pad - round(self.unit * 0.1)
        )

    def _around(self, w: int, h: int, width: int, height: int) -> list[Box]:
        box, gap = self.box, self.unit * 0.5
        right, left = box.x + box.width + gap, box.x - w - gap
        above, below = box.y - h - gap, box.y + box.height + gap
        corners = [
            (right, box.y), (left, box.y), (box.x, below), (box.x, above),
            (right, box.y + box.height - h), (left, box.y + box.height - h),
            (box.x + box.width - w, below), (box.x + box.width - w, above),
        ]  # fmt: skip
        if h < 2 * self.unit:
            # A one-line label may cover its own face if nothing else is free; a panel may not.
            own = [(box.x, box.y + box.height - h), (box.x, box.y)]
            corners = [*corners[2:4], *corners[6:8], *corners[0:2], *corners[4:6], *own]
        edge = self.unit * 0.3
        return [
            Box(_inside(x, w, width, edge), _inside(y, h, height, edge), w, h) for x, y in corners
        ]

    def _draw_line(self, canvas: Canvas, x: float, y: float) -> None:
        unit = self.unit
        self._dot(canvas, x, y)
        x += unit * 0.9
        canvas.text(x, y, self.name, unit, MUTED)
        x += text_width(self.name, unit) + unit * 0.45
        colour = ACCENT if self.reading.uncertain else INK
        canvas.text(x, y, self._chip_text(), unit, colour)

    def _dot(self, canvas: Canvas, x: float, y: float) -> None:
        side = self.unit * 0.55
        top = y + (self.unit - side) / 2
        if self.reading.uncertain:
            line = max(1, round(self.unit / 10))
            canvas.outline(x, top, side, side, side / 2, line, self.colour)
        else:
            canvas.fill(x, top, side, side, side / 2, self.colour)

    def _draw_panel(self, canvas: Canvas, area: Box) -> None:
        unit, pad = self.unit, self.pad
        x, y = area.x + pad, area.y + pad - round(unit * 0.1)
        right = area.x + area.width - pad
        title = round(unit * 1.2)
        self._dot(canvas, x, y + (title - unit) / 2)
        canvas.text(x + unit * 0.95, y, self._title, title, INK)
        canvas.text(
            right - text_width(self.name, unit), y + (title - unit) / 2, self.name, unit, MUTED
        )
        y += round(unit * 1.5)
        if self.reading.doubt is not None:
            canvas.text(x, y, self.reading.doubt.value, unit, ACCENT)
            y += round(unit * 1.3)
        y += round(unit * 0.3)
        self._draw_bars(canvas, x, y, right)

    def _draw_bars(self, canvas: Canvas, x: float, y: float, right: float) -> None:
        unit, gap = self.unit, self.unit * 0.6
        names, bar, _ = self._columns()
        faded = 0.45 if self.reading.uncertain else 1.0
        for row, (emotion, value) in enumerate(self.ranked):
            top = y + row * round(unit * 1.3)
            ink = INK if row == 0 and not self.reading.uncertain else MUTED
            canvas.text(x, top, emotion.value, unit, ink)
            start, thick = x + names + gap, max(2.0, unit * 0.42)
            middle = top + (unit - thick) / 2
            canvas.fill(start, middle, bar, thick, thick / 2, INK, 0.14)
            length = max(thick, bar * value) if value >= 0.005 else 0.0
            canvas.fill(start, middle, length, thick, thick / 2, COLOURS[emotion], faded)
            figure = _percent(value)
            canvas.text(right - text_width(figure, unit), top, figure, unit, ink)


def _inside(start: float, length: float, limit: float, edge: float) -> float:
    """`start` moved so that the span lies within [0, limit], `edge` from the border if it fits."""
    edge = min(edge, (limit - length) / 2)
    return min(max(start, edge), limit - length - edge)


def _percent(value: float) -> str:
    return f"{value * 100:.0f} %"


def _hidden(labels: list[Box], faces: list[Box], placed: list[Box]) -> Floats:
    """How much of faces and placed labels each label would hide; labels weigh three times."""
    return _covered(labels, faces) + 3 * _covered(labels, placed)


def _covered(labels: list[Box], boxes: list[Box]) -> Floats:
    """Area that each label shares with the boxes together, relative to the label's area."""
    shared = intersection_areas([one.as_tuple() for one in labels], [b.as_tuple() for b in boxes])
    covered: Floats = shared.sum(axis=1) / [one.area for one in labels]
    return covered
