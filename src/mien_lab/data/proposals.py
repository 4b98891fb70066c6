"""Training samples of the refiner: proposals in generated scenes, with ground truth."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.vision.detector import FaceDetector
from mien.vision.geometry import intersection_areas, iou_matrix
from mien.vision.refiner import REGION_SCALE, REGION_SIZE, cut_region, regions_of
from mien_lab.data.drafts import Scene
from mien_lab.data.scenes import Floats, boxes_of

__all__ = ["RefinerSamples", "samples_of"]

FACE_IOU, OTHER_IOU = 0.45, 0.3
"""IoU thresholds: positive from the first, negative below the second, ignored in between."""
MOST_OTHERS = 16
"""Maximum number of negative proposals kept per scene."""
JITTERED = 2
"""Number of jittered true boxes per face, added to the proposals."""


@dataclass(frozen=True)
class RefinerSamples:
    """Crops of proposals and their targets.

    Attributes:
        crops: `(n, 64, 64)` uint8 grey.
        is_face: `(n,)` bool.
        targets: `(n, 14)` float32 targets of the refiner's outputs 1 to 14: centre relative to
            that of the square crop in units of its side, logarithms of width and height relative
            to the proposal's size, and landmarks in the units of the centre. 0 for negatives.
        sizes: `(n,)` float32 size of the face, or of a negative proposal, in pixels of the scene.
    """

    crops: npt.NDArray[np.uint8]
    is_face: npt.NDArray[np.bool_]
    targets: Floats
    sizes: Floats

    def __len__(self) -> int:
        """The number of crops."""
        return len(self.crops)

    @classmethod
    def join(cls, parts: "list[RefinerSamples]") -> "RefinerSamples":
        """Concatenate samples."""
        names = cls.__dataclass_fields__
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def samples_of(scene: Scene, detector: FaceDetector, rng: np.random.Generator) -> RefinerSamples:
    """The detector's proposals in a scene, and jittered true boxes, as training samples."""
    proposed = boxes_of(detector.detect(scene.image))
    boxes = np.concatenate([proposed, _displaced(scene.boxes, rng)])
    overlap = iou_matrix(boxes, scene.boxes)
    best = overlap.max(axis=1, initial=0.0)
    is_face = best >= FACE_IOU
    hidden = intersection_areas(boxes, scene.ignored).max(axis=1, initial=0.0)
    areas = np.maximum(np.prod(boxes[:, 2:], axis=1), 1e-6)
    others = np.flatnonzero((best < OTHER_IOU) & (hidden / areas < 0.3))
    others = np.sort(rng.permutation(others)[:MOST_OTHERS])
    kept = np.concatenate([np.flatnonzero(is_face), others]).astype(np.intp)
    regions = regions_of(boxes[kept])
    targets = np.zeros((len(kept), 14), np.float32)
    sizes = np.sqrt(areas[kept]).astype(np.float32)
    for row, (index, region) in enumerate(zip(kept, regions, strict=True)):
        if is_face[index]:
            owner = int(overlap[index].argmax())
            targets[row] = _target(region, scene.boxes[owner], scene.points[owner])
            sizes[row] = np.sqrt(np.prod(scene.boxes[owner, 2:]))
    crops = [cut_region(scene.image, region) for region in regions]
    pixels = np.array(crops, np.uint8).reshape(-1, REGION_SIZE, REGION_SIZE)
    return RefinerSamples(pixels, is_face[kept], targets, sizes)


def _displaced(boxes: Floats, rng: np.random.Generator) -> Floats:
    many = np.repeat(boxes, JITTERED, axis=0)
    size = np.sqrt(np.prod(many[:, 2:], axis=1, keepdims=True))
    centre = many[:, :2] + many[:, 2:] / 2 + rng.normal(0, 0.07, (len(many), 2)) * size
    extent = many[:, 2:] * np.exp(rng.normal(0, 0.12, (len(many), 1)))
    extent = extent * np.exp(rng.normal(0, 0.05, (len(many), 2)))
    return np.hstack([centre - extent / 2, extent]).astype(np.float32)


def _target(region: Floats, box: Floats, points: Floats) -> npt.NDArray[Any]:
    centre, side = region[:2], region[2]
    middle = (box[:2] + box[2:] / 2 - centre) / side
    extent = np.log(box[2:] * REGION_SCALE / side)
    return np.concatenate([middle, extent, ((points - centre) / side).reshape(-1)])
