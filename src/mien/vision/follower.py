"""Known faces found again: the detector's second look at where they should be."""

from collections.abc import Sequence

import numpy as np

from mien.core.types import Face, Image
from mien.vision.proposals import Proposals
from mien.vision.refiner import FaceRefiner

__all__ = ["FaceFollower"]


class FaceFollower:
    """Follows faces from frame to frame with the refiner; safe to call from several threads.

    Args:
        refiner: looks at a square around each expected face.
    """

    def __init__(self, refiner: FaceRefiner) -> None:
        self._refiner = refiner

    def follow(self, image: Image, expected: Sequence[Face]) -> list[Face]:
        """The same faces in a later picture, as many and in the same order.

        Scores are of this picture alone: what was sure before may have gone.

        Args:
            image: (height, width, 3) RGB or (height, width) grey, uint8.
            expected: at the places where they should be.
        """
        if not expected:
            return []
        boxes = [face.box.as_tuple() for face in expected]
        scores = np.full(len(expected), 0.5, np.float32)
        points = np.stack([face.landmarks.as_array().ravel() for face in expected])
        found = self._refiner.refine(
            image, Proposals(np.array(boxes, np.float32), points, scores, scores)
        )
        return found.faces()
