"""Simulated detections of moving faces with ground truth, for the evaluation of tracking.

Scenes are not drawn: each frame is a list of noisy boxes with small crops, as a detector would
report them, at a few milliseconds per frame. A scene is deterministic for its number.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from mien.core.types import Box, Face, Landmarks
from mien.vision.alignment import CANONICAL, CROP_SIZE
from mien.vision.geometry import intersection_areas

__all__ = ["Motion", "MotionScene", "Sighting", "make_scene"]

WIDTH, HEIGHT = 640, 360
RATE = 25
MISSED = 0.03
"""Probability that a visible face is missed."""
FALSE = 0.01
"""Probability of a false detection in a frame."""
BOX_ERROR = 0.03
"""Standard deviation of the error of each box coordinate, in widths of the box."""
AWAY_S = 1.5
"""Seconds out of sight after which a person gets a new identity: trackers forget by design."""

Floats = npt.NDArray[np.float64]


class Motion(StrEnum):
    """The kind of motion in a scene."""

    CROSSING = "crossing"
    MEETING = "meeting"
    COVERED = "covered"
    LEAVING = "leaving"
    CAMERA = "camera"


@dataclass(frozen=True)
class Sighting:
    """One detection in one frame; `person` is None for a false detection."""

    face: Face
    crop: npt.NDArray[np.uint8]
    person: int | None


@dataclass(frozen=True)
class MotionScene:
    """Detections of each frame, and timestamps (t,) in seconds."""

    frames: list[list[Sighting]]
    times: Floats


def make_scene(
    motion: Motion, number: int, stills: npt.NDArray[np.uint8], *, seconds: float = 8.0
) -> MotionScene:
    """Make scene `number` of a kind, with faces drawn from stills (n, 48, 48) uint8."""
    rng = np.random.default_rng((sorted(Motion).index(motion), number))
    times = np.arange(int(seconds * RATE)) / RATE
    count = 2 if motion is Motion.MEETING else int(rng.integers(3, 6))
    people = rng.choice(len(stills), count, replace=False)
    sizes = np.full((len(times), count), rng.uniform(40, 80, count))
    centres = _courses(motion, rng, times, count)
    boxes = np.concatenate([centres - sizes[..., None] / 2, sizes[..., None].repeat(2, 2)], 2)
    pillars = _pillars(rng) if motion is Motion.COVERED else np.zeros((0, 4))
    frames, last, names = [], np.full(count, -np.inf), np.arange(count)
    for time_s, placed in zip(times, boxes, strict=True):
        hidden = _hidden(placed, pillars)
        sightings = []
        for index in np.flatnonzero(hidden < 0.5):
            if time_s - last[index] > AWAY_S and np.isfinite(last[index]):
                names[index] += count
            last[index] = time_s
            if rng.random() >= MISSED:
                crop = _crop(stills[people[index]], float(hidden[index]), rng)
                sightings.append(_sighting(placed[index], crop, int(names[index]), rng))
        if rng.random() < FALSE:
            box = np.array([*rng.uniform(0, [WIDTH, HEIGHT]), 50.0, 50.0])
            crop = rng.integers(0, 256, (CROP_SIZE, CROP_SIZE)).astype(np.uint8)
            sightings.append(_sighting(box, crop, None, rng))
        rng.shuffle(sightings)
        frames.append(sightings)
    return MotionScene(frames, times)


def _courses(motion: Motion, rng: np.random.Generator, times: Floats, count: int) -> Floats:
    """Centres of the faces (t, count, 2) in pixels."""
    middle = np.array([WIDTH, HEIGHT]) / 2
    start = rng.uniform([60, 100], [WIDTH - 60, HEIGHT - 100], (count, 2))
    if motion is Motion.MEETING:
        # Two faces meet, one in front of the other, and either pass or turn back.
        speed, y = rng.uniform(60, 160), rng.uniform(120, 240)
        turn = np.abs(times % 4 - 2) if rng.random() < 0.5 else times % 4 - 2
        x = np.stack([turn, -turn], 1) * speed
        return np.stack([x + middle[0], np.full_like(x, y)], 2)
    if motion is Motion.CAMERA:
        start = middle + (start - middle) * 0.6
        wander = np.stack([_wave(rng, times, 10.0) for _ in range(count)], 1)
        pan = _wave(rng, times, 150.0)
        jerks = np.cumsum(
            (rng.random((len(times), 1)) < 0.02) * rng.uniform(-70, 70, (len(times), 2)), 0
        )
        shake = rng.normal(0, 5, (len(times), 2))
        return np.asarray(start + wander + (pan + jerks * 0.5 + shake)[:, None])
    if motion is Motion.LEAVING:
        x = middle[0] + (WIDTH / 2 + 120) * np.sin(
            rng.uniform(0.5, 1.2, count) * times[:, None] + rng.uniform(0, 6, count)
        )
        return np.stack([x, np.broadcast_to(start[:, 1], x.shape)], 2)
    wander = np.stack([_wave(rng, times, 180.0) for _ in range(count)], 1)
    return np.clip(start + wander, 30, [WIDTH - 30, HEIGHT - 30])


def _wave(rng: np.random.Generator, times: Floats, extent: float) -> Floats:
    """A sinusoidal trajectory (t, 2) with the given amplitude in pixels."""
    rates = rng.uniform(0.4, 1.8, 2)
    course: Floats = extent * np.sin(rates * times[:, None] + rng.uniform(0, 2 * np.pi, 2))
    return course


def _pillars(rng: np.random.Generator) -> Floats:
    """Boxes (3, 4) of three vertical obstacles."""
    x = np.array([0.2, 0.5, 0.8]) * WIDTH + rng.uniform(-30, 30, 3)
    return np.stack([x, np.zeros(3), rng.uniform(30, 90, 3), np.full(3, float(HEIGHT))], 1)


def _hidden(boxes: Floats, pillars: Floats) -> Floats:
    """Hidden share of each box, (n,): outside the frame, plus the largest overlap with an occluder.

    Occluders are pillars and nearer faces, which come first in `boxes`.
    """
    frame = np.array([[0.0, 0.0, WIDTH, HEIGHT]])
    areas = np.prod(boxes[:, 2:], axis=1)
    hidden: Floats = 1 - intersection_areas(boxes, frame)[:, 0] / areas
    before = np.concatenate([boxes, pillars])
    shares = intersection_areas(boxes, before) / areas[:, None]
    for index, row in enumerate(shares):
        nearer = np.concatenate([row[:index], row[len(boxes) :]])
        hidden[index] += nearer.max(initial=0.0)
    return hidden


def _crop(
    still: npt.NDArray[np.uint8], hidden: float, rng: np.random.Generator
) -> npt.NDArray[np.uint8]:
    """The crop in one frame: shifted by up to two pixels, noisy, partly hidden."""
    moved = np.roll(still, rng.integers(-2, 3, 2), axis=(0, 1)).astype(np.float64)
    moved[:, : round(hidden * CROP_SIZE)] = 128
    seen = moved * rng.uniform(0.85, 1.15) + rng.normal(0, 8, still.shape)
    return np.clip(seen, 0, 255).astype(np.uint8)


def _sighting(
    box: Floats, crop: npt.NDArray[np.uint8], person: int | None, rng: np.random.Generator
) -> Sighting:
    x, y, width, height = box + rng.normal(0, BOX_ERROR, 4) * box[2]
    points = CANONICAL / CROP_SIZE * box[2] + box[:2]
    face = Face(Box(x, y, width, height), 0.9, Landmarks.from_array(points))
    return Sighting(face, crop, person)
