"""Degradations of filmed faces: transient faults, and conditions of a whole clip.

Crops are aligned faces, (48, 48) uint8 grey.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from mien.vision.alignment import CROP_SIZE
from mien_lab.data.corruptions import compressed, shrink

__all__ = ["Fault", "degraded", "passing_faults"]

Floats = npt.NDArray[np.float64]
Crop = npt.NDArray[np.uint8]


class Fault(ABC):
    """A transient degradation, with the same parameters for every crop it is applied to."""

    size = math.inf
    """Upper bound that it sets on the effective size of the face, relative to the crop."""

    @abstractmethod
    def __call__(self, crop: Crop) -> Crop:
        """Apply the fault to a crop."""


def degraded(
    crop: Crop, size: float, light: float, noise: float, quality: int, rng: np.random.Generator
) -> Crop:
    """Simulate resolution, light, sensor noise and compression, in this order.

    Args:
        crop: an aligned face.
        size: size of the face in the frame, relative to the crop.
        light: natural logarithm of the gamma exponent.
        noise: standard deviation of the noise, in grey levels.
        quality: JPEG quality; 100 means no compression.
        rng: draws the noise.
    """
    if size < 1.0:
        crop = shrink(crop, max(round(CROP_SIZE * size), 8))
    level = (np.arange(256) / 255) ** np.exp(light) * 255
    pixels = cv2.LUT(crop, level.astype(np.float32))
    pixels = pixels + rng.standard_normal(crop.shape, dtype=np.float32) * noise
    crop = np.clip(pixels + 0.5, 0, 255).astype(np.uint8)
    return crop if quality >= 100 else compressed(crop, quality)


def passing_faults(rng: np.random.Generator, times: Floats, rate: float) -> list[list[Fault]]:
    """Draw the transient faults of each frame: blur, occlusion, bad light or low resolution.

    Args:
        rng: draws kinds, times and strengths.
        times: (t,) timestamps in seconds.
        rate: mean number of faults per second; each lasts 0.1 to 0.8 seconds.
    """
    found: list[list[Fault]] = [[] for _ in times]
    for _ in range(rng.poisson(rate * times[-1])):
        begin = rng.uniform(0, times[-1])
        end = begin + rng.uniform(0.1, 0.8)
        fault = _KINDS[int(rng.integers(len(_KINDS)))](rng)
        for index in np.flatnonzero((times >= begin) & (times <= end)):
            found[index].append(fault)
    return found


class _Blur(Fault):
    """Motion blur along a line of 5 to 13 pixels."""

    def __init__(self, rng: np.random.Generator) -> None:
        length = int(rng.integers(2, 7))
        angle = rng.uniform(0, np.pi)
        self._kernel = np.zeros((2 * length + 1, 2 * length + 1), np.float32)
        reach = np.round(np.array([np.cos(angle), np.sin(angle)]) * length).astype(int)
        start, end = length - reach, length + reach
        cv2.line(self._kernel, (int(start[0]), int(start[1])), (int(end[0]), int(end[1])), (1.0,))
        self._kernel /= self._kernel.sum()

    def __call__(self, crop: Crop) -> Crop:
        return np.asarray(cv2.filter2D(crop, -1, self._kernel), np.uint8)


class _Cover(Fault):
    """Occlusion by a uniform rectangle over 10 to 45 % of the crop."""

    def __init__(self, rng: np.random.Generator) -> None:
        area, ratio = rng.uniform(0.1, 0.45), np.exp(rng.uniform(-0.7, 0.7))
        self._size = np.minimum(np.sqrt([area * ratio, area / ratio]) * CROP_SIZE, CROP_SIZE)
        self._at = rng.uniform(0, 1, 2) * (CROP_SIZE - self._size)
        self._tone = int(rng.integers(0, 256))

    def __call__(self, crop: Crop) -> Crop:
        (left, top), (right, bottom) = (
            np.round(self._at).astype(int),
            np.round(self._at + self._size).astype(int),
        )
        covered = crop.copy()
        covered[top:bottom, left:right] = self._tone
        return covered


class _Dark(Fault):
    """Strong under- or over-exposure."""

    def __init__(self, rng: np.random.Generator) -> None:
        level = np.arange(256) / 255
        if rng.random() < 0.5:
            level = level**1.5 * rng.uniform(0.06, 0.3)
        else:
            level = level**0.6 * rng.uniform(1.2, 2.0) + 0.1
        self._table = np.clip(level * 255, 0, 255).astype(np.uint8)

    def __call__(self, crop: Crop) -> Crop:
        return np.asarray(cv2.LUT(crop, self._table), np.uint8)


class _Coarse(Fault):
    """Resolution of a face 8 to 16 pixels wide."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._side = int(rng.integers(8, 17))
        self.size = self._side / CROP_SIZE

    def __call__(self, crop: Crop) -> Crop:
        return shrink(crop, self._side)


_KINDS: tuple[Callable[[np.random.Generator], Fault], ...] = (_Blur, _Cover, _Dark, _Coarse)
