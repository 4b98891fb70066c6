"""Clips made from stills: faces that pass from one expression to another, as a camera sees them.

A clip holds one expression after another, each a still of its own, and blends over from one to
the next: its onset, apex and offset. The vote distributions blend like the pictures. Head,
light and camera move; under poor conditions the face is blurred, covered, darkened and coarse for
moments, and noisy and compressed throughout.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mien.core.errors import InputError
from mien.core.types import Box, Face, Landmarks
from mien.models.temporal import context
from mien.vision.alignment import CANONICAL, CROP_SIZE, zoomed_crops
from mien.vision.quality import assess
from mien_lab.data.faces import FaceSet
from mien_lab.data.faults import passing_faults, seen

__all__ = ["CLEAN", "POOR", "Clip", "ClipMaker", "Conditions"]

Floats = npt.NDArray[np.float64]
Crop = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Conditions:
    """How hard a clip is to read.

    Attributes:
        landmarks: standard deviation of their error from frame to frame, in pixels of the crop.
        motion: largest slow drift, in pixels of the crop and degrees.
        light: largest slow change, as natural logarithm of the exponent of the grey levels.
        noise: largest standard deviation in grey levels.
        quality: least JPEG quality; 100 compresses nothing.
        smallest: least size of the face relative to the crop.
        faults: blurred, covered, dark or coarse moments per second.
        dropped: share of frames that are missing.
    """

    landmarks: float
    motion: float
    light: float
    noise: float
    quality: int
    smallest: float
    faults: float
    dropped: float


CLEAN = Conditions(0.3, 1.0, 0.1, 1.0, 100, 1.0, 0.0, 0.0)
POOR = Conditions(1.0, 3.0, 0.5, 16.0, 20, 0.35, 1.2, 0.08)


@dataclass(frozen=True)
class Clip:
    """The frames of one face and the truth about them.

    Attributes:
        crops: (t, 48, 48) uint8 grey, at the sizes that were asked for, in turn.
        contexts: (t, CONTEXT_SIZE) float32, what the recurrent network is told besides.
        times: (t,) seconds.
        targets: (t, 8) float32 vote distributions.
        labels: (t,) int64 the label of the still that prevails.
    """

    crops: npt.NDArray[np.uint8]
    contexts: npt.NDArray[np.float32]
    times: Floats
    targets: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]


class ClipMaker:
    """Makes clips out of stills; the same seed and number give the same clip.

    Args:
        faces: stills with vote distributions; those without votes are not used.
        length: frames of a clip.
        rates: least and largest frames per second.
        seed: of all chance.

    Raises:
        InputError: if all stills show the same expression.
    """

    def __init__(
        self, faces: FaceSet, *, length: int, rates: tuple[float, float], seed: int
    ) -> None:
        self._faces = faces
        self._usable = np.flatnonzero(faces.emotions.sum(axis=1) > 0)
        self._labels = faces.emotions.argmax(axis=1).astype(np.int64)
        if len(set(self._labels[self._usable].tolist())) < 2:
            raise InputError("clips need stills of at least two expressions; add some")
        self._length = length
        self._rates = rates
        self._seed = seed

    def mark(self) -> str:
        """Tells these clips from those of other stills, lengths, rates or seeds."""
        digest = hashlib.sha256(repr((self._length, self._rates, self._seed)).encode())
        for name in ("canvases", "matrices", "emotions"):
            digest.update(getattr(self._faces, name).tobytes())
        return digest.hexdigest()[:12]

    def clip(self, number: int, conditions: Conditions, zooms: tuple[float, ...] = (1.0,)) -> Clip:
        """Clip `number` under the given conditions, its frames at each of the sizes in turn."""
        rng = np.random.default_rng((self._seed, number))
        low, high = np.log(self._rates)
        steps = np.full(self._length, 1 / np.exp(rng.uniform(low, high)))
        steps *= rng.uniform(0.9, 1.1, self._length)
        steps[rng.random(self._length) < conditions.dropped] *= rng.integers(2, 5)
        times = np.cumsum(steps) - steps[0]
        stills, shares = self._story(rng, times)
        crops, sizes = self._render(rng, times, stills, shares, conditions, zooms)
        contexts = [
            context(assess(_face_of(size), crop), step if index else None)
            for index, (crop, size, step) in enumerate(zip(crops, sizes, steps, strict=True))
        ]
        first, second = stills[:, 0], stills[:, 1]
        targets = (1 - shares)[:, None] * self._faces.emotions[first]
        targets += shares[:, None] * self._faces.emotions[second]
        labels = np.where(shares < 0.5, self._labels[first], self._labels[second])
        return Clip(crops, np.stack(contexts), times, targets.astype(np.float32), labels)

    def _story(
        self, rng: np.random.Generator, times: Floats
    ) -> tuple[npt.NDArray[np.intp], Floats]:
        """Which two stills each frame lies between, (t, 2), and the share of the second, (t,)."""
        stills = np.zeros((len(times), 2), np.intp)
        shares = np.zeros(len(times))
        now, before = int(rng.choice(self._usable)), -1
        begin = 0.0
        while begin <= times[-1]:
            change = begin + rng.uniform(0.5, 2.5)
            onset = rng.uniform(0.08, 0.4)
            # A face often goes back to what it showed before.
            back = before >= 0 and rng.random() < 0.4
            after = before if back else self._other(rng, now)
            part = times >= begin
            stills[part] = (now, after)
            passed = np.clip((times[part] - change) / onset, 0.0, 1.0)
            shares[part] = passed * passed * (3 - 2 * passed)
            now, before, begin = after, now, change + onset
        return stills, shares

    def _other(self, rng: np.random.Generator, still: int) -> int:
        """A still with another label."""
        while True:
            other = int(rng.choice(self._usable))
            if self._labels[other] != self._labels[still]:
                return other

    def _render(
        self,
        rng: np.random.Generator,
        times: Floats,
        stills: npt.NDArray[np.intp],
        shares: Floats,
        conditions: Conditions,
        zooms: tuple[float, ...],
    ) -> tuple[npt.NDArray[np.uint8], Floats]:
        """The crops (t, 48, 48) and the size of the face in each relative to the crop."""
        moves = _moves(rng, times, conditions)
        light = _drift(rng, times) * conditions.light
        noise = rng.uniform(0, 1) * conditions.noise
        quality = int(rng.integers(conditions.quality, 101))
        size = float(np.exp(rng.uniform(np.log(conditions.smallest), np.log(3.0))))
        faults = passing_faults(rng, times, conditions.faults)
        crops = np.zeros((len(times), CROP_SIZE, CROP_SIZE), np.uint8)
        sizes = np.full(len(times), size)
        for index, (pair, share, move) in enumerate(zip(stills, shares, moves, strict=True)):
            crop = self._blend(pair, float(share), move, zooms[index % len(zooms)])
            for fault in faults[index]:
                crop = fault(crop)
                sizes[index] = min(size, fault.size)
            crops[index] = seen(crop, size, float(light[index]), noise, quality, rng)
        return crops, sizes

    def _blend(self, pair: npt.NDArray[np.intp], share: float, move: Floats, zoom: float) -> Crop:
        mixed = np.zeros((CROP_SIZE, CROP_SIZE), np.float32)
        for still, weight in zip(pair, (1 - share, share), strict=True):
            if weight > 0:
                matrix = _after(move, self._faces.matrices[still].astype(np.float64))
                canvas = self._faces.canvases[still]
                mixed += weight * zoomed_crops(canvas, matrix, CROP_SIZE, (zoom,))[0]
        return np.asarray(mixed + 0.5, np.uint8)


def _face_of(size: float) -> Face:
    """A face as the detector would report it, for the measures of quality that need one."""
    points = (CANONICAL * size).astype(np.float32)
    side = CROP_SIZE * size
    return Face(Box(0.0, 0.0, side, side), 1.0, Landmarks.from_array(points))


def _drift(rng: np.random.Generator, times: Floats) -> Floats:
    """A slow random course in about [-1, 1], (t,)."""
    course = np.zeros(len(times))
    for weight in (0.6, 0.4):
        course += weight * np.sin(rng.uniform(0.5, 4.0) * times + rng.uniform(0, 2 * np.pi))
    return course


def _moves(rng: np.random.Generator, times: Floats, conditions: Conditions) -> Floats:
    """How head and landmarks displace the crop, (t, 2, 3), around its centre."""
    jitter = rng.normal(0, conditions.landmarks, (4, len(times)))
    x, y, turn, zoom = (_drift(rng, times) * conditions.motion * rng.uniform(0, 1) for _ in "xytz")
    # An error of one pixel turns the eye line, eighteen pixels long, by about two degrees.
    angle = np.radians(2 * turn + 2 * jitter[2])
    scale = np.exp(0.02 * zoom + 0.02 * jitter[3])
    cos, sin = np.cos(angle) * scale, np.sin(angle) * scale
    linear = np.stack([np.stack([cos, -sin], -1), np.stack([sin, cos], -1)], 1)
    centre = (CROP_SIZE - 1) / 2
    shift = np.stack([0.4 * x + 0.5 * jitter[0], 0.4 * y + 0.5 * jitter[1]], -1)
    shift += centre - linear.sum(axis=2) * centre
    return np.concatenate([linear, shift[:, :, None]], axis=2)


def _after(move: Floats, matrix: Floats) -> Floats:
    """The matrix (2, 3) that first applies `matrix`, then `move`."""
    moved = move[:, :2] @ matrix
    moved[:, 2] += move[:, 2]
    return moved
