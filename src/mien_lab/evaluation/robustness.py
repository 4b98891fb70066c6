"""Robustness of mien and of installed peers to corruptions of aligned faces."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mien import __version__
from mien.core.labels import EMOTIONS
from mien.models.calibration import prediction_sets
from mien.models.expression import ExpressionClassifier
from mien.runtime.session import open_session
from mien_lab.data.corruptions import CORRUPTIONS, SEVERITIES, Corruption, Kind
from mien_lab.data.samples import failure_rows
from mien_lab.evaluation.cases import Cases, scorer
from mien_lab.evaluation.face_crops import FaceCrops
from mien_lab.evaluation.intervals import share_interval
from mien_lab.evaluation.peer_packages import PEER_NAMES, Peer, installed_peers
from mien_lab.evaluation.resampling import clusters_of, draw_times, resample, rounded

__all__ = ["DEFINITION", "FaceReader", "measure_robustness", "mien_reader", "peer_reader"]

log = logging.getLogger(__name__)

DEFINITION = (
    "relative_accuracy is the accuracy on damaged faces divided by that on the same faces "
    "undamaged, averaged over all corruptions and severities 1 to 5"
)

_HEADLINES = (
    "accuracy",
    *(f"{mean}_{rate}" for mean in ("macro", "weighted") for rate in ("precision", "recall", "f1")),
    "roc_auc_macro",
    "aurc",
)
_CALIBRATED = ("expected_calibration_error", "conformal_coverage", "conformal_mean_size")


@dataclass(frozen=True)
class FaceReader:
    """A classifier of aligned crops.

    Attributes:
        name: name in reports.
        scores: maps crops (n, 48, 48) uint8 to scores (n, 8) in the order of `EMOTIONS`.
        details: version and weights, for JSON.
        quantile: conformal quantile; None if the scores are not calibrated probabilities.
    """

    name: str
    scores: Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.floating]]
    details: Mapping[str, Any] = field(default_factory=dict)
    quantile: float | None = None


@dataclass(frozen=True)
class _Result:
    """Figures and hits (conditions, n) of one reader: clean, then all severities by corruption."""

    figures: list[dict[str, Any]]
    hits: npt.NDArray[np.bool_]


def mien_reader(*, precision: str, weights: Path | None = None) -> FaceReader:
    """The shipped expression network, with one crop per face."""
    session = open_session("expression", precision=precision, folder=weights)
    classifier = ExpressionClassifier(session)
    details = {"version": __version__, "precision": precision, "sha256": session.card.sha256}
    return FaceReader(
        "mien",
        lambda crops: classifier.classify(crops).probabilities,
        details,
        session.card.number("conformal_quantile"),
    )


def peer_reader(peer: Peer) -> FaceReader:
    """A peer's network on mien's crops; a label that it does not have counts as an error."""
    return FaceReader(peer.name, peer.scores, {"version": peer.version, "sha256": peer.sha256})


def measure_robustness(
    faces: FaceCrops,
    *,
    precision: str,
    weights: Path | None = None,
    seed: int = 0,
    draws: int = 1000,
    peers: Sequence[Peer] | None = None,
    corruptions: Sequence[Corruption] = CORRUPTIONS,
) -> dict[str, Any]:
    """Figures of mien and of each installed peer on the same corrupted crops.

    The summary is `relative_accuracy` (see `DEFINITION`), with a 95 % cluster-bootstrap interval
    by person. It must be read together with the clean accuracy: a classifier that guesses loses
    nothing. `comparisons` has the difference between mien and each peer, and the mean corruption
    error (mCE) and relative mCE of Hendrycks and Dietterich (ICLR 2019) with the peer in place of
    AlexNet; below 1, mien makes fewer errors.

    Each condition has accuracy with its interval, macro and weighted precision, recall and F1,
    ROC-AUC, AURC, and precision, recall and F1 of each label that occurs; for mien also the
    expected calibration error, and coverage and size of prediction sets. Corruptions are applied to
    the aligned crop; their effect on detection is measured by `measure_photographs`.

    Args:
        faces: faces to corrupt.
        precision: precision of mien, fp32 or int8.
        weights: folder of mien's weights; the shipped ones if None.
        seed: random seed; a corruption depends on it and on the name of the sample only.
        draws: number of bootstrap resamples.
        peers: peers to measure; all installed ones if None.
        corruptions: corruptions to measure.
    """
    peers = installed_peers() if peers is None else peers
    readers = [mien_reader(precision=precision, weights=weights), *map(peer_reader, peers)]
    results = _run(faces, readers, corruptions, seed)
    scatter = {
        name: _accuracies(result.hits, faces, draws, seed) for name, result in results.items()
    }
    people = len(set(clusters_of(faces.subjects).tolist()))
    there = {reader.name for reader in readers}
    return {
        "definition": DEFINITION,
        "n": len(faces),
        "missed": len(faces.missed),
        "failures": failure_rows(faces.failures),
        "seed": seed,
        "corruptions": {
            corruption.name: {
                "kind": corruption.kind.value,
                "unit": corruption.unit,
                "amounts": list(corruption.amounts),
            }
            for corruption in corruptions
        },
        "readers": {
            reader.name: {
                **reader.details,
                **_reader_figures(results[reader.name], scatter[reader.name], people, corruptions),
            }
            for reader in readers
        },
        "comparisons": {
            peer.name: _comparison(results, scatter, peer.name, len(corruptions)) for peer in peers
        },
        "absent_peers": {
            name: "not installed; see mien_lab.evaluation.peer_packages"
            for name in PEER_NAMES
            if name not in there
        },
    }


def _run(
    faces: FaceCrops, readers: Sequence[FaceReader], corruptions: Sequence[Corruption], seed: int
) -> dict[str, _Result]:
    figures: dict[str, list[dict[str, Any]]] = {reader.name: [] for reader in readers}
    hits: dict[str, list[npt.NDArray[np.bool_]]] = {reader.name: [] for reader in readers}

    def read(crops: npt.NDArray[np.uint8]) -> None:
        for reader in readers:
            scores = reader.scores(crops)
            figures[reader.name].append(_figures(faces, scores, reader.quantile))
            hits[reader.name].append(scores.argmax(axis=1) == faces.truth)

    read(faces.crops)
    for corruption in corruptions:
        log.info("measuring %s", corruption.name)
        for severity in SEVERITIES:
            pairs = zip(faces.crops, faces.names, strict=True)
            read(np.stack([corruption.apply(c, severity, seed=seed, name=n) for c, n in pairs]))
    return {name: _Result(figures[name], np.array(hits[name])) for name in figures}


def _figures(
    faces: FaceCrops, scores: npt.NDArray[np.floating], quantile: float | None
) -> dict[str, float | None]:
    """Figures of one condition, with calibration and sets if there is a `quantile`."""
    sets = None if quantile is None else prediction_sets(scores, quantile)
    labels = tuple(str(emotion) for emotion in EMOTIONS)
    cases = Cases(faces.names, faces.truth, scores.astype(np.float64), labels, sets)
    figures = scorer(cases)(np.ones(len(cases)))
    # Labels without faces are omitted: their precision is undefined unless they are predicted.
    rates = {
        f"per_class.{labels[index]}.{rate}"
        for index in np.unique(faces.truth)
        for rate in ("precision", "recall", "f1")
    }
    wanted = {*_HEADLINES, *rates, *(() if quantile is None else _CALIBRATED)}
    return {name: _number(value) for name, value in figures.items() if name in wanted}


def _accuracies(
    hits: npt.NDArray[np.bool_], faces: FaceCrops, draws: int, seed: int
) -> npt.NDArray[np.float64]:
    """Accuracies (1 + draws, conditions): of the sample first, then of each bootstrap draw.

    The draws are the same for all readers, so that differences are paired.
    """
    rows = np.vstack([hits, np.ones(len(faces))]).T.astype(np.float64)
    people = clusters_of(faces.subjects)
    sums = resample(rows, people, draw_times(people, draws=draws, seed=seed))
    return np.asarray(sums[:, :-1] / sums[:, -1:])


def _relative(accuracies: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Accuracy on corrupted faces relative to clean ones, (1 + draws, conditions - 1)."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(accuracies[:, :1] > 0, accuracies[:, 1:] / accuracies[:, :1], np.nan)


def _reader_figures(
    result: _Result,
    accuracies: npt.NDArray[np.float64],
    people: int,
    corruptions: Sequence[Corruption],
) -> dict[str, Any]:
    relative = _relative(accuracies)
    means = relative.mean(axis=1)
    count = len(SEVERITIES)
    by_corruption = relative[0].reshape(-1, count).mean(axis=1)
    kinds = np.array([corruption.kind for corruption in corruptions])
    conditions = [
        figures | {"accuracy_interval": rounded(share_interval(draws[1:], draws[0], people))}
        for figures, draws in zip(result.figures, accuracies.T, strict=True)
    ]
    return {
        "clean": conditions[0],
        "relative_accuracy": _number(means[0]),
        "relative_accuracy_interval": rounded(share_interval(means[1:], means[0], 0)),
        "damaged": {
            # All conditions have the same labels, so that the same figures are undefined.
            name: None
            if clean is None
            else _number(float(np.mean([row[name] for row in result.figures[1:]])))
            for name, clean in result.figures[0].items()
        },
        "relative_accuracy_by_kind": {
            kind.value: _number(by_corruption[kinds == kind].mean())
            for kind in Kind
            if (kinds == kind).any()
        },
        "relative_accuracy_by_corruption": {
            corruption.name: _number(value)
            for corruption, value in zip(corruptions, by_corruption, strict=True)
        },
        "curves": {
            corruption.name: conditions[1 + index * count : 1 + (index + 1) * count]
            for index, corruption in enumerate(corruptions)
        },
    }


def _comparison(
    results: Mapping[str, _Result],
    scatter: Mapping[str, npt.NDArray[np.float64]],
    peer: str,
    corruptions: int,
) -> dict[str, Any]:
    difference = _relative(scatter["mien"]).mean(axis=1) - _relative(scatter[peer]).mean(axis=1)
    errors = {name: 1 - results[name].hits.mean(axis=1) for name in ("mien", peer)}
    sums = {
        name: values[1:].reshape(corruptions, -1).sum(axis=1) for name, values in errors.items()
    }
    rises = {name: sums[name] - len(SEVERITIES) * errors[name][0] for name in sums}
    return {
        "relative_accuracy_difference": _number(difference[0]),
        "interval": rounded(share_interval(difference[1:], difference[0], 0)),
        "mce": _mean_ratio(sums["mien"], sums[peer]),
        "relative_mce": _mean_ratio(rises["mien"], rises[peer]),
    }


def _mean_ratio(values: npt.NDArray[np.float64], baseline: npt.NDArray[np.float64]) -> float | None:
    """The mean ratio over corruptions; None if the baseline is not positive for one of them."""
    return None if (baseline <= 0).any() else _number(float((values / baseline).mean()))


def _number(value: float) -> float | None:
    return round(float(value), 4) if np.isfinite(value) else None
