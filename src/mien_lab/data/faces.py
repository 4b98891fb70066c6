"""Aligned faces for training: crops with a margin, and their targets."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mien.core.errors import InputError
from mien.core.labels import EMOTIONS, parse_emotion
from mien.vision.alignment import CROP_SIZE, alignment_matrix, crop_face, zoomed_crops
from mien_lab.data.face_labels import face_label
from mien_lab.data.fer2013 import FER_LABELS, Fer, vote_distribution
from mien_lab.data.placement import place_landmarks
from mien_lab.data.scenes import read_grey
from mien_lab.data.tables import read_table

__all__ = [
    "CANVAS",
    "MARGIN",
    "FaceSet",
    "fer_faces",
    "join",
    "photograph_faces",
    "still_crops",
    "upright_crops",
]

MARGIN = 12
"""Margin in pixels on each side of the crop, so that geometric jitter shows real surroundings."""
CANVAS = CROP_SIZE + 2 * MARGIN
CERTAINTY = 0.85
"""Target probability of a single annotator's label (label smoothing)."""
UNKNOWN_WEIGHT = 0.3
"""Loss weight of a vote distribution where "unknown" has the most votes."""
_CENTRED = np.array([[1, 0, -MARGIN], [0, 1, -MARGIN]], dtype=np.float32)
"""From a canvas to the crop in its centre."""


@dataclass(frozen=True)
class FaceSet:
    """Faces and their targets.

    Attributes:
        canvases: (n, CANVAS, CANVAS) uint8 grey.
        matrices: (n, 2, 3) float32, from canvas to canonical crop.
        emotions: (n, 8) float32 target distributions; rows without a target are 0.
        emotion_weight: (n,) float32 loss weight of that target.
        fer: (n, 7) float32 one-hot FER2013 labels; rows without a label are 0.
        landmarks: (n, 5, 2) float64 in pixels of the picture; NaN where missing.
    """

    canvases: npt.NDArray[np.uint8]
    matrices: npt.NDArray[np.float32]
    emotions: npt.NDArray[np.float32]
    emotion_weight: npt.NDArray[np.float32]
    fer: npt.NDArray[np.float32]
    landmarks: npt.NDArray[np.float64]

    def __len__(self) -> int:
        """The number of faces."""
        return len(self.canvases)


def fer_faces(data: Fer, rows: npt.NDArray[np.intp]) -> FaceSet:
    """The given rows of FER2013, aligned by the shipped landmark networks.

    A row takes two to three milliseconds. Rows whose landmarks coincide keep their own framing.

    Raises:
        InputError: if `rows` is empty.
    """
    if not len(rows):
        raise InputError(
            "no row of FER2013 is left to read; check its files, and by `mien-lab clean` which "
            "rows are dropped"
        )
    landmarks = np.stack([_landmarks(data.pixels[row]) for row in rows])
    canvases = np.pad(data.pixels[rows], ((0, 0), (MARGIN, MARGIN), (MARGIN, MARGIN)), mode="edge")
    emotions = vote_distribution(data.votes[rows])
    # The remaining votes say little.
    unknown = data.votes[rows, 8] >= data.votes[rows, :8].max(axis=1)
    weight = np.where(unknown, UNKNOWN_WEIGHT, 1.0) * (emotions.sum(axis=1) > 0)
    return FaceSet(
        canvases,
        np.stack([_fer_matrix(points) for points in landmarks]),
        emotions,
        weight.astype(np.float32),
        np.eye(len(FER_LABELS), dtype=np.float32)[data.labels[rows]],
        landmarks,
    )


def photograph_faces(folder: Path) -> FaceSet:
    """The widest face of each photograph with an expression label.

    Reads `faces.csv`, `expressions.csv` and `images/`. The label gets probability `CERTAINTY`; the
    other seven share the rest equally.

    Raises:
        InputError: if there is no labelled photograph, one cannot be read, or a label is unknown.
    """
    found: dict[str, tuple[float, npt.NDArray[np.float32]]] = {}
    places = folder / "faces.csv"
    for row in read_table(places, ("image",)):
        box, points, _ = face_label(row, places)
        if row["image"] not in found or box[2] > found[row["image"]][0]:
            found[row["image"]] = float(box[2]), points.astype(np.float32)
    canvases, emotions = [], []
    table = read_table(folder / "expressions.csv", ("image",), ("emotion",))
    labelled = [row for row in table if row["image"] in found]
    if not labelled:
        raise InputError(
            f"no photograph has a label and a face; compare {folder / 'expressions.csv'} with "
            "faces.csv beside it"
        )
    for row in labelled:
        image = read_grey(folder / "images" / row["image"])
        matrix = alignment_matrix(found[row["image"]][1].astype(np.float64))
        matrix[:, 2] += MARGIN
        canvases.append(crop_face(image, matrix, CANVAS))
        target = np.full(len(EMOTIONS), (1 - CERTAINTY) / (len(EMOTIONS) - 1), dtype=np.float32)
        try:
            target[EMOTIONS.index(parse_emotion(row["emotion"]))] = CERTAINTY
        except ValueError as error:
            raise InputError(f"{folder / 'expressions.csv'}: {error}") from None
        emotions.append(target)
    count = len(canvases)
    return FaceSet(
        np.stack(canvases),
        np.repeat(_CENTRED[None], count, axis=0),
        np.stack(emotions),
        np.ones(count, dtype=np.float32),
        np.zeros((count, len(FER_LABELS)), dtype=np.float32),
        np.stack([found[row["image"]][1] for row in labelled]).astype(np.float64),
    )


def join(*sets: FaceSet) -> FaceSet:
    """Concatenate sets of faces."""
    return FaceSet(
        *(
            np.concatenate([getattr(part, name) for part in sets])
            for name in FaceSet.__dataclass_fields__
        )
    )


def upright_crops(faces: FaceSet) -> npt.NDArray[np.uint8]:
    """The canonical crops, (n, 48, 48) uint8, cut by the code of the pipeline."""
    return np.stack([crop_face(*face) for face in _placed(faces)])


def still_crops(faces: FaceSet) -> npt.NDArray[np.uint8]:
    """The test-time augmentation crops of stills, (n, k, 48, 48) uint8, cut by the pipeline."""
    return np.stack([zoomed_crops(*face) for face in _placed(faces)])


def _placed(faces: FaceSet) -> Iterable[tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]]:
    return zip(faces.canvases, faces.matrices, strict=True)


def _landmarks(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    points = place_landmarks(picture)
    return np.full((5, 2), np.nan) if points is None else points


def _fer_matrix(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    if np.isnan(points).any():
        return _CENTRED
    return alignment_matrix(points + MARGIN).astype(np.float32)
