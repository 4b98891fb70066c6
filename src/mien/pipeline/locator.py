"""Face localization in videos and from cameras: periodic detection, tracking in between."""

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
"""Maximum number of frames between two detector runs."""
DETECT_S = 0.4
"""Maximum time between two detector runs in seconds, at any frame rate."""
FINE_S = 0.9
"""Seconds since the last run of the fine detector after which the next run is fine again, so that
new small faces are found. Until then a coarse run that finds exactly the tracked faces suffices."""
HIDDEN_AFTER = 5
"""Number of successive detector runs that may miss a known face before they become less frequent.
"""
HIDDEN_EVERY = 3
"""Number of frames between two detector runs for a face that `HIDDEN_AFTER` runs have missed."""
LEAST_SCORE = 0.5
"""Minimum confidence score of a tracked face; below it the detector runs."""
MIN_SIMILARITY = 0.5
"""Minimum cosine similarity between the appearance descriptors of a tracked face and its track;
below it the detector runs."""
MOST_OVERLAP = 0.4
"""Maximum IoU of two tracked faces; above it they may be one face, and the detector runs."""
SAME_OVERLAP = 0.4
"""Minimum IoU of a tracked face and a detection of the same face."""


@dataclass(frozen=True)
class Located:
    """A frame with its n faces.

    Attributes:
        frame: the frame.
        faces: in order of descending area.
        crops: (n, size, size) aligned grey crops, uint8.
        ids: track ids.
    """

    frame: Frame
    faces: list[Face]
    crops: npt.NDArray[np.uint8]
    ids: list[int]


class FaceLocator:
    """Detects or tracks the faces of successive frames; holds the state of one video or camera.

    A tracked face keeps the score of its last detection, so that all scores mean the same and none
    is below the detector's threshold.

    Args:
        finder: detects faces and cuts their crops.
        follower: refines faces from their expected places; without it the detector runs on every
            frame.
        every: maximum number of frames between two detector runs.
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
        # Track ids of which the coarse detector misses some: it is skipped while they are the same.
        self._overlooked: set[int] | None = None

    def locate(self, frame: Frame) -> Located:
        """Locate the faces of the next frame."""
        self._frames += 1
        if self._searched is not None and frame.image.shape != self._searched[1]:
            (high, wide), (height, width) = self._searched[1][:2], frame.image.shape[:2]
            self._tracker.rescale(width / wide, height / high)
            self._searched = None
        if self._cuts.begins(frame.image, frame.time_s):
            return self._found(frame, cut=True)
        if self._follower is None or self._searched is None or self._missing():
            return self._found(frame)
        time_s, _ = self._searched
        if self._frames < self._every and 0 <= frame.time_s - time_s < DETECT_S:
            return self._followed(frame, self._follower) or self._found(frame)
        if not 0 <= frame.time_s - self._fine_s < FINE_S:
            return self._found(frame)
        return self._glanced(frame, self._follower)

    def _missing(self) -> bool:
        """Whether a remembered face is missing and the detector should run for it."""
        often = self._vain < HIDDEN_AFTER or self._frames >= HIDDEN_EVERY
        return self._tracker.hidden and often

    def _glanced(self, frame: Frame, follower: Follower) -> Located:
        """The tracked faces if the coarse detector finds exactly these, or else the detections."""
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
        """The tracked faces, or None if one is uncertain or they do not match `seen` one to one."""
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
    """Whether two sets of faces match one to one."""
    near = _overlaps(faces, seen) >= SAME_OVERLAP
    return bool((near.sum(axis=0) == 1).all() and (near.sum(axis=1) == 1).all())


def _touching(faces: Sequence[Face]) -> bool:
    """Whether two faces overlap so much that they may be one face."""
    return bool((np.triu(_overlaps(faces, faces), 1) > MOST_OVERLAP).any())


def _overlaps(first: Sequence[Face], second: Sequence[Face]) -> npt.NDArray[np.float64]:
    return iou_matrix([one.box.as_tuple() for one in first], [one.box.as_tuple() for one in second])
