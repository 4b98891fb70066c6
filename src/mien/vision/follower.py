"""Known faces found again: the detector's second look at where they should be."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mien.core.types import Face, Image
from mien.vision.landmarks import LandmarkPlacer
from mien.vision.proposals import Proposals
from mien.vision.refiner import FaceRefiner

__all__ = ["FaceFollower"]


class FaceFollower:
    """Follows faces from frame to frame with the refiner; safe to call from several threads.

    Args:
        refiner: looks at a square around each expected face.
        placer: of landmarks; without it the refiner's stand.
    """

    def __init__(self, refiner: FaceRefiner, placer: LandmarkPlacer | None = None) -> None:
        self._refiner = refiner
        self._placer = placer

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
        if self._placer is not None:
            found = replace(found, points=self._placer.place(image, found.points))
        return found.faces()
