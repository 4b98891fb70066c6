"""Greedy one-to-one matching of boxes by IoU."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from mien.vision.geometry import iou_matrix
from mien_lab.data.scenes import Floats

__all__ = ["greedy_pairs", "match"]

MATCH = 0.5
"""Minimum IoU of a detection with a true box."""


def greedy_pairs(overlap: npt.NDArray[np.floating], least: float) -> Iterator[tuple[int, int]]:
    """Rows and columns (n, m) of highest overlap first, each used once, down to `least` above 0."""
    left = overlap.copy()
    while left.size and left.max() >= least:
        row, column = np.unravel_index(int(left.argmax()), left.shape)
        yield int(row), int(column)
        left[row, :] = left[:, column] = 0.0


def match(truth: Floats, found: Floats, shape: tuple[int, ...]) -> npt.NDArray[np.intp]:
    """The index of the found box of each true box (n, 4), or -1; `shape` is that of the picture.

    Boxes are clipped to the picture first, since some detectors clip theirs and the teacher does
    not.
    """
    result = np.full(len(truth), -1, np.intp)
    overlap = iou_matrix(_clipped(truth, shape), _clipped(found, shape))
    for row, column in greedy_pairs(overlap, MATCH):
        result[row] = column
    return result


def _clipped(boxes: Floats, shape: tuple[int, ...]) -> Floats:
    limit = np.array([shape[1], shape[0]], np.float32)
    low = np.clip(boxes[:, :2], 0, limit)
    high = np.clip(boxes[:, :2] + boxes[:, 2:], 0, limit)
    return np.hstack([low, high - low]).astype(np.float32)
