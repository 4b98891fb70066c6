"""Synthetic occlusions of an aligned face, placed by the canonical landmarks.

They are drawn flat, without folds, shadows or reflections, so they measure the loss of the covered
part only; real masks and glasses may do more or less harm. Lengths are in inter-ocular distances.
"""

import cv2
import numpy as np
import numpy.typing as npt

from mien.vision.alignment import CANONICAL, CROP_SIZE

__all__ = ["EYE_DISTANCE", "Crop", "eyes", "half", "mask", "mouth", "scale_of", "sunglasses"]

Crop = npt.NDArray[np.uint8]
"""An aligned face, (size, size) grey, uint8."""

EYE_DISTANCE = float(np.linalg.norm(CANONICAL[1] - CANONICAL[0]))
"""Inter-ocular distance in pixels of a 48-pixel crop."""

CHIN = 47.0
"""Row of the chin in a 48-pixel crop: as far below the mouth as the nose is above it, and a bit."""

_FINE = 8
"""Supersampling factor for anti-aliased edges."""


def scale_of(crop: Crop) -> float:
    """Size of the crop relative to a 48-pixel crop."""
    return float(crop.shape[0]) / CROP_SIZE


def eyes(crop: Crop, height: float, _: np.random.Generator) -> Crop:
    """A bar over both eyes in the mean grey of the crop, 1.8 eye distances wide.

    Severities 1 to 5: 0.2, 0.35, 0.5, 0.65, 0.8 eye distances high.
    """
    return _bar(crop, CANONICAL[:2].mean(axis=0), 1.8, height)


def mouth(crop: Crop, height: float, _: np.random.Generator) -> Crop:
    """A bar over the mouth in the mean grey of the crop, 1.4 eye distances wide.

    Severities 1 to 5: 0.2, 0.35, 0.5, 0.65, 0.8 eye distances high.
    """
    return _bar(crop, CANONICAL[3:].mean(axis=0), 1.4, height)


def half(crop: Crop, share: float, rng: np.random.Generator) -> Crop:
    """Cover one side of the crop, drawn at random, in its mean grey.

    Severities 1 to 5: 0.2, 0.3, 0.4, 0.5, 0.6 of the width; at 0.5 it is half the face.
    """
    covered = crop.copy()
    width = round(share * crop.shape[1])
    side = slice(0, width) if rng.random() < 0.5 else slice(crop.shape[1] - width, None)
    covered[:, side] = round(float(crop.mean()))
    return covered


def mask(crop: Crop, height: float, rng: np.random.Generator) -> Crop:
    """A mask over the lower face, light or dark at random, highest at the nose.

    Severities 1 to 5: its upper edge is at 0.2, 0.4, 0.55, 0.7, 0.85 of the way from the chin to
    the eyes: below the mouth, across it, under the nose, over its tip, on its bridge.
    """
    middle, top = float(CANONICAL[2, 0]), CHIN - height * (CHIN - float(CANONICAL[:2, 1].mean()))
    reach, slope = 1.15 * EYE_DISTANCE, 0.15 * EYE_DISTANCE
    outline = np.array(
        [
            (middle - reach, top + slope),
            (middle, top),
            (middle + reach, top + slope),
            (middle + 0.75 * reach, CHIN + 2),
            (middle - 0.75 * reach, CHIN + 2),
        ]
    )
    return _filled(crop, outline, float(rng.choice([40, 205])), 1.0)


def sunglasses(crop: Crop, stopped: float, _: np.random.Generator) -> Crop:
    """Two round tinted lenses with a dark bridge and temples.

    Severities 1 to 5: the lenses absorb 0.3, 0.5, 0.7, 0.85, 1 of the light.
    """
    covered = crop
    turns = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    ring = np.stack([0.44 * np.cos(turns), 0.36 * np.sin(turns)], axis=1) * EYE_DISTANCE
    for eye in CANONICAL[:2]:
        covered = _filled(covered, eye + ring, 0.0, stopped)
    along, up = np.array([EYE_DISTANCE, 0]), np.array([0, EYE_DISTANCE])
    right, left = CANONICAL[:2] - 0.12 * up
    for start, end in (
        (right + 0.42 * along, left - 0.42 * along),
        (right - along, right - 0.42 * along),
        (left + 0.42 * along, left + along),
    ):
        edges = [start - 0.05 * up, end - 0.05 * up, end + 0.05 * up, start + 0.05 * up]
        covered = _filled(covered, np.array(edges), 20.0, 1.0)
    return covered


def _bar(crop: Crop, centre: npt.NDArray[np.float64], width: float, height: float) -> Crop:
    reach = np.array([width, height]) * EYE_DISTANCE / 2
    corners = centre + reach * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    return _filled(crop, corners, float(crop.mean()), 1.0)


def _filled(crop: Crop, outline: npt.NDArray[np.float64], grey: float, opacity: float) -> Crop:
    """A copy with a polygon (n, 2), in pixels of a 48-pixel crop, filled with a grey level."""
    height, width = crop.shape
    fine = np.zeros((height * _FINE, width * _FINE), np.uint8)
    places = (outline + 0.5) * scale_of(crop) * _FINE - 0.5
    cv2.fillPoly(fine, [np.rint(places).astype(np.int32)], 255)
    cover = cv2.resize(fine, (width, height), interpolation=cv2.INTER_AREA)
    share = cover * (opacity / 255)
    return np.asarray((crop + (grey - crop) * share).round(), np.uint8)
