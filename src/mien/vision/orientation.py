"""Orientation of stored pixels, from EXIF tags and display matrices."""

import struct
from dataclasses import dataclass

import numpy as np

from mien.core.media import Image

__all__ = ["UPRIGHT", "Orientation"]


@dataclass(frozen=True, slots=True)
class Orientation:
    """An optional left-right mirroring, followed by counter-clockwise quarter turns."""

    mirrored: bool = False
    quarter_turns: int = 0

    @classmethod
    def from_exif(cls, tag: object) -> "Orientation":
        """The orientation of EXIF tag 0x0112 (1 to 8); upright for any other value."""
        return _EXIF.get(tag, UPRIGHT) if isinstance(tag, int) else UPRIGHT

    @classmethod
    def from_display_matrix(cls, matrix: bytes) -> "Orientation":
        """The nearest orientation of an FFmpeg display matrix: nine native 32-bit integers.

        The matrix maps (x, y) to (a x + c y, b x + d y), y pointing down; a, b, c, d are the
        elements 0, 1, 3 and 4 (libavutil/display.h).
        """
        a, b, _, c, d, *_ = struct.unpack("=9i", matrix[:36])
        mirrored = a * d - b * c < 0
        if mirrored:
            a, b = -a, -b
        return cls(mirrored, round(np.arctan2(-b, a) / (np.pi / 2)) % 4)

    @property
    def swaps_sides(self) -> bool:
        """Whether width and height are swapped."""
        return self.quarter_turns % 2 == 1

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height of the upright image."""
        return (height, width) if self.swaps_sides else (width, height)

    def apply(self, image: Image) -> Image:
        """The upright image, C-contiguous; not copied if it already is."""
        if self.mirrored:
            image = image[:, ::-1]
        return np.ascontiguousarray(np.rot90(image, self.quarter_turns))


UPRIGHT = Orientation()
# CIPA DC-008 (Exif), tag 0x0112.
_EXIF = {
    1: UPRIGHT,
    2: Orientation(True, 0),
    3: Orientation(False, 2),
    4: Orientation(True, 2),
    5: Orientation(True, 1),
    6: Orientation(False, 3),
    7: Orientation(True, 3),
    8: Orientation(False, 1),
}
