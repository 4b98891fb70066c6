"""Face detector: from an image to boxes with five landmarks."""

from copy import copy
from dataclasses import replace
from typing import Self

import cv2
import numpy as np
import numpy.typing as npt

from mien.core.errors import InputError
from mien.core.media import Image
from mien.core.types import Face
from mien.runtime.session import Session
from mien.vision.geometry import intersection_areas, iou_matrix, non_maximum_suppression
from mien.vision.landmarks import LandmarkPlacer
from mien.vision.proposals import FaceProposer, Proposals
from mien.vision.pyramid import Pyramid
from mien.vision.refiner import FaceRefiner

__all__ = ["FaceDetector"]

MAX_PROPOSALS = 200
"""Maximum number of proposals, best first, that are refined; bounds the time of a busy image."""
NMS_IOU = 0.4
"""IoU above which two boxes are the same face."""
VOTE_IOU = 0.6
"""Minimum IoU with a kept box for a box to be averaged into it, weighted by score and size (box
voting)."""
REFINED_SHARE = 0.6
"""Weight of the refinement network's landmarks in the mean with the proposal's, where their boxes
agree: their errors are largely independent. Chosen on the validation part of the portraits."""
MIN_FACE_SIZE = 10.0
"""Minimum size of a face, the square root of its box's area in pixels of the image. Smaller ones
show no features and were more often a stone or a light than a face."""
NESTED_SHARE = 0.8
"""Share of a box's area inside a better box above which it is a part of the same face."""

Floats = npt.NDArray[np.float32]


class FaceDetector:
    """Detects faces with a cascade of three small networks; safe to call from several threads.

    The proposal network searches the whole image at several scales, the refinement network rescores
    each proposal and corrects its box and landmarks, and the landmark network refines the landmarks
    of the remaining faces.

    Args:
        session: session of the "detector" weights, the proposal network.
        refiner: the refinement network; without it, proposals above the threshold are the faces.
        placer: the landmark network; without it, landmarks stay as they are.
        threshold: minimum confidence score of a face, 0 to 1; None takes that of the weights' card.
        search_size: longest side in pixels of the finest scale. Half of it takes a quarter of the
            time, and suffices where faces are not small.

    Raises:
        InputError: if `threshold` or `search_size` is out of range.
    """

    def __init__(
        self,
        session: Session,
        refiner: FaceRefiner | None = None,
        placer: LandmarkPlacer | None = None,
        *,
        threshold: float | None = None,
        search_size: int = 1280,
    ) -> None:
        own = session.card.number("threshold") if refiner is None else refiner.threshold
        self.threshold = own if threshold is None else threshold
        if not 0.0 < self.threshold < 1.0:
            raise InputError(f"the threshold must lie between 0 and 1, not {self.threshold}")
        self._session = session
        self._proposer = FaceProposer(session, search_size)
        self._refiner = refiner
        self._placer = placer

    def searching(self, size: int) -> Self:
        """A detector with the same networks and `size` as its search size, in pixels."""
        other = copy(self)
        other._proposer = FaceProposer(self._session, size)
        return other

    def detect(self, image: Image) -> list[Face]:
        """Faces of an image, the best score first; an empty list if there are none.

        Args:
            image: (height, width, 3) RGB or (height, width) grey, uint8. Only its luma (ITU-R
                BT.601) is used.

        Returns:
            Boxes and landmarks in pixels of `image`; both may reach beyond it.

        Raises:
            InputError: if the array has another type or shape.
        """
        grey = _luma(image)
        if grey.size == 0:
            return []
        picture = Pyramid(grey)
        if self._refiner is None:
            found = self._merged(self._proposer.propose(grey, self.threshold))
        else:
            found = self._merged(self._proposer.propose(grey, self._refiner.least_proposal))
            found = self._refined(self._refiner, picture, found[:MAX_PROPOSALS])
        sizes = np.sqrt(np.prod(found.boxes[:, 2:], axis=1))
        kept = [index for index in _not_nested(found.boxes) if sizes[index] >= MIN_FACE_SIZE]
        found = found[np.array(kept, dtype=np.intp)]
        if self._placer is not None:
            found = replace(found, points=self._placer.place(picture, found.points))
        return found.faces()

    def _merged(self, found: Proposals) -> Proposals:
        """Non-maximum suppression with box voting; the best proposal first."""
        kept = non_maximum_suppression(found.boxes, found.scores, NMS_IOU)
        agree = (iou_matrix(found.boxes[kept], found.boxes) >= VOTE_IOU) * found.votes
        votes = (agree / agree.sum(axis=1, keepdims=True)).astype(np.float32)
        return Proposals(
            votes @ found.boxes, votes @ found.points, found.scores[kept], found.votes[kept]
        )

    def _refined(self, refiner: FaceRefiner, picture: Pyramid, found: Proposals) -> Proposals:
        again = refiner.refine(picture, found)
        points = REFINED_SHARE * again.points + (1 - REFINED_SHARE) * found.points
        overlap = np.diag(iou_matrix(again.boxes, found.boxes))
        agreed = overlap[:, None] >= VOTE_IOU
        again = replace(again, points=np.where(agreed, points, again.points))
        kept = again.scores >= self.threshold
        sure = again[kept]
        # Proposals of parts of a face are refined to the whole face too. The one that was moved
        # least had the best crop, and has the best landmarks.
        faces = sure[non_maximum_suppression(sure.boxes, sure.scores * overlap[kept], NMS_IOU)]
        return faces[np.argsort(-faces.scores, kind="stable")]


def _not_nested(boxes: Floats) -> list[int]:
    """Indices of the boxes that do not lie in an earlier, better one."""
    kept: list[int] = []
    for index, box in enumerate(boxes):
        inside = intersection_areas(box[None], boxes[kept]).max(initial=0.0)
        if inside <= NESTED_SHARE * max(float(box[2] * box[3]), 1e-6):
            kept.append(index)
    return kept


def _luma(image: Image) -> Image:
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
        raise InputError(
            f"a picture must be a uint8 array, not {getattr(image, 'dtype', type(image))}"
        )
    if image.ndim == 2:
        return image
    if image.ndim != 3 or image.shape[2] != 3:
        raise InputError(
            f"a picture must have shape (height, width, 3) or (height, width), not {image.shape}"
        )
    if image.size == 0:
        return np.zeros((0, 0), np.uint8)
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
