"""A generated picture in the making, and what becomes of it."""

from dataclasses import dataclass, field

import numpy as np

from mien_lab.data.scenes import Floats, GreyImage

__all__ = ["Draft", "Scene"]

LEAST_SIZE = 9.0
"""Faces below this size (square root of the area, pixels) count neither way."""
LEAST_SHOWN = 0.5
"""A face of which less than this share of the box is in the picture counts neither way."""


@dataclass(frozen=True)
class Scene:
    """A picture and its truth, in pixels.

    Attributes:
        image: (height, width) grey, uint8.
        boxes: (n, 4) of faces: left, top, width, height.
        points: (n, 5, 2) their landmarks, in the order of `mien.Landmarks`.
        ignored: (m, 4) boxes of what counts neither way.
    """

    image: GreyImage
    boxes: Floats
    points: Floats
    ignored: Floats


@dataclass
class Draft:
    """A picture in the making; its lists hold rows of what `Scene` has."""

    canvas: GreyImage
    boxes: list[Floats] = field(default_factory=list)
    points: list[Floats] = field(default_factory=list)
    ignored: list[Floats] = field(default_factory=list)

    def is_free(self, box: Floats, share: float = 0.12) -> bool:
        """Whether at most `share` of the smaller of two boxes would be shared."""
        for other in (*self.boxes, *self.ignored):
            low = np.maximum(box[:2], other[:2])
            high = np.minimum(box[:2] + box[2:], other[:2] + other[2:])
            shared = float(np.prod(np.clip(high - low, 0, None)))
            if shared > share * min(float(box[2] * box[3]), float(other[2] * other[3])):
                return False
        return True

    def add(self, box: Floats, points: Floats) -> None:
        """Book a face as a target, or as ignored when too little of it can be seen.

        Args:
            box: (4,) left, top, width, height, in pixels of the canvas, maybe beyond it.
            points: (5, 2) landmarks.
        """
        height, width = self.canvas.shape
        shown = np.clip(box[:2] + box[2:], 0, (width, height)) - np.clip(
            box[:2], 0, (width, height)
        )
        if np.prod(shown) < 0.02 * box[2] * box[3]:
            return
        too_small = float(np.sqrt(box[2] * box[3])) < LEAST_SIZE
        centre = box[:2] + box[2:] / 2
        outside = bool((centre < 0).any() or (centre >= (width, height)).any())
        if too_small or outside or float(np.prod(shown)) < LEAST_SHOWN * float(box[2] * box[3]):
            self.ignored.append(box)
        else:
            self.boxes.append(box)
            self.points.append(points)

    def finish(self, image: GreyImage) -> Scene:
        """The scene, with `image` for its pixels."""
        return Scene(
            image,
            np.array(self.boxes, np.float32).reshape(-1, 4),
            np.array(self.points, np.float32).reshape(-1, 5, 2),
            np.array(self.ignored, np.float32).reshape(-1, 4),
        )
