"""What is read: pictures, their place in time, and the medium that they are of."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["Frame", "Image", "Media", "MediaKind"]

Image: TypeAlias = npt.NDArray[np.uint8]
"""Pixels: (height, width, 3) in RGB, or (height, width) in grey, uint8."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a medium, upright, with its place in time."""

    image: Image = field(repr=False)
    index: int = 0
    time_s: float = 0.0
    arrived_s: float | None = None
    """When the encoded data of a live picture had come in, before it was decoded, in seconds of
    `time.monotonic`; None where that is not known."""
    ends_s: float | None = None
    """When it gives way to the next that is kept, or the medium ends; None where that is not known
    with the frame itself, as in films."""


class MediaKind(StrEnum):
    """What a source turned out to be."""

    IMAGE = "image"
    ANIMATION = "animation"
    VIDEO = "video"
    CAMERA = "camera"


@dataclass(frozen=True, slots=True)
class Media:
    """What is known of a source before its frames are read; sizes are of the oriented picture."""

    source: str
    kind: MediaKind
    width: int
    height: int
    frame_count: int | None = None
    """How many frames there should be, where the container says so."""
    duration_s: float | None = None
    """Seconds from the first frame to the end, where the container says so."""
    start_s: float = 0.0
    """Time of the first frame: recordings of a stream may begin hours after zero."""

    def frames_at(self, every: int) -> int | None:
        """How many frames there are if each so-many-th is read; None where that is not known."""
        return self.frame_count and -(-self.frame_count // every)

    def to_dict(self) -> dict[str, Any]:
        """The head of an item of schema mien/1."""
        return {
            "source": self.source,
            "kind": self.kind.value,
            "width": self.width,
            "height": self.height,
        }
