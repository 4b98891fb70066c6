"""Decoded pictures as they are to be shown: in RGB, upright, their pixels square."""

from typing import Any

import numpy as np
from av.sidedata.sidedata import Type as SideData
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from mien.core.media import Image
from mien.vision.orientation import UPRIGHT, Orientation

__all__ = ["Display"]

OBLONG = 4
"""Pixels that are said to be more times as wide as high, or as high as wide, are a mistake; the
widest in use are anamorphic, at 2."""


class Display:
    """Brings the decoded pictures of a stream into the form in which they are shown.

    Pictures of oblong pixels, as television and DVDs have, are stretched to the longer side of
    these, so that nothing of them is lost.

    Side data are read once for each rotation: a frame whose side data were read is kept alive by
    them until garbage is collected, and pictures are large: a minute of film would take a gigabyte.
    """

    def __init__(self, stream: VideoStream) -> None:
        self._stream = stream
        self._convert = VideoReformatter().reformat
        self._orientations: dict[int, Orientation] = {}

    def size(self, picture: VideoFrame) -> tuple[int, int]:
        """Width and height as shown."""
        return self._orientation(picture).size(*self._stretched(picture))

    def image(self, picture: VideoFrame) -> Image:
        """The picture, (height, width, 3) RGB, uint8."""
        width, height = self._stretched(picture)
        converted = self._convert(picture, width=width, height=height, format="rgb24")
        return self._orientation(picture).apply(np.asarray(converted.to_ndarray(), np.uint8))

    def _stretched(self, picture: VideoFrame) -> tuple[int, int]:
        aspect = float(self._stream.sample_aspect_ratio or 1)
        if not 1 / OBLONG <= aspect <= OBLONG:
            aspect = 1.0
        return round(picture.width * max(aspect, 1.0)), round(picture.height / min(aspect, 1.0))

    def _orientation(self, picture: VideoFrame) -> Orientation:
        """How the picture is to be turned, by its display matrix."""
        if picture.rotation not in self._orientations:
            # The stubs call the container a mapping of names; its keys are members of Type.
            data: Any = picture.side_data
            matrix = data.get(SideData.DISPLAYMATRIX)
            self._orientations[picture.rotation] = (
                UPRIGHT if matrix is None else Orientation.from_display_matrix(bytes(matrix))
            )
        return self._orientations[picture.rotation]
