"""Face quality: size, turn, exposure and blur, measured from landmarks and crop."""

import cv2
import numpy as np
import numpy.typing as npt

from mien.core.types import Doubt, Face, Quality
from mien.vision.alignment import CROP_SIZE

__all__ = ["MIN_EYE_DISTANCE", "assess"]

# Each limit is where FER+ accuracy on PublicTest falls from 87 % on unimpaired faces to about 80 %,
# as `mien-lab limits` measures; contrast hardly matters before eight bits run out.
MIN_EYE_DISTANCE = 6.0
"""Minimum distance of the eyes in pixels of the image: that of a face about 16 pixels wide."""
MIN_SHARPNESS = 0.02
"""Minimum of `Quality.sharpness`."""
BRIGHTNESS = (15.0, 243.0)
"""Range of the crop's mean, in grey levels."""
MIN_CONTRAST = 1.5
"""Minimum standard deviation of the crop, in grey levels."""
MAX_TURN = 0.75
"""Maximum of `Quality.turn`."""


def assess(face: Face, crop: npt.NDArray[np.uint8]) -> Quality:
    """Measure the quality of a face and name the first reason to doubt its reading.

    Args:
        face: the detected face, in pixels of the image.
        crop: its aligned grey crop, (size, size) uint8.
    """
    points = face.landmarks.as_array().astype(np.float64)
    grey = crop.astype(np.float32)
    brightness, contrast = float(grey.mean()), float(grey.std())
    eye_distance = float(np.linalg.norm(points[1] - points[0]))
    sharpness = _sharpness(grey, contrast)
    turn = _turn(points)
    return Quality(
        eye_distance=eye_distance,
        sharpness=sharpness,
        brightness=brightness,
        contrast=contrast,
        turn=turn,
        defect=_defect(eye_distance, sharpness, brightness, contrast, turn),
    )


def _defect(
    eye_distance: float, sharpness: float, brightness: float, contrast: float, turn: float
) -> Doubt | None:
    if eye_distance < MIN_EYE_DISTANCE:
        return Doubt.SMALL
    if contrast < MIN_CONTRAST or not BRIGHTNESS[0] <= brightness <= BRIGHTNESS[1]:
        return Doubt.EXPOSURE
    if turn > MAX_TURN:
        return Doubt.TURNED_AWAY
    if sharpness < MIN_SHARPNESS:
        return Doubt.BLURRED
    return None


def _sharpness(grey: npt.NDArray[np.float32], contrast: float) -> float:
    """Variance of the Laplacian (Pech-Pacheco et al., ICPR 2000) at unit contrast."""
    scale = CROP_SIZE / grey.shape[0]
    return float(cv2.Laplacian(grey, cv2.CV_32F).var() / max(contrast, 1.0) ** 2 * scale)


def _turn(points: npt.NDArray[np.float64]) -> float:
    """Offset of the nose from the midpoints of the eyes and of the mouth corners, 0 to 1.

    0 is frontal; 1 is the nose level with one eye and mouth corner.
    """
    right_eye, left_eye, nose, right_mouth, left_mouth = points
    offsets = []
    for right, left in ((right_eye, left_eye), (right_mouth, left_mouth)):
        across = left - right
        half = float(across @ across) / 2
        offsets.append(abs(float((nose - (right + left) / 2) @ across)) / max(half, 1e-9))
    return min(float(np.mean(offsets)), 1.0)
