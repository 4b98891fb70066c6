"""Evaluation on FER2013 and FER+ by their protocols, with the code of the pipeline."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core.errors import InputError
from mien.core.labels import EMOTIONS, Emotion
from mien.models.calibration import prediction_sets, softmax
from mien.models.expression import ExpressionClassifier
from mien.runtime.artifact import Card
from mien.runtime.session import open_session
from mien_lab.data.faces import fer_faces, still_crops, upright_crops
from mien_lab.data.fer2013 import FER_LABELS, Fer, load_fer, majority
from mien_lab.evaluation.cases import Cases, summary
from mien_lab.evaluation.confidence import trust_figures
from mien_lab.evaluation.intervals import Bootstrap
from mien_lab.evaluation.metrics import class_rates, classification_figures, weighted_confusion

__all__ = ["CropReading", "read_crops"]

COMPARED = ("accuracy", "macro_f1", "macro_recall")
"""Figures that have intervals, and are also reported for single and mirrored crops."""


@dataclass(frozen=True)
class _Split:
    """Outputs of the network on a split.

    Attributes:
        labels: (n,) labels of FER2013.
        majority: (n,) majority labels of FER+; -1 where there is none.
        still: outputs with the test-time augmentation of stills.
        single: outputs for single crops.
        mirrored: outputs for the mirror images of single crops.
    """

    labels: npt.NDArray[np.int64]
    majority: npt.NDArray[np.int64]
    still: Mapping[str, npt.NDArray[np.float32]]
    single: Mapping[str, npt.NDArray[np.float32]]
    mirrored: Mapping[str, npt.NDArray[np.float32]]


@dataclass(frozen=True)
class CropReading:
    """Predictions of the network on a split of FER2013.

    Attributes:
        figures: figures by both protocols, `fer2013` (7 classes, all rows) and `ferplus` (8
            classes, rows with a majority), with the test-time augmentation of stills. The suffix
            `_single` means single crops, `_flip` the mean probability of a single crop and its
            mirror image. `intervals` are those of `COMPARED` for all of these.
        cases: cases by protocol: `fer2013`, `ferplus`.
    """

    figures: dict[str, Any]
    cases: dict[str, Cases]


def read_crops(
    folder: Path,
    *,
    precision: str,
    weights: Path | None = None,
    split: str = "PrivateTest",
    voted: bool = True,
    bootstrap: Bootstrap | None = None,
) -> CropReading:
    """Predict a split and compute the figures.

    The seven probabilities of FER2013 are those of the FER2013 head, at temperature 1. If `voted`
    is false, FER+'s file may be missing; there is no `ferplus` then.

    Raises:
        InputError: if the data are missing or not as published, or the split has no rows.
    """
    bootstrap = bootstrap or Bootstrap()
    session = open_session("expression", precision=precision, folder=weights)
    classifier = ExpressionClassifier(session)
    data = load_fer(folder, voted=voted)
    result = _run(data, split, classifier)
    names = np.array([f"{row:05}" for row in data.rows(split)])
    figures = {
        "split": split,
        "precision": precision,
        "sha256": session.card.sha256,
        "fer2013": _figures(
            result, "fer_logits", result.labels, np.full(len(names), True), FER_LABELS, bootstrap
        ),
    }
    cases = {
        "fer2013": _cases(
            "fer2013", names, result.labels, softmax(result.still["fer_logits"]), FER_LABELS
        ),
    }
    if voted or data.votes.any():
        figures["ferplus"], cases["ferplus"] = _ferplus(result, names, session.card, bootstrap)
    return CropReading(figures, cases)


def _ferplus(
    result: _Split, names: npt.NDArray[np.str_], card: Card, bootstrap: Bootstrap
) -> tuple[dict[str, Any], Cases]:
    counted = result.majority >= 0
    probabilities = softmax(result.still["logits"], card.number("temperature"))[counted]
    truth = result.majority[counted]
    members = prediction_sets(probabilities, card.number("conformal_quantile"))
    figures = _figures(result, "logits", truth, counted, EMOTIONS, bootstrap) | {
        name: value if np.isfinite(value) else None
        for name, value in trust_figures(probabilities, truth, members).items()
    }
    cases = _cases("ferplus", names[counted], truth, probabilities, EMOTIONS)
    return figures, replace(cases, sets=members)


def _rows(data: Fer, split: str) -> npt.NDArray[np.intp]:
    rows = data.rows(split)
    if not len(rows):
        known = ", ".join(sorted(set(data.split.tolist())))
        raise InputError(f"there are no rows of {split!r}; choose one of: {known}")
    return rows


def _run(data: Fer, split: str, classifier: ExpressionClassifier) -> _Split:
    rows = _rows(data, split)
    faces = fer_faces(data, rows)
    crops = upright_crops(faces)
    return _Split(
        data.labels[rows],
        majority(data.votes[rows]),
        still=classifier.raw(still_crops(faces)),
        single=classifier.raw(crops),
        mirrored=classifier.raw(np.ascontiguousarray(crops[:, :, ::-1])),
    )


def _cases(
    protocol: str,
    rows: npt.NDArray[np.str_],
    truth: npt.NDArray[np.int64],
    probabilities: npt.NDArray[np.float64],
    labels: tuple[Emotion, ...],
) -> Cases:
    names = tuple(f"{protocol}/{row}" for row in rows)
    return Cases(names, truth, probabilities, tuple(str(label) for label in labels))


def _figures(
    result: _Split,
    output: str,
    truth: npt.NDArray[np.int64],
    rows: npt.NDArray[np.bool_],
    labels: tuple[str, ...],
    bootstrap: Bootstrap,
) -> dict[str, Any]:
    names = [str(label) for label in labels]
    still, single, mirrored = (
        softmax(said[output][rows]) for said in (result.still, result.single, result.mirrored)
    )
    others = {"single": single, "flip": single + mirrored}
    figures = classification_figures(truth, still.argmax(axis=1), names)
    read = {"": still.argmax(axis=1)}
    for way, scores in others.items():
        read[f"_{way}"] = scores.argmax(axis=1)
        found = classification_figures(truth, read[f"_{way}"], names)
        figures |= {f"{name}_{way}": found[name] for name in COMPARED}
    present = np.isin(np.arange(len(names)), truth)

    def score(weights: npt.NDArray[np.float64]) -> dict[str, float]:
        drawn: dict[str, float] = {}
        for ending, predicted in read.items():
            matrix = weighted_confusion(truth, predicted, len(names), weights)
            values = summary(matrix, class_rates(matrix), present)
            drawn |= {f"{name}{ending}": values[name] for name in COMPARED}
        return drawn

    everything = np.ones(len(truth), np.bool_)
    shares = {f"accuracy{ending}": everything for ending in read}
    figures["intervals"] = bootstrap.intervals(score, truth, shares=shares).to_dict()
    figures["accuracy_interval"] = figures["intervals"]["values"].get("accuracy")
    return figures
