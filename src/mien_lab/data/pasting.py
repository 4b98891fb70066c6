"""Pasting of faces into pictures: geometry, blending masks, occlusions.

Coordinates are continuous pixels (the centre of the first pixel is `(0.5, 0.5)`).
"""

import math
from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
import numpy.typing as npt

from mien.core.types import Landmarks
from mien_lab.data.scenes import Floats, GreyImage, Picture

__all__ = ["Edge", "Placement", "cover", "paste", "rotated_box", "shrink", "warp"]


class Edge(StrEnum):
    """Shape of the blending mask of a pasted patch."""

    OVAL = "oval"
    SOFT = "soft"
    HARD = "hard"


@dataclass(frozen=True)
class Placement:
    """Position and appearance of a pasted face.

    Attributes:
        centre: centre of the box, in pixels of the canvas.
        size: square root of the box area before rotation, in pixels.
        angle: degrees, clockwise on the screen.
        mirror: flip left and right first.
        edge: shape of the blending mask.
        gain: contrast factor about the mean of the patch.
        shift: added grey levels.
        margin: axes of an oval mask, relative to the sides of the box.
    """

    centre: tuple[float, float]
    size: float
    angle: float = 0.0
    mirror: bool = False
    edge: Edge = Edge.OVAL
    gain: float = 1.0
    shift: float = 0.0
    margin: float = 1.2


def rotated_box(box: Floats, matrix: npt.NDArray[np.float64]) -> Floats:
    """Bounding box of the ellipse inscribed in `box` after an affine transform `(2, 3)`.

    The ellipse is used instead of the corners since a head rotated by 45° does not grow by 40 %.
    """
    centre = matrix[:, :2] @ (box[:2] + box[2:] / 2) + matrix[:, 2]
    half = np.sqrt(((matrix[:, :2] * (box[2:] / 2)) ** 2).sum(axis=1))
    return np.concatenate([centre - half, 2 * half]).astype(np.float32)


def warp(
    image: npt.NDArray[np.uint8] | Floats,
    matrix: npt.NDArray[np.float64],
    width: int,
    height: int,
    border: int = cv2.BORDER_REPLICATE,
    value: float = 0.0,
) -> npt.NDArray[np.uint8] | Floats:
    """Warp `image` by an affine matrix `(2, 3)` in continuous coordinates."""
    shifted = matrix.copy()
    shifted[:, 2] += matrix[:, :2] @ (0.5, 0.5) - 0.5  # OpenCV counts from pixel centres
    return cv2.warpAffine(  # type: ignore[return-value]
        image,
        shifted,
        (width, height),
        flags=cv2.INTER_LINEAR,
        borderMode=border,
        borderValue=(value,),
    )


def shrink(image: GreyImage, factor: float) -> tuple[GreyImage, float, float]:
    """Downsample without aliasing; returns the image and the exact factors in x and y.

    Factors of 0.8 and above leave the image unchanged.
    """
    if factor >= 0.8:
        return image, 1.0, 1.0
    height, width = image.shape
    new_width, new_height = max(round(width * factor), 2), max(round(height * factor), 2)
    small = cv2.resize(image, (new_width, new_height), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8), new_width / width, new_height / height


def paste(canvas: GreyImage, face: Picture, place: Placement) -> tuple[Floats, Floats]:
    """Blend the first face of `face` into `canvas` (in place).

    Returns:
        Box `(4,)` and landmarks `(5, 2)` of the face, in pixels of the canvas.
    """
    box, points = face.boxes[0].astype(np.float64), face.points[0].astype(np.float64)
    factor = place.size / math.sqrt(box[2] * box[3])
    patch, fx, fy = shrink(face.image, factor)
    box, points = box * (fx, fy, fx, fy), points * (fx, fy)
    if place.mirror:
        patch = np.ascontiguousarray(patch[:, ::-1])
        width = patch.shape[1]
        box[0] = width - box[0] - box[2]
        points[:, 0] = width - points[:, 0]
        points = points[list(Landmarks.MIRRORED)]
    scale = place.size / math.sqrt(box[2] * box[3])
    matrix = _similarity(box[:2] + box[2:] / 2, place.centre, scale, place.angle)
    new_box = rotated_box(box.astype(np.float32), matrix)
    new_points = (points @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
    _blend(canvas, patch, matrix, box, place)
    return new_box, new_points


def _similarity(
    pivot: npt.NDArray[np.float64], target: tuple[float, float], scale: float, angle: float
) -> npt.NDArray[np.float64]:
    cos, sin = scale * math.cos(math.radians(angle)), scale * math.sin(math.radians(angle))
    linear = np.array([[cos, -sin], [sin, cos]])
    return np.hstack([linear, (np.asarray(target) - linear @ pivot)[:, None]])


def _blend(
    canvas: GreyImage,
    patch: GreyImage,
    matrix: npt.NDArray[np.float64],
    box: npt.NDArray[np.float64],
    place: Placement,
) -> None:
    height, width = patch.shape
    corners = (
        np.array([[0, 0], [width, 0], [width, height], [0, height]]) @ matrix[:, :2].T
        + matrix[:, 2]
    )
    low = np.clip(np.floor(corners.min(axis=0)).astype(int) - 1, 0, None)
    high = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 1, canvas.shape[::-1])
    if (high - low).min() <= 0:
        return
    local = matrix.copy()
    local[:, 2] -= low
    size = (int(high[0] - low[0]), int(high[1] - low[1]))
    mask = warp(_mask(patch.shape, box, place), local, *size, border=cv2.BORDER_CONSTANT)
    moved = warp(patch, local, *size).astype(np.float32)
    if place.gain != 1.0 or place.shift != 0.0:
        mean = float(patch.mean())
        moved = np.clip((moved - mean) * place.gain + mean + place.shift, 0, 255)
    region = canvas[low[1] : high[1], low[0] : high[0]]
    region[:] = (region + (moved - region) * mask + 0.5).astype(np.uint8)


