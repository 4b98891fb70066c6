"""Which face of this frame is which of the last: ids that hold while a face is in view.

Faces are joined to tracks by the overlap and distance of boxes that move on at constant velocity,
by size, and by how alike small grey crops look. Looks tell faces of one scene apart; they are far
too coarse to recognise anybody, live only in memory and go with the track.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from mien.core.rhythm import MISSED_STEPS, SHORTEST_STEP_S, Rhythm
from mien.core.types import Box, Face, Landmarks
from mien.vision.matching import OTHER_LOOK, SAME_LOOK, UNKNOWN_LOOK, match

__all__ = ["MEMORY_S", "FaceTracker", "describe"]

MEMORY_S = 1.5
"""A face out of sight for longer is forgotten; whoever comes then has a new id. Where frames lie
further apart, one that was seen in neither of the last two, or before a stall."""
LOOK_SIDE = 12
"""Side in pixels of the reduced crop that looks are compared by."""
LOOK_GAIN = 0.1
"""Share of the newest look in that of the track."""
VELOCITY_S = 0.1
"""Time constant of the estimate of velocity: evens out the error of single boxes."""
COASTING_S = 0.4
"""Time constant in which an unseen face is taken to come to rest."""

Floats = npt.NDArray[np.float64]
Looks = npt.NDArray[np.float32]


def describe(crops: npt.NDArray[np.uint8]) -> Looks:
    """The looks of aligned grey crops (n, side, side): unit vectors whose product is likeness."""
    count, side = len(crops), crops.shape[-1]
    cell = side // LOOK_SIDE
    cells = crops[:, : cell * LOOK_SIDE, : cell * LOOK_SIDE].astype(np.float32)
    small = cells.reshape(count, LOOK_SIDE, cell, LOOK_SIDE, cell).mean(axis=(2, 4))
    looks = small.reshape(count, LOOK_SIDE**2)
    looks -= looks.mean(axis=1, keepdims=True)
    return np.asarray(looks / np.maximum(np.linalg.norm(looks, axis=1, keepdims=True), 1e-6))


@dataclass
class _Track:
    """A face while it is remembered; centre and velocity in pixels (per second)."""

    id: int
    face: Face
    centre: Floats
    velocity: Floats
    seen_s: float
    look: Looks | None
    misses: int = 0

    def ahead(self, clock_s: float) -> Floats:
        """How far the centre has moved since the face was seen."""
        coasted = COASTING_S * (1 - np.exp(-(clock_s - self.seen_s) / COASTING_S))
        return np.asarray(self.velocity * coasted)

    def move(self, face: Face, clock_s: float, look: Looks | None) -> None:
        """Take note of where the face is now."""
        centre = _centre(face.box)
        elapsed = max(clock_s - self.seen_s, SHORTEST_STEP_S)
        gain = elapsed / (elapsed + VELOCITY_S)
        self.velocity += gain * ((centre - self.centre) / elapsed - self.velocity)
        self.face, self.centre, self.seen_s, self.misses = face, centre, clock_s, 0
        if look is not None:
            mixed = look if self.look is None else self.look + LOOK_GAIN * (look - self.look)
            self.look = np.asarray(mixed / max(float(np.linalg.norm(mixed)), 1e-6), np.float32)


class FaceTracker:
    """Gives faces ids while they stay in view; belongs to one film or camera."""

    def __init__(self) -> None:
        self._tracks: list[_Track] = []
        self._next = 1
        self._clock_s = 0.0
        self._last_s: float | None = None
        self._rhythm = Rhythm()

    @property
    def hidden(self) -> bool:
        """Whether a face that is remembered was missing from the last frame."""
        return any(track.misses for track in self._tracks)

    def expected(self, time_s: float) -> dict[int, Face]:
        """Where the faces of the last frame should be at a time, by id; changes nothing."""
        clock_s = self._clock_s + self._elapsed(time_s)
        return {
            track.id: _shifted(track.face, track.ahead(clock_s))
            for track in self._remembered(clock_s)
            if not track.misses
        }

    def likeness(self, ids: Sequence[int], looks: Looks) -> Floats:
        """How alike faces look to the tracks they are taken for, (n,) in [-1, 1].

        Args:
            ids: n ids of tracks.
            looks: (n, d) of the faces, from `describe`.
        """
        known = {track.id: track.look for track in self._tracks}
        return np.array(
            [
                UNKNOWN_LOOK if (own := known.get(id_)) is None else float(own @ look)
                for id_, look in zip(ids, looks, strict=True)
            ]
        )

    def keep(
        self, ids: Sequence[int], faces: Sequence[Face], time_s: float, looks: Looks | None = None
    ) -> None:
        """Take faces whose ids are known, since they were followed, for the next frame."""
        self._advance(time_s)
        by_id = {track.id: track for track in self._tracks}
        for index, (id_, face) in enumerate(zip(ids, faces, strict=True)):
            by_id[id_].move(face, self._clock_s, None if looks is None else looks[index])
        self._miss(set(ids))

    def update(
        self,
        faces: Sequence[Face],
        time_s: float,
        looks: Looks | None = None,
        *,
        cut: bool = False,
    ) -> list[int]:
        """Ids for the faces found in the next frame, in their order.

        Args:
            faces: of the frame.
            time_s: of the frame; where it stands still or runs back, it counts as a small step.
            looks: (n, d) of the faces, from `describe`; without them boxes alone decide.
            cut: whether a shot begins with the frame. Where a face is says nothing then: only those
                that look the same keep their ids, and all others are forgotten.
        """
        self._advance(time_s)
        pairs = self._match(faces, looks, SAME_LOOK if cut else OTHER_LOOK)
        if cut:
            self._tracks = []
        ids = []
        for index, face in enumerate(faces):
            look = None if looks is None else looks[index]
            known = pairs.get(index)
            if known is None or cut:
                ids.append(self._begin(face, look, None if known is None else known.id))
            else:
                known.move(face, self._clock_s, look)
                ids.append(known.id)
        self._miss(set(ids))
        return ids

    def _begin(self, face: Face, look: Looks | None, id_: int | None = None) -> int:
        """Start a track with an id, a new one if None; returns it."""
        if id_ is None:
            id_ = self._next
            self._next += 1
        at = _centre(face.box)
        self._tracks.append(_Track(id_, face, at, np.zeros(2), self._clock_s, look))
        return id_

    def _elapsed(self, time_s: float) -> float:
        if self._last_s is None:
            return 0.0
        step = time_s - self._last_s
        return step if step > 0 else SHORTEST_STEP_S

    def _advance(self, time_s: float) -> None:
        self._clock_s += self._elapsed(time_s)
        # Who was there before the pictures stalled is not whoever comes after.
        self._forget()
        if self._last_s is not None:
            self._rhythm.add(time_s - self._last_s)
        self._last_s = time_s

    def _miss(self, seen: set[int]) -> None:
        """Count who is missing."""
        for track in self._tracks:
            if track.id not in seen:
                track.misses += 1
        self._forget()

    def _forget(self) -> None:
        """Let go who was away too long."""
        self._tracks = self._remembered(self._clock_s)

    def _remembered(self, clock_s: float) -> list[_Track]:
        """Who was not away too long; at low frame rates one missing frame alone is not."""
        step_s = self._rhythm.step_s
        return [
            track
            for track in self._tracks
            if clock_s - track.seen_s <= MEMORY_S
            or (
                track.misses < 2
                and clock_s - track.seen_s <= step_s * (track.misses + MISSED_STEPS)
            )
        ]

    def _match(self, faces: Sequence[Face], looks: Looks | None, least: float) -> dict[int, _Track]:
        """The track of each face that has one at least so much alike, by index of the face."""
        if not faces or not self._tracks:
            return {}
        expected = np.array([track.face.box.as_tuple() for track in self._tracks])
        expected[:, :2] += np.stack([track.ahead(self._clock_s) for track in self._tracks])
        pairs = match(
            expected,
            np.array([face.box.as_tuple() for face in faces]),
            self._likenesses(looks, len(faces)),
            np.array([self._clock_s - track.seen_s for track in self._tracks]),
            least=least,
        )
        return {face: self._tracks[track] for face, track in pairs.items()}

    def _likenesses(self, looks: Looks | None, count: int) -> Floats:
        """(tracks, faces)."""
        alike = np.full((len(self._tracks), count), UNKNOWN_LOOK)
        if looks is not None:
            for row, track in enumerate(self._tracks):
                if track.look is not None:
                    alike[row] = looks @ track.look
        return alike


def _centre(box: Box) -> Floats:
    return np.array([box.x + box.width / 2, box.y + box.height / 2])


def _shifted(face: Face, shift: Floats) -> Face:
    x, y = (float(value) for value in shift)
    points = face.landmarks.as_array() + np.array([x, y], np.float32)
    box = replace(face.box, x=face.box.x + x, y=face.box.y + y)
    return Face(box, face.score, Landmarks.from_array(points))
