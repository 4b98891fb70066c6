"""Random framing of photographs by an affine transform, with their face annotations."""

import math
from dataclasses import replace

import cv2
import numpy as np

from mien.core.types import Landmarks
from mien_lab.data.drafts import Draft
from mien_lab.data.pasting import rotated_box, shrink, warp
from mien_lab.data.scenes import GreyImage, Picture

__all__ = ["cut", "fill"]


def fill(
    draft: Draft,
    rng: np.random.Generator,
    scene: Picture,
    scale: float,
    angle: float,
    border: int,
    stretch: float = 0.1,
    aim: bool = True,
) -> None:
    """Fill the draft with a photograph at a random place, and add its faces.

    Args:
        draft: scene to fill; its canvas is replaced.
        rng: draws place, mirroring and stretch.
        scene: the photograph.
        scale: pixels of the draft per pixel of the photograph.
        angle: rotation in degrees, clockwise on the screen.
        border: OpenCV border mode for pixels outside the photograph.
        stretch: standard deviation of the logarithm of the horizontal stretch.
        aim: place the centre of a random sure face inside the picture; otherwise, and without
            such a face, the photograph is placed about the centre.
    """
    height, width = draft.canvas.shape
    image, fx, fy = shrink(scene.image, scale)
    boxes, points = scene.boxes * (fx, fy, fx, fy), scene.points * (fx, fy)
    mirror = bool(rng.random() < 0.5)
    if mirror:
        image = np.ascontiguousarray(image[:, ::-1])
    if mirror and len(boxes):
        boxes[:, 0] = image.shape[1] - boxes[:, 0] - boxes[:, 2]
        points = points[:, list(Landmarks.MIRRORED)]
        points[..., 0] = image.shape[1] - points[..., 0]
    rest = scale / fx
    cos, sin = rest * math.cos(math.radians(angle)), rest * math.sin(math.radians(angle))
    linear = np.array([[cos, -sin], [sin, cos]])
    linear = linear @ np.diag([math.exp(rng.normal(0, stretch)), 1.0])
    room = np.array([width, height]) - rest * np.array(image.shape[::-1])
    if aim and scene.sure.any():
        box = boxes[int(rng.choice(np.flatnonzero(scene.sure)))]
        target = np.array([width, height]) * rng.uniform(0.05, 0.95, 2)
        anchor = box[:2] + box[2:] / 2
    else:
        anchor = np.array(image.shape[::-1]) / 2
        target = np.array([width, height]) / 2 + rng.uniform(-0.5, 0.5, 2) * np.abs(room)
    matrix = np.hstack([linear, (target - linear @ anchor)[:, None]])
    draft.canvas = np.asarray(
        warp(image, matrix, width, height, border, float(rng.integers(0, 256))), np.uint8
    )
    for box, five, sure in zip(boxes, points, scene.sure, strict=True):
        new_box = rotated_box(box.astype(np.float32), matrix)
        if sure:
            draft.add(new_box, (five @ linear.T + matrix[:, 2]).astype(np.float32))
        else:
            draft.ignored.append(new_box)


def cut(
    rng: np.random.Generator,
    scene: Picture,
    width: int,
    height: int,
    zoom: tuple[float, float],
    *,
    turn: bool,
) -> GreyImage:
    """A random crop of a photograph without faces, (height, width) uint8.

    Args:
        rng: random generator.
        scene: the photograph.
        width: width of the crop in pixels.
        height: height of the crop in pixels.
        zoom: minimum and maximum scale, relative to the smallest scale that fills the crop.
        turn: also rotate by multiples of 90 degrees and invert the grey levels, at random.
    """
    if turn and rng.random() < 0.6:
        scene = replace(scene, image=_turned(scene.image, rng))
    least = max(width / scene.image.shape[1], height / scene.image.shape[0])
    scale = least * math.exp(rng.uniform(math.log(zoom[0]), math.log(zoom[1])))
    draft = Draft(np.zeros((height, width), np.uint8))
    fill(draft, rng, scene, scale, angle=float(rng.normal(0, 8)), border=cv2.BORDER_REFLECT_101)
    return draft.canvas


def _turned(image: GreyImage, rng: np.random.Generator) -> GreyImage:
    """Rotate by a random multiple of 90 degrees; one in six is also inverted."""
    image = np.rot90(image, int(rng.integers(4)))
    return np.ascontiguousarray(255 - image if rng.random() < 1 / 6 else image)
