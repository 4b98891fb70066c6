"""Readings drawn into images: box, id and most probable expressions of each face."""

import io
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image as PilImage

from mien.core.media import Image
from mien.core.types import Box, FrameReading, Reading
from mien.report.callouts import Callout, Spot
from mien.report.canvas import Canvas
from mien.report.files import atomic

__all__ = ["LARGEST_JPEG", "Drawer", "annotate", "write_picture"]

LARGEST_JPEG = 65_500
"""Largest side that libjpeg can write, in pixels."""

_JPEG_QUALITY = 93
# The text size changes only if the fitting one differs by more than this share.
_STEADY = 0.25


class Drawer:
    """Draws readings into the frames of one source; labels stay put from frame to frame."""

    def __init__(self) -> None:
        self._unit: int | None = None
        self._spots: dict[int, Spot] = {}

    def draw(self, image: Image, frame: FrameReading) -> Image:
        """A copy of the image with its readings drawn in.

        Sizes follow those of the image and its faces. A face gets a panel with bars of its most
        probable expressions, or a one-line label where a panel would hide too much; both stay
        inside the image. An uncertain reading has a dashed pale box and states the reason.

        Args:
            image: RGB of shape (height, width, 3) or grey of shape (height, width), uint8.
            frame: the readings of the image.

        Returns:
            RGB of shape (height, width, 3), uint8.
        """
        rgb = image.copy() if image.ndim == 3 else np.repeat(image[:, :, np.newaxis], 3, axis=2)
        if not frame.readings:
            return rgb
        height, width = rgb.shape[:2]
        unit = self._steady(_unit(width, height, frame.readings))
        canvas = Canvas(rgb)
        labels = [Callout(reading, number, unit) for number, reading in enumerate(frame.readings)]
        for label in labels:
            label.draw_box(canvas)
        self._draw_labels(canvas, labels, width, height)
        return rgb

    def _steady(self, unit: int) -> int:
        if self._unit is None or abs(unit - self._unit) > _STEADY * self._unit:
            self._unit = unit
        return self._unit

    def _draw_labels(self, canvas: Canvas, labels: list[Callout], width: int, height: int) -> None:
        """Place and draw the labels, those of the largest faces first."""
        before, self._spots = self._spots, {}
        placed: list[Box] = []
        for label in sorted(labels, key=lambda label: -label.box.area):
            others = [other.box for other in labels if other is not label]
            track = label.reading.track_id
            last = None if track is None else before.get(track)
            spot = label.place(width, height, others, placed, last)
            if spot is None:
                continue
            label.draw(canvas, spot)
            placed.append(spot.box)
            if track is not None:
                self._spots[track] = spot


def annotate(image: Image, frame: FrameReading) -> Image:
    """A copy of one image with its readings drawn in; see `Drawer.draw`."""
    return Drawer().draw(image, frame)


def write_picture(path: str | os.PathLike[str], image: Image) -> Path:
    """Write an RGB image atomically, as JPEG if the path ends in .jpg or .jpeg, else as PNG.

    Raises:
        OutputError: if the file cannot be written.
    """
    with atomic(path) as temporary:
        picture = PilImage.fromarray(image)
        # Pillow does not notice a write that a full disk cut short; `write_bytes` does.
        encoded = io.BytesIO()
        if temporary.suffix.lower() in {".jpg", ".jpeg"}:
            picture.save(encoded, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
        else:
            picture.save(encoded, "PNG", compress_level=4)
        temporary.write_bytes(encoded.getbuffer())
    return Path(path)


def _unit(width: int, height: int, readings: Sequence[Reading]) -> int:
    """Line height of text in pixels, from the size of the image and of its faces."""
    face = float(np.median([reading.face.box.height for reading in readings]))
    side = min(width, height)
    return round(min(max(face * 0.11, 11, side / 80), max(13, side / 26)))
