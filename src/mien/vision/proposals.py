"""Proposal network, the first stage of face detection: a small anchor-free detector."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from mien.core.errors import ArtifactError, InputError
from mien.core.media import Image
from mien.core.types import Box, Face, Landmarks
from mien.runtime.session import Session

__all__ = ["FaceProposer", "Proposals"]

STRIDE = 32
"""Coarsest stride of the network in pixels; its input is padded to multiples of it."""
MIN_SEARCH_SIZE = 120
"""Longest side in pixels down to which the image is halved and searched again. Faces that fill the
image are found more reliably, and their landmarks are more accurate, at a small scale."""
TRUSTED_SIZE = 128.0
"""Face size in pixels, at the scale searched, above which a box weighs less in box voting."""
MAX_SCALE = 2.0
"""Maximum factor by which small images are enlarged for the search."""
MAX_LOG_SIZE = 4.0
"""Bound on the logarithm of a box's relative width and height, to guard exp against overflow."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Proposals:
    """Candidate faces as parallel float32 arrays.

    Attributes:
        boxes: (n, 4) x, y, width and height in pixels.
        points: (n, 10) x and y in pixels of the five landmarks, in the order of `Landmarks`.
        scores: (n,) confidence scores, 0 to 1.
        votes: (n,) weights in box voting.
    """

    boxes: Floats
    points: Floats
    scores: Floats
    votes: Floats

    def __getitem__(self, chosen: npt.NDArray[Any] | slice) -> "Proposals":
        """Select by indices, a boolean mask or a slice."""
        return Proposals(
            self.boxes[chosen], self.points[chosen], self.scores[chosen], self.votes[chosen]
        )

    def faces(self) -> list[Face]:
        """The proposals as `Face` objects."""
        return [
            Face(
                Box(*(float(value) for value in box)),
                float(score),
                Landmarks.from_array(points.reshape(5, 2)),
            )
            for box, score, points in zip(self.boxes, self.scores, self.points, strict=True)
        ]


class FaceProposer:
    """Proposes faces, several boxes for each; safe to call from several threads.

    The image is searched at `size`, or at twice its own size if that is smaller, and at repeated
    halves of it: the finest scale finds small faces, the others faces that fill the image.

    Args:
        session: session of the "detector" weights.
        size: longest side in pixels of the finest scale.

    Raises:
        InputError: if the size is below `STRIDE`.
        ArtifactError: if the card of the weights gives no strides and sizes.
    """

    def __init__(self, session: Session, size: int) -> None:
        if size < STRIDE:
            raise InputError(f"pictures are searched at {STRIDE} px or more, not at {size}")
        extra = session.card.extra
        self._session = session
        self._input = str(session.card.input["name"])
        try:
            self._levels: list[tuple[int, float]] = [
                (int(stride), float(unit))
                for stride, unit in zip(extra["strides"], extra["sizes"], strict=True)
            ]
        except (KeyError, TypeError, ValueError):
            raise ArtifactError(
                f"the card of {session.card.file} gives no strides and sizes; reinstall mien"
            ) from None
        self._finest = size

    def propose(self, grey: Image, min_score: float) -> Proposals:
        """Unordered proposals in a grey image that score at least `min_score`, in its pixels."""
        scales = self._scales(max(grey.shape))
        level, found = grey, []
        for scale in scales:
            # A large image is shrunk step by step, so that all of it is read once.
            level = _resized(level if scales[0] < 1 else grey, grey.shape, scale)
            found.append(self._search(level, grey.shape, min_score))
        return Proposals(
            np.concatenate([part.boxes for part in found]),
            np.concatenate([part.points for part in found]),
            np.concatenate([part.scores for part in found]),
            np.concatenate([part.votes for part in found]),
        )

    def _scales(self, longest: int) -> list[float]:
        scales = [min(self._finest / longest, MAX_SCALE)]
        while longest * scales[-1] / 2 >= MIN_SEARCH_SIZE:
            scales.append(scales[-1] / 2)
        return scales

    def _search(self, level: Image, whole: tuple[int, ...], min_score: float) -> Proposals:
        """Proposals in one level of an image, in pixels of the whole image."""
        size = level.shape[1::-1]
        sides = [side + -side % STRIDE for side in size]
        padded = np.zeros((1, 1, sides[1], sides[0]), np.float32)
        padded[0, 0, : size[1], : size[0]] = level
        found = self._decode(self._session.run({self._input: padded}), min_score)
        factor = np.array([whole[1] / size[0], whole[0] / size[1]], np.float32)
        return Proposals(
            found.boxes * np.tile(factor, 2),
            found.points * np.tile(factor, 5),
            found.scores,
            found.votes,
        )

    def _decode(self, outputs: Mapping[str, npt.NDArray[Any]], min_score: float) -> Proposals:
        boxes, points, scores = [], [], []
        for stride, unit in self._levels:
            cells = outputs[f"level{stride}"][0]
            rows, columns = np.nonzero(cells[0] >= min_score)
            values = cells[:, rows, columns].T.astype(np.float32)
            centres = (np.stack([columns, rows], axis=1).astype(np.float32) + 0.5) * stride
            extent = np.exp(np.clip(values[:, 3:5], -MAX_LOG_SIZE, MAX_LOG_SIZE)) * unit
            boxes.append(np.hstack([centres + values[:, 1:3] * stride - extent / 2, extent]))
            points.append(np.tile(centres, 5) + values[:, 5:] * unit)
            scores.append(values[:, 0])
        found, score = np.concatenate(boxes), np.concatenate(scores)
        trust = np.minimum(TRUSTED_SIZE / np.sqrt(found[:, 2] * found[:, 3]), 1.0) ** 2
        return Proposals(found, np.concatenate(points), score, score * trust)


def _resized(image: Image, whole: tuple[int, ...], scale: float) -> Image:
    """The image, whole or already shrunk, at a scale of the whole."""
    size = (max(round(whole[1] * scale), 1), max(round(whole[0] * scale), 1))
    if size == image.shape[1::-1]:
        return image
    method = cv2.INTER_AREA if size[0] < image.shape[1] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, size, interpolation=method), dtype=np.uint8)
