"""Where the faces of a film or camera are, frame by frame: found now and then, followed between."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from mien.core.media import Frame
from mien.core.ports import FaceFinder, Follower
from mien.core.types import Face
from mien.vision.alignment import can_align
from mien.vision.cuts import CutFinder
from mien.vision.geometry import iou_matrix
from mien.vision.tracker import FaceTracker, appearance_descriptors

__all__ = ["DETECT_EVERY", "FaceLocator", "Located"]

DETECT_EVERY = 8
"""Every so many frames at least are searched by the detector ..."""
DETECT_S = 0.4
"""... and at least once in so many seconds, however few frames that is."""
FINE_S = 0.9
"""A search may be coarse, so long as it finds just the faces that are followed; but one that comes
so many seconds after the last fine one is fine, for the sake of small faces that are new."""
HIDDEN_EVERY, HIDDEN_AFTER = 3, 5
"""Once so many searches in a row have missed a known face, every third frame is searched for it."""
LEAST_SCORE = 0.5
"""A face that is followed with a lower score is uncertain, and the detector decides."""
MIN_SIMILARITY = 0.5
"""Minimum cosine similarity of a followed face to its track; below it the detector decides."""
MOST_OVERLAP = 0.4
"""Maximum IoU of two followed faces; above it the detector decides."""

SAME_OVERLAP = 0.4
"""Overlap of a face that is followed with the same one found."""


@dataclass(frozen=True)
class Located:
    """A frame with its faces, the largest first, their aligned crops and track ids."""

    frame: Frame
    faces: list[Face]
    crops: npt.NDArray[np.uint8]
    ids: list[int]


class FaceLocator:
    """Finds or follows the faces of successive frames; belongs to one film or camera.

    A face that is followed keeps the score with which the detector last found it, so that all
    scores mean the same and none is below the detector's threshold.

    Args:
        finder: finds faces anew, and cuts the crops of all.
        follower: finds known faces again; without it, every frame is searched.
        every: frames from one search to the next.
    """

    def __init__(
        self, finder: FaceFinder, follower: Follower | None = None, *, every: int = DETECT_EVERY
    ) -> None:
        self._finder = finder
        self._follower = follower
        self._every = every
        self._tracker = FaceTracker()
        self._cuts = CutFinder()
        self._frames = 0
        self._vain = 0
        self._searched: tuple[float, tuple[int, ...]] | None = None
        self._fine_s = 0.0
        # The faces of whom a coarse search misses some: as long as it is these, none is made.
        self._overlooked: set[int] | None = None

    def locate(self, frame: Frame) -> Located:
        """The faces of the next frame."""
        self._frames += 1
        if self._cuts.begins(frame.image, frame.time_s):
            return self._found(frame, cut=True)
        if self._follower is None or self._searched is None or self._missing():
            return self._found(frame)
        time_s, shape = self._searched
        if frame.image.shape != shape:
            return self._found(frame)
        if self._frames < self._every and 0 <= frame.time_s - time_s < DETECT_S:
            return self._followed(frame, self._follower) or self._found(frame)
        if not 0 <= frame.time_s - self._fine_s < FINE_S:
            return self._found(frame)
        return self._glanced(frame, self._follower)

    def _missing(self) -> bool:
        """Whether a face that is remembered is missing, and worth a search."""
        often = self._vain < HIDDEN_AFTER or self._frames >= HIDDEN_EVERY
        return self._tracker.hidden and often

    def _glanced(self, frame: Frame, follower: Follower) -> Located:
        """The faces followed, if a coarse search finds just these; or else those found."""
        known = set(self._tracker.expected(frame.time_s))
        seen = None if known == self._overlooked else self._finder.glance(frame.image)
        if seen is None:
            return self._found(frame)
        located = self._followed(frame, follower, seen)
        if located is not None:
            self._searched = frame.time_s, frame.image.shape
            self._frames = 0
            return located
        located = self._found(frame)
        if set(located.ids) == known and not _same(located.faces, seen):
            self._overlooked = known
        return located

    def _found(self, frame: Frame, *, cut: bool = False) -> Located:
        faces = self._finder.find(frame.image)
        crops = self._finder.crops(frame.image, faces)
        ids = self._tracker.update(faces, frame.time_s, appearance_descriptors(crops), cut=cut)
        self._searched = frame.time_s, frame.image.shape
        self._fine_s = frame.time_s
        self._frames = 0
        self._vain = self._vain + 1 if self._tracker.hidden else 0
        return Located(frame, faces, crops, ids)

    def _followed(
        self, frame: Frame, follower: Follower, seen: Sequence[Face] | None = None
    ) -> Located | None:
        """The faces at their expected places, or None if any is uncertain or not one of `seen`."""
        expected = self._tracker.expected(frame.time_s)
        ids = list(expected)
        faces = follower.follow(frame.image, list(expected.values()))
        if not all(self._sure(face) for face in faces):
            return None
        if seen is not None and not _same(faces, seen):
            return None
        faces = [
            replace(face, score=known.score)
            for face, known in zip(faces, expected.values(), strict=True)
        ]
        crops = self._finder.crops(frame.image, faces)
        descriptors = appearance_descriptors(crops)
        if (self._tracker.similarity(ids, descriptors) < MIN_SIMILARITY).any() or _touching(faces):
            return None
        self._tracker.keep(ids, faces, frame.time_s, descriptors)
        order = sorted(range(len(faces)), key=lambda index: -faces[index].box.area)
        return Located(
            frame, [faces[index] for index in order], crops[order], [ids[index] for index in order]
        )

    def _sure(self, face: Face) -> bool:
        large = face.box.shorter_side >= self._finder.min_face
        return face.score >= LEAST_SCORE and large and can_align(face.landmarks)


def _same(faces: Sequence[Face], seen: Sequence[Face]) -> bool:
    """Whether two sets of faces are the same, one for one."""
    near = _overlaps(faces, seen) >= SAME_OVERLAP
    return bool((near.sum(axis=0) == 1).all() and (near.sum(axis=1) == 1).all())


def _touching(faces: Sequence[Face]) -> bool:
    """Whether two faces overlap so much that they may be one."""
    return bool((np.triu(_overlaps(faces, faces), 1) > MOST_OVERLAP).any())


def _overlaps(first: Sequence[Face], second: Sequence[Face]) -> npt.NDArray[np.float64]:
    return iou_matrix([one.box.as_tuple() for one in first], [one.box.as_tuple() for one in second])
