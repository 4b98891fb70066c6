"""FER2013 and FER+ by their protocols, on the weights and with the code that serve."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core.errors import InputError
from mien.core.labels import EMOTIONS, Emotion
from mien.models.calibration import (
    conformal_quantile,
    expected_calibration_error,
    fit_temperature,
    softmax,
)
from mien.models.expression import ExpressionClassifier
from mien.runtime.session import open_session
from mien_lab.data.faces import fer_faces, upright_crops
from mien_lab.data.fer2013 import FER_LABELS, Fer, load_fer, majority
from mien_lab.evaluation.cases import Cases
from mien_lab.evaluation.confidence import served_sets, set_figures
from mien_lab.evaluation.intervals import Bootstrap
from mien_lab.evaluation.metrics import classification_figures

__all__ = ["CropReading", "calibrate", "evaluate_crops", "read_crops"]


@dataclass(frozen=True)
class _Split:
    """What the network says of a split: logits as served and of the mirrored crops."""

    labels: npt.NDArray[np.int64]
    majority: npt.NDArray[np.int64]
    logits: npt.NDArray[np.float32]
    fer_logits: npt.NDArray[np.float32]
    mirrored_logits: npt.NDArray[np.float32]
    mirrored_fer_logits: npt.NDArray[np.float32]


@dataclass(frozen=True)
class CropReading:
    """A split of FER2013 as read by the shipped network.

    Attributes:
        figures: by both protocols, with what was measured.
        cases: of each protocol by its name: `fer2013`, `ferplus`.
    """

    figures: dict[str, Any]
    cases: dict[str, Cases]


def evaluate_crops(
    folder: Path, *, precision: str, weights: Path | None = None, split: str = "PrivateTest"
) -> dict[str, Any]:
    """FER2013 (7 classes, all rows) and FER+ (8 classes, majority) figures of a split.

    `accuracy_flip`, `macro_f1_flip` and `mean_recall_flip` are of the mean probability of a crop
    and its mirror image; the other figures are of single crops. `accuracy_interval` holds 95 % of
    the bootstrap's draws. `ferplus` has the calibration besides.
    """
    return read_crops(folder, precision=precision, weights=weights, split=split).figures


def read_crops(
    folder: Path, *, precision: str, weights: Path | None = None, split: str = "PrivateTest"
) -> CropReading:
    """What `evaluate_crops` gives, and the cases behind it.

    The seven probabilities of FER2013 are those of the network's own head for it, at temperature 1.
    """
    session = open_session("expression", precision=precision, folder=weights)
    classifier = ExpressionClassifier(session)
    data = load_fer(folder)
    result = _run(data, split, classifier)
    counted = result.majority >= 0
    extra = session.card.extra
    probabilities = softmax(result.logits, extra["temperature"])[counted]
    truth = result.majority[counted]
    members = served_sets(probabilities, extra["conformal_quantile"])
    coverage, size = set_figures(members, truth, np.ones(len(truth)))
    ferplus = _figures(truth, result.logits[counted], result.mirrored_logits[counted], EMOTIONS) | {
        "expected_calibration_error": expected_calibration_error(probabilities, truth),
        "conformal_coverage": coverage,
        "conformal_mean_size": size,
    }
    names = np.array([f"{row:05}" for row in data.rows(split)])
    figures = {
        "split": split,
        "precision": precision,
        "sha256": session.card.sha256,
        "fer2013": _figures(
            result.labels, result.fer_logits, result.mirrored_fer_logits, FER_LABELS
        ),
        "ferplus": ferplus,
    }
    cases = {
        "fer2013": _cases("fer2013", names, result.labels, softmax(result.fer_logits), FER_LABELS),
        "ferplus": replace(
            _cases("ferplus", names[counted], truth, probabilities, EMOTIONS), sets=members
        ),
    }
    return CropReading(figures, cases)


def calibrate(folder: Path, *, precision: str, weights: Path | None = None) -> dict[str, float]:
    """Temperature and conformal quantile for 90 % coverage, from FER+'s PublicTest.

    The temperature is fitted on even rows and the quantile on odd ones, so that the quantile sees
    probabilities that were not fitted to its own faces.
    """
    session = open_session("expression", precision=precision, folder=weights)
    result = _run(load_fer(folder), "PublicTest", ExpressionClassifier(session))
    counted = result.majority >= 0
    logits, truth = result.logits[counted], result.majority[counted]
    temperature = fit_temperature(logits[::2], truth[::2])
    quantile = conformal_quantile(softmax(logits[1::2], temperature), truth[1::2], 0.9)
    return {"temperature": round(temperature, 4), "conformal_quantile": round(quantile, 4)}


def _run(data: Fer, split: str, classifier: ExpressionClassifier) -> _Split:
    rows = data.rows(split)
    if not len(rows):
        known = ", ".join(sorted(set(data.split.tolist())))
        raise InputError(f"there are no rows of {split!r}; choose one of: {known}")
    crops = upright_crops(fer_faces(data, rows))
    plain = classifier.raw(crops)
    mirrored = classifier.raw(np.ascontiguousarray(crops[:, :, ::-1]))
    return _Split(
        data.labels[rows],
        majority(data.votes[rows]),
        plain["logits"],
        plain["fer_logits"],
        mirrored["logits"],
        mirrored["fer_logits"],
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
    truth: npt.NDArray[np.int64],
    logits: npt.NDArray[np.float32],
    mirrored: npt.NDArray[np.float32],
    labels: tuple[str, ...],
) -> dict[str, Any]:
    names = [str(label) for label in labels]
    single = logits.argmax(axis=1)
    both = classification_figures(
        truth, (softmax(logits) + softmax(mirrored)).argmax(axis=1), names
    )
    hits = (single == truth).astype(np.float64)
    drawn = Bootstrap().intervals(
        lambda weights: {"accuracy": float(weights @ hits / weights.sum())}, truth
    )
    return (
        classification_figures(truth, single, names)
        | {"accuracy_interval": drawn.to_dict()["values"].get("accuracy")}
        | {f"{name}_flip": both[name] for name in ("accuracy", "macro_f1", "mean_recall")}
    )
