"""Photometric augmentation of generated scenes: light, blur, noise, resolution, JPEG."""

import math

import cv2
import numpy as np

from mien_lab.data.corruptions import compressed
from mien_lab.data.scenes import GreyImage

__all__ = ["spoil"]


def spoil(image: GreyImage, rng: np.random.Generator) -> GreyImage:
    """Degrade a grey picture `(height, width)` uint8 at random; the input is not modified."""
    if rng.random() < 0.15:
        image = _blurred(image, rng)
    if rng.random() < 0.12:
        image = _coarse(image, rng)
    if rng.random() < 0.75:
        image = _relit(image, rng)
    if rng.random() < 0.25:
        image = _noisy(image, rng)
    if rng.random() < 0.25:
        image = _compressed(image, rng)
    return image


def _relit(image: GreyImage, rng: np.random.Generator) -> GreyImage:
    level = np.arange(256, dtype=np.float64) / 255
    kind = rng.random()
    if kind < 0.1:  # dark
        level = level ** rng.uniform(1.0, 1.6) * rng.uniform(0.12, 0.5)
    elif kind < 0.2:  # over-exposed
        level = level ** rng.uniform(0.6, 1.0) * rng.uniform(1.1, 1.6) + rng.uniform(0, 0.1)
    else:
        level = level ** math.exp(rng.normal(0, 0.25))
        level = (level - 0.5) * math.exp(rng.normal(0, 0.25)) + 0.5 + rng.normal(0, 0.08)
    table = np.clip(level * 255 + 0.5, 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(image, table), np.uint8)


def _blurred(image: GreyImage, rng: np.random.Generator) -> GreyImage:
    if rng.random() < 0.7:
        sigma = float(rng.uniform(0.4, 1.4))
        return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8)
    length = int(rng.choice([3, 5]))
    kernel = np.zeros((length, length), np.float32)
    angle = float(rng.uniform(0, math.pi))
    middle = length // 2
    reach = np.array([math.cos(angle), math.sin(angle)]) * middle
    start, end = np.round(middle - reach).astype(int), np.round(middle + reach).astype(int)
    cv2.line(kernel, (int(start[0]), int(start[1])), (int(end[0]), int(end[1])), (1.0,))
    return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()), np.uint8)


def _coarse(image: GreyImage, rng: np.random.Generator) -> GreyImage:
    height, width = image.shape
    factor = float(rng.uniform(0.55, 0.9))
    small = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def _noisy(image: GreyImage, rng: np.random.Generator) -> GreyImage:
    sigma = float(rng.uniform(2, 12)) * min(1.0, float(image.mean()) / 70 + 0.15)
    height, width = image.shape
    # A quarter of the draws, tiled: four times faster and just as grainy.
    block = rng.standard_normal((height // 2 + 1, width // 2 + 1), dtype=np.float32) * sigma
    noise = np.tile(block, (2, 2))[:height, :width]
    grainy: GreyImage = np.clip(image + noise + 0.5, 0, 255).astype(np.uint8)
    return grainy


def _compressed(image: GreyImage, rng: np.random.Generator) -> GreyImage:
    return compressed(image, int(rng.integers(25, 90)))
