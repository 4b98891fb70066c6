"""Label assignment and losses of the anchor-free detector.

Cells are the positions of the output maps, ordered by stride, finest first, then row by row. Boxes
are `(x, y, width, height)` in pixels.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from mien_lab.data.scenes import Floats
from mien_lab.training.detector_net import SIZES, STRIDES

__all__ = ["Cells", "Losses", "assign", "detection_losses", "size_weights"]

RANGES = ((0.0, 46.0), (32.0, 128.0), (90.0, 1e9))
"""Range of face sizes (square root of the box area, pixels) of each stride; ranges overlap."""
BACKGROUND, IGNORED = -1, -2


@dataclass(frozen=True)
class Cells:
    """Cells of a square picture: centres `(cells, 2)`, strides and reference sizes `(cells,)`."""

    centres: Floats
    strides: Floats
    sizes: Floats

    @classmethod
    def of(cls, size: int) -> "Cells":
        """Cells of a picture of `size` by `size` pixels."""
        centres, strides, sizes = [], [], []
        for stride, unit in zip(STRIDES, SIZES, strict=True):
            axis = (np.arange(size // stride, dtype=np.float32) + 0.5) * stride
            x, y = np.meshgrid(axis, axis)
            centres.append(np.stack([x.ravel(), y.ravel()], axis=1))
            strides.append(np.full(x.size, stride, np.float32))
            sizes.append(np.full(x.size, unit, np.float32))
        return cls(np.concatenate(centres), np.concatenate(strides), np.concatenate(sizes))


def assign(cells: Cells, boxes: Floats, ignored: Floats) -> npt.NDArray[np.int64]:
    """Assign to each cell the index of a face, `BACKGROUND` or `IGNORED`; `(cells,)` int64.

    A cell is positive for a face if the size of the face is in the range of its stride and the cell
    centre is within 1.2 strides of the face centre along both axes, and in the inner 60 % of the
    box; the nearest cell of the stride is positive anyway. Of several faces the nearest wins. On
    strides whose range the size narrowly misses, cells in the inner 60 % are ignored.
    """
    owner = np.full(len(cells.centres), BACKGROUND, np.int64)
    for box in ignored:
        grown = np.concatenate([box[:2] - 0.1 * box[2:], 1.2 * box[2:]])
        owner[_inside(cells.centres, grown)] = IGNORED
    distance = np.full(len(owner), np.inf, np.float32)
    for index, box in enumerate(boxes):
        size = float(np.sqrt(box[2] * box[3]))
        centre = box[:2] + box[2:] / 2
        offset = np.abs(cells.centres - centre)
        far = offset.max(axis=1) / cells.strides
        inner = (offset <= 0.3 * box[2:]).all(axis=1)
        for stride, (low, high) in zip(STRIDES, RANGES, strict=True):
            of_stride = cells.strides == stride
            if not low <= size < high:
                if 0.7 * low <= size < 1.4 * high:
                    owner[of_stride & inner & (owner == BACKGROUND)] = IGNORED
                continue
            mine = of_stride & (far <= 1.2) & inner
            mine[np.flatnonzero(of_stride)[int(np.argmin(far[of_stride]))]] = True
            mine &= far < distance
            owner[mine] = index
            distance[mine] = far[mine]
    return owner


def _inside(points: Floats, box: Floats) -> npt.NDArray[np.bool_]:
    return np.asarray(((points >= box[:2]) & (points < box[:2] + box[2:])).all(axis=1))


@dataclass(frozen=True)
class Losses:
    """Mean losses of a batch, each a scalar tensor."""

    score: Tensor
    box: Tensor
    points: Tensor


def detection_losses(
    raw: Tensor, owner: Tensor, boxes: Tensor, points: Tensor, cells: tuple[Tensor, Tensor, Tensor]
) -> Losses:
    """Losses of raw outputs.

    The score is trained by quality focal loss (after Li et al., "Generalized Focal Loss", NeurIPS
    2020); its target grows from 0.5 to 1 with the IoU of the predicted box, so that the best box of
    a face has the highest score. The box loss is 1 - GIoU (Rezatofighi et al., CVPR 2019). The
    landmark loss is the mean absolute coordinate error relative to the face size, clamped to 1 and
    weighted by the face size.

    Args:
        raw: `(n, cells, 15)` raw outputs.
        owner: `(n, cells)` from `assign`.
        boxes: `(n, cells, 4)` box of each cell's face; arbitrary if it has none.
        points: `(n, cells, 10)` landmarks of each cell's face; NaN where unknown.
        cells: centres `(cells, 2)`, strides `(cells,)`, reference sizes `(cells,)`.
    """
    centres, strides, sizes = cells
    is_face = owner >= 0
    count = is_face.sum().clamp(min=1).float()
    at = is_face.nonzero()[:, 1]
    mine, truth = raw[is_face], boxes[is_face]
    middle = centres[at] + mine[:, 1:3] * strides[at, None]
    extent = mine[:, 3:5].clamp(-4, 4).exp() * sizes[at, None]
    overlap, giou = _overlaps(torch.cat([middle - extent / 2, extent], dim=1), truth)

    target = torch.zeros_like(raw[..., 0])
    target[is_face] = 0.5 + 0.5 * overlap.detach().clamp(0, 1)
    logit = raw[..., 0]
    weight = (target - logit.sigmoid()).detach().square() * (owner != IGNORED)
    cost = functional.binary_cross_entropy_with_logits(logit, target, reduction="none") * weight

    size = truth[:, 2:].prod(dim=1).sqrt()[:, None]
    guess = centres[at].repeat(1, 5) + mine[:, 5:] * sizes[at, None]
    error = (guess - points[is_face]) / size
    known = ~torch.isnan(error)
    apart = torch.where(known, error, torch.zeros_like(error)).abs().clamp(max=1.0)
    weights = known * size_weights(size)
    return Losses(
        cost.sum() / count,
        (1 - giou).sum() / count,
        (apart * weights).sum() / weights.sum().clamp(min=1e-6),
    )


def size_weights(sizes: Tensor) -> Tensor:
    """Loss weights of faces by their size in pixels: the landmarks of tiny faces are noisy."""
    return (sizes / 64.0).clamp(0.25, 1.5)


def _overlaps(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """IoU and GIoU of matched boxes, `(n,)` each."""
    low = torch.maximum(first[:, :2], second[:, :2])
    high = torch.minimum(first[:, :2] + first[:, 2:], second[:, :2] + second[:, 2:])
    shared = (high - low).clamp(min=0).prod(dim=1)
    union = first[:, 2:].prod(dim=1) + second[:, 2:].prod(dim=1) - shared
    outer_low = torch.minimum(first[:, :2], second[:, :2])
    outer_high = torch.maximum(first[:, :2] + first[:, 2:], second[:, :2] + second[:, 2:])
    hull = (outer_high - outer_low).prod(dim=1).clamp(min=1e-6)
    iou = shared / union.clamp(min=1e-6)
    return iou, iou - (hull - union) / hull
