"""Decoded frames as displayed: RGB, upright, with square pixels."""

from typing import Any

import numpy as np
from av.sidedata.sidedata import Type as SideData
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from mien.core.media import Image
from mien.vision.orientation import UPRIGHT, Orientation

__all__ = ["Display"]

MAX_SAMPLE_ASPECT = 4
"""Sample aspect ratios beyond 1:4 to 4:1 are treated as errors and ignored; the widest in use are
anamorphic, at 2:1."""


class Display:
    """Converts the decoded frames of a stream for display.

    Frames with non-square pixels, as of television and DVDs, are enlarged along the longer side of
    their pixels, so that no detail is lost.

    The resolution of recorded calls and broadcasts may change in the middle. With `constant_size`,
    later frames are scaled to fit into the size of the first, with black bars where their aspect
    ratio differs, so that one coordinate system holds for all.

    Side data are read once per rotation: a frame whose side data were read lives until garbage
    collection, which would take a gigabyte per minute of video.
    """

    def __init__(self, stream: VideoStream, *, constant_size: bool = False) -> None:
        self._stream = stream
        self._constant = constant_size
        self._size: tuple[int, int] | None = None
        self._convert = VideoReformatter().reformat
        self._orientations: dict[int, Orientation] = {}

    def size(self, picture: VideoFrame) -> tuple[int, int]:
        """Width and height in pixels as displayed."""
        return self._orientation(picture).size(*self._stretched(picture))

    def image(self, picture: VideoFrame) -> Image:
        """The displayed frame, (height, width, 3) RGB, uint8."""
        width, height = self._stretched(picture)
        canvas = (width, height) if self._size is None else self._size
        if self._constant:
            self._size = canvas
            scale = min(canvas[0] / width, canvas[1] / height)
            width, height = max(round(width * scale), 1), max(round(height * scale), 1)
        converted = self._convert(picture, width=width, height=height, format="rgb24")
        image = _centred(np.asarray(converted.to_ndarray(), np.uint8), *canvas)
        return self._orientation(picture).apply(image)

    def _stretched(self, picture: VideoFrame) -> tuple[int, int]:
        aspect = float(self._stream.sample_aspect_ratio or 1)
        if not 1 / MAX_SAMPLE_ASPECT <= aspect <= MAX_SAMPLE_ASPECT:
            aspect = 1.0
        return round(picture.width * max(aspect, 1.0)), round(picture.height / min(aspect, 1.0))

    def _orientation(self, picture: VideoFrame) -> Orientation:
        """The orientation given by the frame's display matrix."""
        if picture.rotation not in self._orientations:
            # The type stubs say that the keys are names; they are members of Type.
            data: Any = picture.side_data
            matrix = data.get(SideData.DISPLAYMATRIX)
            self._orientations[picture.rotation] = (
                UPRIGHT if matrix is None else Orientation.from_display_matrix(bytes(matrix))
            )
        return self._orientations[picture.rotation]


def _centred(image: Image, width: int, height: int) -> Image:
    """The image in the middle of a black one of the given size, which is at least as large."""
    rows, columns = image.shape[:2]
    if (columns, rows) == (width, height):
        return image
    top, left = (height - rows) // 2, (width - columns) // 2
    canvas = np.zeros((height, width, 3), np.uint8)
    canvas[top : top + rows, left : left + columns] = image
    return canvas
