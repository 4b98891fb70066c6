"""The first look: where in a picture faces may be, from a small anchor-free network."""

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

CELL = 32
"""The network takes sides that are multiples of its coarsest stride."""
COARSEST = 120
"""A picture is searched at half its size again and again down to this longest side in pixels: faces
that fill it are found more surely, and their landmarks lie better, when they are seen small."""
TRUSTED_SIZE = 128.0
"""Faces searched at a larger size than this, in pixels, weigh less where several searches agree."""
LARGEST_SCALE = 2.0
"""Small pictures are enlarged for the search, but no more than this."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Proposals:
    """Boxes `(n, 4)`, points `(n, 10)` in pixels, scores and votes `(n,)`."""

    boxes: Floats
    points: Floats
    scores: Floats
    votes: Floats

    def __getitem__(self, chosen: npt.NDArray[Any] | slice) -> "Proposals":
        """Those that indices, a mask or a slice choose."""
        return Proposals(
            self.boxes[chosen], self.points[chosen], self.scores[chosen], self.votes[chosen]
        )

    def faces(self) -> list[Face]:
        """Each as a face."""
        return [
            Face(
                Box(*(float(value) for value in box)),
                float(score),
                Landmarks.from_array(points.reshape(5, 2)),
            )
            for box, score, points in zip(self.boxes, self.scores, self.points, strict=True)
        ]


class FaceProposer:
    """Proposes faces, several for each; safe to call from several threads.

    The picture is searched at `size`, or at twice its own size if that is smaller, and at halves
    of it: small faces are found in the one, faces that fill the picture in the others.

    Args:
        session: of the weights named "detector".
        size: longest side in pixels of the finest search.

    Raises:
        InputError: if the size is below `CELL`.
        ArtifactError: if the card lacks what the maps mean.
    """

    def __init__(self, session: Session, size: int) -> None:
        if size < CELL:
            raise InputError(f"pictures are searched at {CELL} px or more, not at {size}")
        extra = session.card.extra
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
        self._finest = size

    def propose(self, grey: Image, least: float) -> Proposals:
        """All that scores at least `least` in a grey picture, in its pixels, in no order."""
        found = [self._search(grey, least, scale) for scale in self._scales(max(grey.shape))]
        return Proposals(
            np.concatenate([part.boxes for part in found]),
            np.concatenate([part.points for part in found]),
            np.concatenate([part.scores for part in found]),
            np.concatenate([part.votes for part in found]),
        )

    def _scales(self, longest: int) -> list[float]:
        scales = [min(self._finest / longest, LARGEST_SCALE)]
        while longest * scales[-1] / 2 >= COARSEST:
            scales.append(scales[-1] / 2)
        return scales

    def _search(self, grey: Image, least: float, scale: float) -> Proposals:
        height, width = grey.shape
        size = (max(round(width * scale), 1), max(round(height * scale), 1))
        if size != (width, height):
            method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
            grey = np.asarray(cv2.resize(grey, size, interpolation=method), dtype=np.uint8)
        padded = np.zeros((1, 1, -size[1] % CELL + size[1], -size[0] % CELL + size[0]), np.float32)
        padded[0, 0, : size[1], : size[0]] = grey
        found = self._decode(self._session.run({self._input: padded}), least)
        factor = np.array([width / size[0], height / size[1]], np.float32)
        return Proposals(
            found.boxes * np.tile(factor, 2),
            found.points * np.tile(factor, 5),
            found.scores,
            found.votes,
        )

    def _decode(self, outputs: Mapping[str, npt.NDArray[Any]], least: float) -> Proposals:
        boxes, points, scores = [], [], []
        for stride, unit in self._units:
            cells = outputs[f"level{stride}"][0]
            rows, columns = np.nonzero(cells[0] >= least)
            values = cells[:, rows, columns].T.astype(np.float32)
            centres = (np.stack([columns, rows], axis=1).astype(np.float32) + 0.5) * stride
            extent = np.exp(np.clip(values[:, 3:5], -4.0, 4.0)) * unit
            boxes.append(np.hstack([centres + values[:, 1:3] * stride - extent / 2, extent]))
            points.append(np.tile(centres, 5) + values[:, 5:] * unit)
            scores.append(values[:, 0])
        found, score = np.concatenate(boxes), np.concatenate(scores)
        trust = np.minimum(TRUSTED_SIZE / np.sqrt(found[:, 2] * found[:, 3]), 1.0) ** 2
        return Proposals(found, np.concatenate(points), score, score * trust)
