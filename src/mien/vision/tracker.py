"""Face tracking: ids that hold while a face is in view.

Detections are matched to tracks by overlap and distance from boxes predicted at a decaying
velocity, by size, and by the cosine similarity of appearance descriptors. A descriptor is a small
grey crop: it tells the faces of one scene apart, is far too coarse to recognise anybody, lives only
in memory and is deleted with the track.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from mien.core.rhythm import HOLD_S, MISSED_STEPS, SHORTEST_STEP_S, Rhythm
from mien.core.types import Box, Face, Landmarks
from mien.vision.matching import MIN_SIMILARITY, SAME_SIMILARITY, UNKNOWN_SIMILARITY, match

__all__ = ["MEMORY_S", "FaceTracker", "appearance_descriptors"]

MEMORY_S = HOLD_S
"""Seconds out of sight after which a track is deleted. Where frames are further apart, a track is
deleted when it is missing from two of them or the frames stall."""
DESCRIPTOR_SIDE = 12
"""Side in pixels of the reduced crop that is the appearance descriptor."""
DESCRIPTOR_GAIN = 0.1
"""Weight of the newest descriptor in the exponential moving average of its track."""
VELOCITY_S = 0.1
"""Time constant in seconds of the velocity estimate, which smooths the error of single boxes."""
COASTING_S = 0.4
"""Time constant in seconds with which the velocity of an unseen face decays."""

Floats = npt.NDArray[np.float64]
Descriptors = npt.NDArray[np.float32]


def appearance_descriptors(crops: npt.NDArray[np.uint8]) -> Descriptors:
    """Appearance descriptors of aligned grey crops (n, side, side), uint8.

    Returns:
        (n, 144) float32 of zero mean and unit norm, whose dot products are cosine similarities.
    """
    count, side = len(crops), crops.shape[-1]
    cell = side // DESCRIPTOR_SIDE
    cells = crops[:, : cell * DESCRIPTOR_SIDE, : cell * DESCRIPTOR_SIDE].astype(np.float32)
    small = cells.reshape(count, DESCRIPTOR_SIDE, cell, DESCRIPTOR_SIDE, cell).mean(axis=(2, 4))
    descriptors = small.reshape(count, DESCRIPTOR_SIDE**2)
    descriptors -= descriptors.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(descriptors, axis=1, keepdims=True)
    return np.asarray(descriptors / np.maximum(norms, 1e-6))


@dataclass
class _Track:
    """State of one track; centre (2,) in pixels, velocity (2,) in pixels per second."""

    id: int
    face: Face
    centre: Floats
    velocity: Floats
    seen_s: float
    descriptor: Descriptors | None
    misses: int = 0

    def ahead(self, clock_s: float) -> Floats:
        """Predicted displacement of the centre since the face was seen, (2,) in pixels."""
        coasted = COASTING_S * (1 - np.exp(-(clock_s - self.seen_s) / COASTING_S))
        return np.asarray(self.velocity * coasted)

    def move(self, face: Face, clock_s: float, descriptor: Descriptors | None) -> None:
        """Update the track with the face of the current frame."""
        centre = _centre(face.box)
        elapsed = max(clock_s - self.seen_s, SHORTEST_STEP_S)
        gain = elapsed / (elapsed + VELOCITY_S)
        self.velocity += gain * ((centre - self.centre) / elapsed - self.velocity)
        self.face, self.centre, self.seen_s, self.misses = face, centre, clock_s, 0
        if descriptor is not None:
            last = self.descriptor
            mixed = descriptor if last is None else last + DESCRIPTOR_GAIN * (descriptor - last)
            self.descriptor = np.asarray(
                mixed / max(float(np.linalg.norm(mixed)), 1e-6), np.float32
            )


class FaceTracker:
    """Assigns track ids to faces; holds the state of one video or camera."""

    def __init__(self) -> None:
        self._tracks: list[_Track] = []
        self._next = 1
        self._clock_s = 0.0
        self._last_s: float | None = None
        self._rhythm = Rhythm()

    @property
    def hidden(self) -> bool:
        """Whether a track was missing from the last frame."""
        return any(track.misses for track in self._tracks)

    def expected(self, time_s: float) -> dict[int, Face]:
        """Faces of the last frame at their predicted positions at a time in seconds, by id."""
        clock_s = self._clock_s + self._elapsed(time_s)
        return {
            track.id: _shifted(track.face, track.ahead(clock_s))
            for track in self._remembered(clock_s)
            if not track.misses
        }

    def similarity(self, ids: Sequence[int], descriptors: Descriptors) -> Floats:
        """Cosine similarity of faces to the tracks with the given ids, (n,) in [-1, 1].

        Args:
            ids: n track ids.
            descriptors: (n, d) of the faces, from `appearance_descriptors`.
        """
        known = {track.id: track.descriptor for track in self._tracks}
        return np.array(
            [
                UNKNOWN_SIMILARITY if (own := known.get(id_)) is None else float(own @ descriptor)
                for id_, descriptor in zip(ids, descriptors, strict=True)
            ]
        )

    def rescale(self, across: float, down: float) -> None:
        """Convert the tracks to the pixels of frames of another size.

        Args:
            across: new width of the frames divided by the old one.
            down: new height of the frames divided by the old one.
        """
        for track in self._tracks:
            track.face = _scaled(track.face, across, down)
            track.centre = track.centre * (across, down)
            track.velocity = track.velocity * (across, down)

    def keep(
        self,
        ids: Sequence[int],
        faces: Sequence[Face],
        time_s: float,
        descriptors: Descriptors | None = None,
    ) -> None:
        """Update the tracks with faces of the next frame whose ids are known.

        Args:
            ids: ids of the faces.
            faces: faces of the frame.
            time_s: timestamp of the frame in seconds.
            descriptors: (n, d) of the faces, from `appearance_descriptors`.
        """
        self._advance(time_s)
        by_id = {track.id: track for track in self._tracks}
        for index, (id_, face) in enumerate(zip(ids, faces, strict=True)):
            by_id[id_].move(
                face, self._clock_s, None if descriptors is None else descriptors[index]
            )
        self._miss(set(ids))

    def update(
        self,
        faces: Sequence[Face],
        time_s: float,
        descriptors: Descriptors | None = None,
        *,
        cut: bool = False,
    ) -> list[int]:
        """Track ids of the faces detected in the next frame, in their order.

        Args:
            faces: faces of the frame.
            time_s: timestamp of the frame in seconds; one that does not advance counts as a small
                step.
            descriptors: (n, d) of the faces, from `appearance_descriptors`; without them only boxes
                are matched.
            cut: whether a shot begins with the frame. Then only faces with a similarity of at least
                `SAME_SIMILARITY`, within `LEAP` face sizes of their prediction, keep their ids; all
                other tracks are deleted.
        """
        self._advance(time_s)
        pairs = self._match(faces, descriptors, SAME_SIMILARITY if cut else MIN_SIMILARITY)
        if cut:
            self._tracks = []
        ids = []
        for index, face in enumerate(faces):
            descriptor = None if descriptors is None else descriptors[index]
            known = pairs.get(index)
            if known is None or cut:
                ids.append(self._begin(face, descriptor, None if known is None else known.id))
            else:
                known.move(face, self._clock_s, descriptor)
                ids.append(known.id)
        self._miss(set(ids))
        return ids

    def _begin(self, face: Face, descriptor: Descriptors | None, id_: int | None = None) -> int:
        """Start a track with the given id, or a new one if None, and return the id."""
        if id_ is None:
            id_ = self._next
            self._next += 1
        at = _centre(face.box)
        self._tracks.append(_Track(id_, face, at, np.zeros(2), self._clock_s, descriptor))
        return id_

    def _elapsed(self, time_s: float) -> float:
        if self._last_s is None:
            return 0.0
        step = time_s - self._last_s
        return step if step > 0 else SHORTEST_STEP_S

    def _advance(self, time_s: float) -> None:
        self._clock_s += self._elapsed(time_s)
        # Tracks from before a stall of the frames must not be matched.
        self._forget()
        if self._last_s is not None:
            self._rhythm.add(time_s - self._last_s)
        self._last_s = time_s

    def _miss(self, seen: set[int]) -> None:
        """Count a miss for the tracks that were not seen."""
        for track in self._tracks:
            if track.id not in seen:
                track.misses += 1
        self._forget()

    def _forget(self) -> None:
        """Delete tracks that are out of sight for too long."""
        self._tracks = self._remembered(self._clock_s)

    def _remembered(self, clock_s: float) -> list[_Track]:
        """Tracks not out of sight for too long; at low frame rates one missing frame is allowed."""
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

    def _match(
        self, faces: Sequence[Face], descriptors: Descriptors | None, min_similarity: float
    ) -> dict[int, _Track]:
        """Tracks of the faces that match one, by index of the face."""
        if not faces or not self._tracks:
            return {}
        expected = np.array([track.face.box.as_tuple() for track in self._tracks])
        expected[:, :2] += np.stack([track.ahead(self._clock_s) for track in self._tracks])
        pairs = match(
            expected,
            np.array([face.box.as_tuple() for face in faces]),
            self._similarities(descriptors, len(faces)),
            np.array([self._clock_s - track.seen_s for track in self._tracks]),
            min_similarity=min_similarity,
        )
        return {face: self._tracks[track] for face, track in pairs.items()}

    def _similarities(self, descriptors: Descriptors | None, count: int) -> Floats:
        """Cosine similarities, (tracks, faces); `UNKNOWN_SIMILARITY` without descriptors."""
        similarity = np.full((len(self._tracks), count), UNKNOWN_SIMILARITY)
        if descriptors is not None:
            for row, track in enumerate(self._tracks):
                if track.descriptor is not None:
                    similarity[row] = descriptors @ track.descriptor
        return similarity


def _centre(box: Box) -> Floats:
    return np.array([box.x + box.width / 2, box.y + box.height / 2])


def _shifted(face: Face, shift: Floats) -> Face:
    x, y = (float(value) for value in shift)
    points = face.landmarks.as_array() + np.array([x, y], np.float32)
    box = replace(face.box, x=face.box.x + x, y=face.box.y + y)
    return Face(box, face.score, Landmarks.from_array(points))


def _scaled(face: Face, across: float, down: float) -> Face:
    box = face.box
    return Face(
        Box(box.x * across, box.y * down, box.width * across, box.height * down),
        face.score,
        Landmarks.from_array(face.landmarks.as_array() * np.array([across, down], np.float32)),
    )
