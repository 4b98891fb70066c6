"""Synthetic clips made from stills: faces that change from one expression to another.

A clip is a sequence of stills with different expressions; cross-fades between them imitate onset,
apex and offset, and the vote distributions are blended alike. Head, light and camera move. Under
poor conditions the face is also blurred, covered, darkened or downsampled for moments, and noisy
and JPEG-compressed throughout.
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
from mien_lab.data.faults import degraded, passing_faults

__all__ = ["CLEAN", "POOR", "Clip", "ClipMaker", "Conditions"]

Floats = npt.NDArray[np.float64]
Crop = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Conditions:
    """Imaging conditions of a clip.

    Attributes:
        landmarks: standard deviation of the landmark error per frame, in pixels of the crop.
        motion: maximum slow drift, in pixels of the crop and degrees.
        light: maximum slow change of the gamma exponent, as its natural logarithm.
        noise: maximum standard deviation of the noise, in grey levels.
        quality: minimum JPEG quality; 100 means no compression.
        smallest: minimum size of the face relative to the crop.
        faults: mean number of blurred, covered, dark or coarse moments per second.
        dropped: share of missing frames.
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
    """The frames of one face and their ground truth.

    Attributes:
        crops: (t, 48, 48) uint8 grey, cycling through the requested zooms.
        contexts: (t, CONTEXT_SIZE) float32, further inputs of the recurrent network.
        times: (t,) timestamps in seconds.
        targets: (t, 8) float32 vote distributions.
        labels: (t,) int64 label of the dominant still.
    """

    crops: npt.NDArray[np.uint8]
    contexts: npt.NDArray[np.float32]
    times: Floats
    targets: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]


class ClipMaker:
    """Makes clips from stills; deterministic for a seed and clip number.

    Args:
        faces: stills with vote distributions; those without votes are not used.
        length: number of frames of a clip.
        rates: minimum and maximum frame rate, in frames per second.
        seed: seed of all random draws.

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
        """A digest of stills, length, rates and seed, to name cached clips by."""
        digest = hashlib.sha256(repr((self._length, self._rates, self._seed)).encode())
        for name in ("canvases", "matrices", "emotions"):
            digest.update(getattr(self._faces, name).tobytes())
        return digest.hexdigest()[:12]

    def clip(self, number: int, conditions: Conditions, zooms: tuple[float, ...] = (1.0,)) -> Clip:
        """Make clip `number` under the given conditions, its frames cycling through `zooms`."""
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
        """The two stills that each frame blends, (t, 2), and the share of the second, (t,)."""
        stills = np.zeros((len(times), 2), np.intp)
        shares = np.zeros(len(times))
        now, before = int(rng.choice(self._usable)), -1
        begin = 0.0
        while begin <= times[-1]:
            change = begin + rng.uniform(0.5, 2.5)
            onset = rng.uniform(0.08, 0.4)
            # Faces often return to the previous expression.
            back = before >= 0 and rng.random() < 0.4
            after = before if back else self._other(rng, now)
            part = times >= begin
            stills[part] = (now, after)
            passed = np.clip((times[part] - change) / onset, 0.0, 1.0)
            shares[part] = passed * passed * (3 - 2 * passed)
            now, before, begin = after, now, change + onset
        return stills, shares

    def _other(self, rng: np.random.Generator, still: int) -> int:
        """Draw a still with another label."""
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
        """The crops (t, 48, 48) and the effective size of each face relative to the crop, (t,)."""
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
            crops[index] = degraded(crop, size, float(light[index]), noise, quality, rng)
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
    """A face as the detector would report it, for the quality measures."""
    points = (CANONICAL * size).astype(np.float32)
    side = CROP_SIZE * size
    return Face(Box(0.0, 0.0, side, side), 1.0, Landmarks.from_array(points))


def _drift(rng: np.random.Generator, times: Floats) -> Floats:
    """A slow random curve in [-1, 1], (t,)."""
    course = np.zeros(len(times))
    for weight in (0.6, 0.4):
        course += weight * np.sin(rng.uniform(0.5, 4.0) * times + rng.uniform(0, 2 * np.pi))
    return course


def _moves(rng: np.random.Generator, times: Floats, conditions: Conditions) -> Floats:
    """Similarity transforms (t, 2, 3) of the crop by head motion and landmark error."""
    jitter = rng.normal(0, conditions.landmarks, (4, len(times)))
    x, y, turn, zoom = (_drift(rng, times) * conditions.motion * rng.uniform(0, 1) for _ in "xytz")
    # A landmark error of one pixel rotates the eye line, 18 pixels long, by about two degrees.
    angle = np.radians(2 * turn + 2 * jitter[2])
    scale = np.exp(0.02 * zoom + 0.02 * jitter[3])
    cos, sin = np.cos(angle) * scale, np.sin(angle) * scale
    linear = np.stack([np.stack([cos, -sin], -1), np.stack([sin, cos], -1)], 1)
    centre = (CROP_SIZE - 1) / 2
    shift = np.stack([0.4 * x + 0.5 * jitter[0], 0.4 * y + 0.5 * jitter[1]], -1)
    shift += centre - linear.sum(axis=2) * centre
    return np.concatenate([linear, shift[:, :, None]], axis=2)


def _after(move: Floats, matrix: Floats) -> Floats:
    """The composed matrix (2, 3) that applies `matrix`, then `move`."""
    moved = move[:, :2] @ matrix
    moved[:, 2] += move[:, 2]
    return moved
