"""The face detector: pictures in, boxes with five landmarks out."""

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

MOST_PROPOSALS = 200
"""So many of the best proposals get a second look: bounds the time that a busy picture takes."""
NMS_IOU = 0.4
"""Two boxes that overlap more than this are the same face."""
VOTE_OVERLAP = 0.6
"""Boxes that overlap a kept one by this IoU are averaged into it, weighted by score and size."""
REFINED_SHARE = 0.6
"""Of the second network's landmarks in the mean of both, where their boxes agree: the two err
apart. Chosen on the validation part of the portraits."""
LEAST_FACE = 10.0
"""Square root of a face's area in pixels of the picture: what is smaller shows no features, and was
more often a stone or a light than a face."""
NESTED_SHARE = 0.8
"""A weaker box that lies in a better one to this share of its area is a part of the same face."""

Floats = npt.NDArray[np.float32]


class FaceDetector:
    """Finds faces with three small networks; safe to call from several threads.

    The first proposes faces in the whole picture, at several sizes; the second looks at each
    proposal again, decides, and places box and landmarks; the third places the landmarks of what
    is a face better.

    Args:
        session: of the weights named "detector".
        refiner: the second look; without it the first network's word stands.
        placer: the third look; without it the landmarks of the others stand.
        threshold: least score of a face, 0 to 1; that of the weights' cards if None.
        search_size: longest side in pixels of the finest search. Half of it takes a quarter of the
            time, and is enough where faces are not small.

    Raises:
        InputError: if an argument is out of its range.
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
        """A detector over the same networks whose finest search is `size` pixels long."""
        other = copy(self)
        other._proposer = FaceProposer(self._session, size)
        return other

    def detect(self, image: Image) -> list[Face]:
        """Faces of a picture, the best score first; an empty list if there are none.

        Args:
            image: (height, width, 3) RGB or (height, width) grey, uint8. Only its luma (ITU-R
                BT.601) is looked at.

        Returns:
            Boxes and landmarks in pixels of `image`; both may reach beyond it.

        Raises:
            InputError: if the array is not a picture.
        """
        grey = _luma(image)
        if grey.size == 0:
            return []
        picture = Pyramid(grey)
        if self._refiner is None:
            found = self._merged(self._proposer.propose(grey, self.threshold))
        else:
            found = self._merged(self._proposer.propose(grey, self._refiner.least_proposal))
            found = self._refined(self._refiner, picture, found[:MOST_PROPOSALS])
        sizes = np.sqrt(np.prod(found.boxes[:, 2:], axis=1))
        kept = [index for index in _apart(found.boxes) if sizes[index] >= LEAST_FACE]
        found = found[np.array(kept, dtype=np.intp)]
        if self._placer is not None:
            found = replace(found, points=self._placer.place(picture, found.points))
        return found.faces()

    def _merged(self, found: Proposals) -> Proposals:
        """One proposal per place, the best first, averaged over those that agree with it."""
        kept = non_maximum_suppression(found.boxes, found.scores, NMS_IOU)
        agree = (iou_matrix(found.boxes[kept], found.boxes) >= VOTE_OVERLAP) * found.votes
        votes = (agree / agree.sum(axis=1, keepdims=True)).astype(np.float32)
        return Proposals(
            votes @ found.boxes, votes @ found.points, found.scores[kept], found.votes[kept]
        )

    def _refined(self, refiner: FaceRefiner, picture: Pyramid, found: Proposals) -> Proposals:
        again = refiner.refine(picture, found)
        points = REFINED_SHARE * again.points + (1 - REFINED_SHARE) * found.points
        overlap = np.diag(iou_matrix(again.boxes, found.boxes))
        agreed = overlap[:, None] >= VOTE_OVERLAP
        again = replace(again, points=np.where(agreed, points, again.points))
        kept = again.scores >= self.threshold
        sure = again[kept]
        # Proposals of parts of a face also lead to the face. The one that had to be moved least
        # was looked at best, and places its landmarks best.
        faces = sure[non_maximum_suppression(sure.boxes, sure.scores * overlap[kept], NMS_IOU)]
        return faces[np.argsort(-faces.scores, kind="stable")]


def _apart(boxes: Floats) -> list[int]:
    """Indices of the boxes that do not lie in a better one; the best come first."""
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
