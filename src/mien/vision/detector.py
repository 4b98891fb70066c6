"""The face detector: pictures in, boxes with five landmarks out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from mien.core.errors import ArtifactError, InputError
from mien.core.types import Box, Face, Image, Landmarks
from mien.runtime.session import Session
from mien.vision.geometry import intersection_areas, iou_matrix, non_maximum_suppression

__all__ = ["FaceDetector"]

CELL = 32
"""The network takes sides that are multiples of its coarsest stride."""
COARSEST = 120
"""A picture is searched at half its size again and again down to this longest side in pixels: faces
that fill it are found more surely, and their landmarks lie better, when they are seen small."""
TRUSTED_SIZE = 128.0
"""Faces searched at a larger size than this, in pixels, weigh less where several searches agree."""
LARGEST_SCALE = 2.0
"""Small pictures are enlarged for the search, but no more than this."""
VOTE_OVERLAP = 0.6
"""Boxes that overlap a kept one by this IoU are averaged into it, weighted by score and size."""
NESTED_SHARE = 0.8
"""A weaker box that lies in a better one to this share of its area is a part of the same face."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class _Candidates:
    """Boxes ``(n, 4)``, points ``(n, 10)`` in pixels, scores and votes ``(n,)``."""

    boxes: Floats
    points: Floats
    scores: Floats
    weights: Floats


class FaceDetector:
    """Finds faces with a small anchor-free network; safe to call from several threads.

    The picture is searched at ``fine_size``, or at twice its own size if that is smaller, and at
    halves of it: small faces are found in the one, faces that fill the picture in the others.

    Args:
        session: of the weights named "detector".
        threshold: least score of a face, 0 to 1; that of the weights' card if None.
        nms_iou: two boxes that overlap more than this are the same face.
        working_size: longest side in pixels of the finest search where ``fine_size`` is None, at
            a quarter of the time: for live pictures whose faces are not small.
        fine_size: longest side in pixels of the finest search.
        min_face: faces with a smaller square root of their area, in pixels of the picture, are
            left out.

    Raises:
        InputError: if an argument is out of its range.
    """

    def __init__(
        self,
        session: Session,
        *,
        threshold: float | None = None,
        nms_iou: float = 0.4,
        working_size: int = 640,
        fine_size: int | None = 1280,
        min_face: float = 0.0,
    ) -> None:
        extra = session.card.extra
        self.threshold = session.card.number("threshold") if threshold is None else threshold
        if not 0.0 < self.threshold < 1.0:
            raise InputError(f"the threshold must lie between 0 and 1, not {self.threshold}")
        if working_size < CELL or (fine_size is not None and fine_size < working_size):
            raise InputError(
                f"sizes must be at least {CELL} px and fine_size at least working_size, "
                f"not {working_size} and {fine_size}"
            )
        self._session = session
        self._input = str(session.card.input["name"])
        try:
            self._units: list[tuple[int, float]] = [
                (int(stride), float(size))
                for stride, size in zip(extra["strides"], extra["sizes"], strict=True)
            ]
        except (KeyError, TypeError, ValueError):
            raise ArtifactError(
                f"the card of {session.card.file} gives no strides and sizes; reinstall mien"
            ) from None
        self._nms_iou = nms_iou
        self._finest = working_size if fine_size is None else fine_size
        self._min_face = min_face

    def detect(self, image: Image) -> list[Face]:
        """Faces of a picture, the best score first; an empty list if there are none.

        Args:
            image: (height, width, 3) RGB or (height, width) grey, uint8. Only its luma (ITU-R
                BT.601) is looked at.

        Returns:
            Boxes and landmarks in pixels of ``image``; both may reach beyond it.

        Raises:
            InputError: if the array is not a picture.
        """
        grey = _luma(image)
        if grey.size == 0:
            return []
        found = [self._search(grey, scale) for scale in self._scales(max(grey.shape))]
        return self._merge(
            _Candidates(
                np.concatenate([part.boxes for part in found]),
                np.concatenate([part.points for part in found]),
                np.concatenate([part.scores for part in found]),
                np.concatenate([part.weights for part in found]),
            )
        )

    def _scales(self, longest: int) -> list[float]:
        scales = [min(self._finest / longest, LARGEST_SCALE)]
        while longest * scales[-1] / 2 >= COARSEST:
            scales.append(scales[-1] / 2)
        return scales

    def _search(self, grey: Image, scale: float) -> _Candidates:
        height, width = grey.shape
        size = (max(round(width * scale), 1), max(round(height * scale), 1))
        if size != (width, height):
            method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
            grey = np.asarray(cv2.resize(grey, size, interpolation=method), dtype=np.uint8)
        padded = np.zeros((1, 1, -size[1] % CELL + size[1], -size[0] % CELL + size[0]), np.float32)
        padded[0, 0, : size[1], : size[0]] = grey
        found = self._decode(self._session.run({self._input: padded}))
        factor = np.array([width / size[0], height / size[1]], np.float32)
        return _Candidates(
            found.boxes * np.tile(factor, 2),
            found.points * np.tile(factor, 5),
            found.scores,
            found.weights,
        )

    def _decode(self, outputs: Mapping[str, npt.NDArray[Any]]) -> _Candidates:
        boxes, points, scores = [], [], []
        for stride, unit in self._units:
            cells = outputs[f"level{stride}"][0]
            rows, columns = np.nonzero(cells[0] >= self.threshold)
            values = cells[:, rows, columns].T.astype(np.float32)
            centres = (np.stack([columns, rows], axis=1).astype(np.float32) + 0.5) * stride
            extent = np.exp(np.clip(values[:, 3:5], -4.0, 4.0)) * unit
            boxes.append(np.hstack([centres + values[:, 1:3] * stride - extent / 2, extent]))
            points.append(np.tile(centres, 5) + values[:, 5:] * unit)
            scores.append(values[:, 0])
        found, score = np.concatenate(boxes), np.concatenate(scores)
        trust = np.minimum(TRUSTED_SIZE / np.sqrt(found[:, 2] * found[:, 3]), 1.0) ** 2
        return _Candidates(found, np.concatenate(points), score, score * trust)

    def _merge(self, found: _Candidates) -> list[Face]:
        kept = non_maximum_suppression(found.boxes, found.scores, self._nms_iou)
        faces: list[Face] = []
        taken: list[Floats] = []
        for index in kept:
            box = found.boxes[index]
            if taken and _share_within(box, np.array(taken)) > NESTED_SHARE:
                continue
            taken.append(box)
            peers = iou_matrix(box[None], found.boxes)[0] >= VOTE_OVERLAP
            weights = found.weights[peers] / found.weights[peers].sum()
            x, y, width, height = (float(value) for value in weights @ found.boxes[peers])
            if (width * height) ** 0.5 < self._min_face:
                continue
            points = (weights @ found.points[peers]).reshape(5, 2)
            score = float(found.scores[index])
            faces.append(Face(Box(x, y, width, height), score, Landmarks.from_array(points)))
        return faces


def _share_within(box: Floats, others: Floats) -> float:
    """The largest share of a box's area that lies in one of the others."""
    return float(intersection_areas(box[None], others).max() / max(float(box[2] * box[3]), 1e-6))


def _luma(image: Image) -> Image:
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
        raise InputError(
            f"a picture must be a uint8 array, not {getattr(image, 'dtype', type(image))}"
        )
    if image.ndim == 2:
        return image
    if image.ndim != 3 or image.shape[2] != 3:
        raise InputError(
            f"a picture must have shape (height, width, 3) or (height, width), not {image.shape}"
        )
    if image.size == 0:
        return np.zeros((0, 0), np.uint8)
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
