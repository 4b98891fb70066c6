"""Frames, their timestamps, and the metadata of their source."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["Frame", "Image", "Media", "MediaKind"]

Image: TypeAlias = npt.NDArray[np.uint8]
"""Pixels: (height, width, 3) RGB or (height, width) grey, uint8."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One upright image of a source, with its timestamp.

    Attributes:
        image: the pixels.
        index: zero-based position in the source; frames that are skipped count.
        time_s: presentation timestamp in seconds.
        arrived_s: when the encoded data of a live frame had arrived, before decoding, in seconds
            of `time.monotonic`; None if unknown.
        ends_s: when the next kept frame replaces this one, or the source ends, in seconds; None if
            the decoder does not know it with the frame, as in videos.
    """

    image: Image = field(repr=False)
    index: int = 0
    time_s: float = 0.0
    arrived_s: float | None = None
    ends_s: float | None = None


class MediaKind(StrEnum):
    """What a source turned out to be."""

    IMAGE = "image"
    ANIMATION = "animation"
    VIDEO = "video"
    CAMERA = "camera"


@dataclass(frozen=True, slots=True)
class Media:
    """Metadata of a source, known before its frames are read.

    Attributes:
        source: path or name, as in results and error messages.
        kind: type of the source.
        width: width of the upright image in pixels.
        height: height of the upright image in pixels.
        frame_count: number of frames according to the container; None if unknown.
        duration_s: seconds from the first frame to the end according to the container; None if
            unknown.
        start_s: timestamp of the first frame in seconds; recordings of a stream may start hours
            after zero.
    """

    source: str
    kind: MediaKind
    width: int
    height: int
    frame_count: int | None = None
    duration_s: float | None = None
    start_s: float = 0.0

    def frames_at(self, every: int) -> int | None:
        """Number of frames if every n-th is read; None if unknown."""
        return self.frame_count and -(-self.frame_count // every)

    def to_dict(self) -> dict[str, Any]:
        """The fields `source`, `kind`, `width` and `height` of an item of schema mien/1."""
        return {
            "source": self.source,
            "kind": self.kind.value,
            "width": self.width,
            "height": self.height,
        }
