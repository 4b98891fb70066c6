"""Patches to paste besides portraits: heads cut from photographs, and scrambled faces."""

import numpy as np
import numpy.typing as npt

from mien_lab.data.scenes import GreyImage, Picture

__all__ = ["heads_of", "scrambled", "size_of"]

LEAST_HEAD = 26.0
"""Minimum size in pixels (square root of the box area) of faces that are cut from photographs."""


def size_of(face: Picture) -> float:
    """Size of the first face: square root of its box area, in pixels."""
    return float(np.sqrt(np.prod(face.boxes[0, 2:])))


def heads_of(scene: Picture) -> list[Picture]:
    """The sure faces of a photograph of at least `LEAST_HEAD`, each with its surroundings."""
    heads = []
    limit = np.array(scene.image.shape[::-1], np.float32)
    for index in np.flatnonzero(scene.sure):
        box = scene.boxes[index]
        low = np.floor(np.clip(box[:2] - 0.6 * box[2:], 0, limit))
        high = np.ceil(np.clip(box[:2] + 1.6 * box[2:], 0, limit))
        cut = scene.image[int(low[1]) : int(high[1]), int(low[0]) : int(high[0])]
        moved = np.concatenate([box[:2] - low, box[2:]]).astype(np.float32)
        points = (scene.points[index] - low).astype(np.float32)
        head = Picture(f"head {scene.name}", cut, moved[None], points[None], np.ones(1, np.float32))
        if size_of(head) >= LEAST_HEAD:
            heads.append(head)
    return heads


def scrambled(image: GreyImage, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """The tiles of a face, 3x3 or 4x4, in random order: skin and features, but no face."""
    parts = int(rng.choice([3, 4]))
    height, width = (side // parts * parts for side in image.shape)
    tiles = (
        image[:height, :width].reshape(parts, height // parts, parts, width // parts).swapaxes(1, 2)
    )
    mixed = tiles.reshape(parts * parts, height // parts, width // parts)[
        rng.permutation(parts * parts)
    ]
    grid = mixed.reshape(parts, parts, height // parts, width // parts).swapaxes(1, 2)
    return np.ascontiguousarray(grid.reshape(height, width))
