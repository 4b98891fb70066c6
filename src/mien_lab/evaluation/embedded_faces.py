"""Embeddings of FER2013 by the shipped network, with labels and groups."""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mien.core.errors import InputError
from mien.models.calibration import softmax
from mien.models.expression import ExpressionClassifier
from mien.runtime.session import open_session
from mien.vision.alignment import ZOOMS
from mien_lab.data.cleaning import clean
from mien_lab.data.faces import fer_faces, still_crops
from mien_lab.data.fer2013 import load_fer, majority
from mien_lab.evaluation.conditions import Columns, given_columns, measured_columns
from mien_lab.evaluation.face_crops import FaceCrops
from mien_lab.evaluation.last_layer import LastLayer, fit_last_layer
from mien_lab.evaluation.predictions import Predictions

__all__ = ["SPLIT", "EmbeddedFaces", "columns_of", "embed"]

log = logging.getLogger(__name__)

SPLIT = "PublicTest"
BLOCK = 2048
"""Faces embedded at once, which bounds memory."""

_CAUTION = (
    "Thirds have about equal sizes, so that weights and sampling differ by little more than chance."
)

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class EmbeddedFaces:
    """The training faces, to fit a last layer on, followed by the test faces of `SPLIT`.

    Attributes:
        names: (n,) rows of FER2013 in five digits.
        fitted: number of training faces.
        labels: (n,) FER+ majority labels, indices into `EMOTIONS`; -1 where there is none.
        targets: (fitted, 8) vote distributions, whose sum is their weight.
        features: (n, d) embeddings.
        shipped: (n - fitted, 8) probabilities of the shipped network.
        crops: (n, 48, 48) uint8 grey.
        landmarks: (n, 5, 2) in pixels of the picture; NaN where missing.
        checksum: SHA-256 of the weights.
    """

    names: tuple[str, ...]
    fitted: int
    labels: npt.NDArray[np.int64]
    targets: npt.NDArray[np.float32]
    features: npt.NDArray[np.float32]
    shipped: Floats
    crops: npt.NDArray[np.uint8]
    landmarks: npt.NDArray[np.float64]
    checksum: str

    def fit(self, weights: Floats, decay: float, start: LastLayer | None = None) -> LastLayer:
        """Fit a last layer with weights (fitted,) of the training faces."""
        return fit_last_layer(
            self.features[: self.fitted], self.targets * weights[:, None], decay=decay, start=start
        )

    def read(self, layer: LastLayer | None = None) -> Predictions:
        """Predictions of a last layer on the test faces; of the shipped network if None."""
        said = self.shipped
        if layer is not None:
            said = layer.probabilities(self.features[self.fitted :])
        return Predictions(self.names[self.fitted :], self.labels[self.fitted :], said)


def embed(
    folder: Path, *, precision: str, weights: Path | None = None, threads: int | None = None
) -> EmbeddedFaces:
    """Embed all faces with the shipped network; takes one to two minutes.

    Args:
        folder: FER2013 with FER+'s votes.
        precision: fp32 or int8.
        weights: folder with weights; the shipped ones if None.
        threads: threads of the network; all cores if None.

    Raises:
        InputError: if there are no training faces or no test faces with votes.
    """
    session = open_session("expression", precision=precision, threads=threads, folder=weights)
    classifier, card = ExpressionClassifier(session), session.card
    data = load_fer(folder)
    labels, tested = majority(data.votes), data.rows(SPLIT)
    tested = tested[labels[tested] >= 0]
    trained = clean(data).rows
    rows = np.concatenate([trained, tested])
    faces = fer_faces(data, rows)
    voted = faces.emotion_weight[: len(trained)] > 0
    if not voted.any() or not len(tested):
        raise InputError(
            f"{folder} has {voted.sum()} training faces and {len(tested)} faces of {SPLIT} that "
            "have votes; both are needed"
        )
    kept = np.concatenate([voted, np.ones(len(tested), dtype=np.bool_)])
    rows, crops = rows[kept], still_crops(faces)[kept]
    features, logits = [], []
    for start in range(0, len(rows), BLOCK):
        said = classifier.raw(crops[start : start + BLOCK])
        features.append(said["embedding"])
        logits.append(said["logits"])
        log.info("%d of %d faces embedded", min(start + BLOCK, len(rows)), len(rows))
    fitted = int(voted.sum())
    return EmbeddedFaces(
        tuple(f"{row:05}" for row in rows),
        fitted,
        labels[rows],
        (faces.emotions * faces.emotion_weight[:, None])[: len(trained)][voted],
        np.concatenate(features),
        softmax(np.concatenate(logits)[fitted:], card.number("temperature")),
        crops[:, ZOOMS.index(1.0)],
        faces.landmarks[kept],
        card.sha256,
    )


def columns_of(faces: EmbeddedFaces, table: Path | None) -> Columns:
    """Groups from a CSV, or terciles of image conditions over all faces.

    Raises:
        InputError: if the CSV cannot be read, or names no training face or no test face.
    """
    if table is None:
        subjects = ("",) * len(faces.names)
        pictures = FaceCrops(faces.names, subjects, faces.labels, faces.crops, faces.landmarks)
        return measured_columns(pictures, faces.names, _CAUTION)
    columns = given_columns(table, faces.names)
    for part, rows in (
        ("training", slice(None, faces.fitted)),
        (SPLIT, slice(faces.fitted, None)),
    ):
        if not any((names[rows] != "").any() for names in columns.values.values()):
            raise InputError(
                f"{table} gives no {part} face a group; the trade-off is fitted on training "
                f"faces and measured on those of {SPLIT}: name both"
            )
    return columns
