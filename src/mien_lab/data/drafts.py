"""A generated scene under construction, and the finished scene."""

from dataclasses import dataclass, field

import numpy as np

from mien_lab.data.scenes import Floats, GreyImage

__all__ = ["Draft", "Scene"]

LEAST_SIZE = 9.0
"""Minimum size of a target face (square root of the box area, pixels); smaller ones are ignored."""
LEAST_SHOWN = 0.5
"""Minimum share of a box inside the picture; faces with less are ignored."""


@dataclass(frozen=True)
class Scene:
    """A picture and its ground truth, in pixels.

    Attributes:
        image: (height, width) grey, uint8.
        boxes: (n, 4) float32 faces: left, top, width, height.
        points: (n, 5, 2) float32 landmarks, in the order of `mien.Landmarks`.
        ignored: (m, 4) float32 ignore regions: neither positive nor negative.
    """

    image: GreyImage
    boxes: Floats
    points: Floats
    ignored: Floats


@dataclass
class Draft:
    """A scene under construction; its lists hold the rows of the arrays of `Scene`."""

    canvas: GreyImage
    boxes: list[Floats] = field(default_factory=list)
    points: list[Floats] = field(default_factory=list)
    ignored: list[Floats] = field(default_factory=list)

    def is_free(self, box: Floats, share: float = 0.12) -> bool:
        """Whether `box` overlaps each earlier box by at most `share` of the smaller of the two."""
        for other in (*self.boxes, *self.ignored):
            low = np.maximum(box[:2], other[:2])
            high = np.minimum(box[:2] + box[2:], other[:2] + other[2:])
            shared = float(np.prod(np.clip(high - low, 0, None)))
            if shared > share * min(float(box[2] * box[3]), float(other[2] * other[3])):
                return False
        return True

    def add(self, box: Floats, points: Floats) -> None:
        """Add a face as a target, or as an ignore region if it is too small or mostly cut off.

        A face with less than 2 % of its box inside the canvas is not added at all.

        Args:
            box: (4,) left, top, width, height, in pixels; may reach outside the canvas.
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
        """The finished scene, with `image` as its pixels."""
        return Scene(
            image,
            np.array(self.boxes, np.float32).reshape(-1, 4),
            np.array(self.points, np.float32).reshape(-1, 5, 2),
            np.array(self.ignored, np.float32).reshape(-1, 4),
        )