def _mask(shape: tuple[int, ...], box: npt.NDArray[np.float64], place: Placement) -> Floats:
    height, width = shape
    if place.edge is Edge.HARD:
        return np.ones((height, width), np.float32)
    feather = max(0.04 * float(np.sqrt(box[2] * box[3])), 0.6)
    mask = np.zeros((height, width), np.float32)
    if place.edge is Edge.OVAL:
        centre = tuple(float(v) for v in box[:2] + box[2:] / 2 - 0.5)
        axes = tuple(float(v) for v in box[2:] * place.margin)
        cv2.ellipse(mask, (centre, axes, 0.0), (1.0,), -1)
    else:
        mask[:] = 1.0
    edge = max(round(feather), 1)
    mask[:edge] = mask[-edge:] = 0
    mask[:, :edge] = mask[:, -edge:] = 0
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), feather), np.float32)


def cover(canvas: GreyImage, box: Floats, points: Floats, rng: np.random.Generator) -> None:
    """Occlude a part of a face in place, by a mask, glasses, fingers or a rectangle."""
    size = float(np.sqrt(box[2] * box[3]))
    tone = int(rng.integers(0, 256))
    kind = rng.random()
    if kind < 0.3:
        _cover_mouth(canvas, points, size, tone)
    elif kind < 0.6:
        _wear_glasses(canvas, points, size, tone, dark=bool(rng.random() < 0.6))
    elif kind < 0.8:
        _raise_hand(canvas, box, size, rng)
    else:
        angle = float(rng.uniform(0, 180))
        at = box[:2] + box[2:] * rng.uniform(0.0, 1.0, 2)
        axes = size * rng.uniform(0.15, 0.45, 2)
        corners = cv2.boxPoints(
            ((float(at[0]), float(at[1])), (float(axes[0]), float(axes[1])), angle)
        )
        cv2.fillConvexPoly(canvas, corners.astype(np.int32), (tone,))


def _cover_mouth(canvas: GreyImage, points: Floats, size: float, tone: int) -> None:
    eyes, mouth = points[:2].mean(axis=0), points[3:].mean(axis=0)
    down = (mouth - eyes) / max(float(np.linalg.norm(mouth - eyes)), 1e-3)
    side = np.array([-down[1], down[0]])
    middle = mouth + down * 0.02 * size
    shape = [
        middle + side * 0.42 * size - down * 0.16 * size,
        middle - down * 0.26 * size,
        middle - side * 0.42 * size - down * 0.16 * size,
        middle - side * 0.3 * size + down * 0.22 * size,
        middle + down * 0.32 * size,
        middle + side * 0.3 * size + down * 0.22 * size,
    ]
    cv2.fillPoly(canvas, [np.round(shape).astype(np.int32)], (tone,), lineType=cv2.LINE_AA)


def _wear_glasses(canvas: GreyImage, points: Floats, size: float, tone: int, *, dark: bool) -> None:
    apart = max(float(np.linalg.norm(points[1] - points[0])), 0.15 * size)
    angle = math.degrees(math.atan2(*(points[1] - points[0])[::-1]))
    axes = (max(round(apart * 0.38), 1), max(round(apart * 0.27), 1))
    thickness = -1 if dark else max(round(0.025 * size), 1)
    for eye in points[:2]:
        at = (round(float(eye[0])), round(float(eye[1])))
        cv2.ellipse(canvas, at, axes, angle, 0, 360, (tone // 2,), thickness, cv2.LINE_AA)
    ends = [tuple(int(v) for v in np.round(p)) for p in points[:2]]
    if dark:
        cv2.line(canvas, ends[0], ends[1], (tone // 2,), max(round(0.03 * size), 1), cv2.LINE_AA)


def _raise_hand(canvas: GreyImage, box: Floats, size: float, rng: np.random.Generator) -> None:
    tone = int(np.clip(rng.normal(150, 45), 20, 240))
    start = box[:2] + box[2:] * np.array([rng.uniform(-0.1, 1.1), rng.uniform(0.75, 1.1)])
    heading = rng.uniform(-2.4, -0.7)
    width = max(round(0.11 * size), 1)
    for finger in range(int(rng.integers(2, 5))):
        shift = np.array([(finger - 1.5) * 0.13 * size, 0.0])
        length = rng.uniform(0.25, 0.55) * size
        tip = start + shift + length * np.array([math.cos(heading), math.sin(heading)])
        ends = [tuple(int(v) for v in np.round(p)) for p in (start + shift, tip)]
        shade = int(np.clip(tone + rng.integers(-15, 16), 0, 255))
        cv2.line(canvas, ends[0], ends[1], (shade,), width, cv2.LINE_AA)
