"""Geometry: overlap of boxes, non-maximum suppression, similarity transforms.

Boxes are rows `(x, y, width, height)` in pixels, origin at the top left; points are rows `(x, y)`.
"""

import numpy as np
import numpy.typing as npt

from mien.core.errors import InputError

__all__ = [
    "apply_transform",
    "intersection_areas",
    "iou_matrix",
    "non_maximum_suppression",
    "similarity_transform",
]

Matrix = npt.NDArray[np.float64]


def _as_boxes(boxes: npt.ArrayLike) -> Matrix:
    array = np.asarray(boxes, dtype=np.float64)
    if array.size == 0:
        return np.zeros((0, 4))
    if array.ndim != 2 or array.shape[1] != 4:
        raise InputError(f"boxes must have shape (n, 4), got {array.shape}")
    return array


def _as_points(points: npt.ArrayLike) -> Matrix:
    array = np.asarray(points, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] != 2:
        raise InputError(f"points must have shape (n, 2), got {array.shape}")
    return array


def intersection_areas(first: npt.ArrayLike, second: npt.ArrayLike) -> Matrix:
    """Intersection areas in square pixels of `(n, 4)` and `(m, 4)` boxes: `(n, m)` float64.

    Raises:
        ValueError: an argument is not `(n, 4)`.
    """
    a, b = _as_boxes(first), _as_boxes(second)
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, :2] + a[:, None, 2:], b[None, :, :2] + b[None, :, 2:])
    shared: Matrix = np.prod(np.clip(high - low, 0.0, None), axis=2)
    return shared


def iou_matrix(first: npt.ArrayLike, second: npt.ArrayLike) -> Matrix:
    """Intersection over union of `(n, 4)` and `(m, 4)` boxes: `(n, m)` float64 in 0 to 1.

    The IoU with a box without area is 0.

    Raises:
        InputError: an argument is not `(n, 4)`.
    """
    a, b = _as_boxes(first), _as_boxes(second)
    shared = intersection_areas(a, b)
    union = np.prod(a[:, 2:], axis=1)[:, None] + np.prod(b[:, 2:], axis=1)[None, :] - shared
    iou: Matrix = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return iou


def non_maximum_suppression(
    boxes: npt.ArrayLike, scores: npt.ArrayLike, threshold: float
) -> npt.NDArray[np.intp]:
    """Indices of the boxes that are kept, best score first.

    A box is dropped when its IoU with a kept one exceeds `threshold`. Ties keep their order.

    Raises:
        InputError: `boxes` is not `(n, 4)` or `scores` has another length.
    """
    array = _as_boxes(boxes)
    values = np.asarray(scores, dtype=np.float64).reshape(-1)
    if len(values) != len(array):
        raise InputError(f"{len(array)} boxes need as many scores, got {len(values)}")
    order = np.argsort(-values, kind="stable")
    kept: list[int] = []
    while order.size:
        best = int(order[0])
        kept.append(best)
        overlap = iou_matrix(array[best : best + 1], array[order[1:]])[0]
        order = order[1:][overlap <= threshold]
    return np.asarray(kept, dtype=np.intp)


def similarity_transform(source: npt.ArrayLike, target: npt.ArrayLike) -> Matrix:
    """Rotation, uniform scale and translation that best map `source` onto `target`.

    Least squares over all points, without reflection (S. Umeyama, "Least-squares estimation of
    transformation parameters between two point patterns", IEEE TPAMI 13(4), 1991).

    Args:
        source: `(n, 2)` points, n >= 2.
        target: `(n, 2)` points, in the same order.

    Returns:
        `(2, 3)` float64 matrix for :func:`apply_transform` or `cv2.warpAffine`.

    Raises:
        InputError: shapes differ, fewer than two points, or all source points coincide.
    """
    a, b = _as_points(source), _as_points(target)
    if a.shape != b.shape or len(a) < 2:
        raise InputError(
            f"two equal sets of at least two points needed, got {a.shape} and {b.shape}"
        )
    centre_a, centre_b = a.mean(axis=0), b.mean(axis=0)
    (ax, ay), (bx, by) = (a - centre_a).T, (b - centre_b).T
    spread = float(ax @ ax + ay @ ay)
    if not np.isfinite(spread) or spread < 1e-12:
        raise InputError("source points coincide or are not finite: no similarity transform")
    # In the plane the closed form is a division of complex numbers: (b · conj a) / |a|².
    cos = float(ax @ bx + ay @ by) / spread
    sin = float(ax @ by - ay @ bx) / spread
    linear = np.array([[cos, -sin], [sin, cos]])
    return np.hstack([linear, (centre_b - linear @ centre_a)[:, None]])


def apply_transform(matrix: npt.ArrayLike, points: npt.ArrayLike) -> Matrix:
    """Apply a `(2, 3)` affine matrix to `(n, 2)` points: `(n, 2)` float64.

    Raises:
        ValueError: an argument has another shape.
    """
    affine = np.asarray(matrix, dtype=np.float64)
    if affine.shape != (2, 3):
        raise InputError(f"matrix must have shape (2, 3), got {affine.shape}")
    moved: Matrix = _as_points(points) @ affine[:, :2].T + affine[:, 2]
    return moved
