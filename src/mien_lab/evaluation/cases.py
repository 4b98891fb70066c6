"""Labelled cases with predictions, and all figures computed from them."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mien_lab.evaluation.confidence import (
    Floats,
    reliability,
    risk_coverage,
    set_figures,
)
from mien_lab.evaluation.intervals import Bootstrap
from mien_lab.evaluation.metrics import (
    Ranking,
    Rates,
    class_rates,
    roc_auc,
    weighted_confusion,
)
from mien_lab.evaluation.scored import Scored

__all__ = ["Cases", "all_figures", "scorer", "summary"]


@dataclass(frozen=True)
class Cases(Scored):
    """Cases with everything that figures are computed from.

    Attributes:
        labels: (k,) names of the classes that `truth` indexes.
        sets: (n, k) members of the prediction sets, empty where no face was found; None if the
            reader gives none.
        subjects: (n,) subject indices, from 0 without gaps; None if unknown.
    """

    labels: tuple[str, ...]
    sets: npt.NDArray[np.bool_] | None = None
    subjects: npt.NDArray[np.intp] | None = None


def all_figures(cases: Cases, bootstrap: Bootstrap | None = None) -> dict[str, Any]:
    """All figures of a set of cases, as plain values for JSON.

    A case without a detected face counts as an error in accuracy, in the recall of its class, in
    the coverage of prediction sets, and, with the lowest confidence, in the risk. ROC-AUC and
    calibration are over detected faces. Macro figures are means over the classes with cases,
    weighted ones are weighted by support. Figures that cannot be computed are None and listed in
    `not_computed` with the reason.
    """
    ones = np.ones(len(cases))
    score = scorer(cases)
    values = score(ones)
    drawn = (bootstrap or Bootstrap()).intervals(score, cases.truth, cases.subjects, _shares(cases))
    sums = weighted_confusion(cases.truth, cases.predicted, len(cases.labels), ones)
    matrix = sums.astype(np.int64)
    plain = {name: None if math.isnan(value) else value for name, value in values.items()}
    confidence = cases.probabilities.max(axis=1, initial=0.0)
    wrong, found = cases.predicted != cases.truth, cases.found
    return {
        "n": len(cases),
        "missed": int((~found).sum()),
        **{name: value for name, value in plain.items() if "." not in name},
        "per_class": {
            label: {
                **{name: plain[f"per_class.{label}.{name}"] for name in _RATES},
                "support": int(matrix[index].sum()),
            }
            for index, label in enumerate(cases.labels)
        },
        "roc_auc": {label: plain[f"roc_auc.{label}"] for label in cases.labels},
        "labels": list(cases.labels),
        "confusion": matrix[:, :-1].tolist(),
        "missed_per_class": matrix[:, -1].tolist(),
        "reliability": reliability(confidence[found], ~wrong[found], ones[found]).to_rows(),
        "risk_coverage": risk_coverage(Ranking.of(confidence), wrong, ones).to_points(),
        "intervals": drawn.to_dict(),
        "not_computed": [
            {"figure": name, "reason": _reason(name, cases, matrix)}
            for name, value in plain.items()
            if value is None
        ],
    }


_RATES = ("precision", "recall", "f1")


def _shares(cases: Cases) -> dict[str, npt.NDArray[np.bool_]]:
    """The figures that are shares, with the mask (n,) of the cases in their denominator."""
    everything = np.ones(len(cases), np.bool_)
    shares = dict.fromkeys(("accuracy", "weighted_recall", "conformal_coverage"), everything)
    for index, label in enumerate(cases.labels):
        shares[f"per_class.{label}.recall"] = cases.truth == index
        shares[f"per_class.{label}.precision"] = cases.predicted == index
    return shares


def scorer(cases: Cases) -> Callable[[Floats], dict[str, float]]:
    """The headline figures as a function of case weights (n,); NaN where undefined.

    Names with a dot are figures of one class. Quantities independent of the weights are computed
    once.
    """
    predicted, found, labels = cases.predicted, cases.found, cases.labels
    confidence = cases.probabilities.max(axis=1, initial=0.0)
    wrong = predicted != cases.truth
    seen, truth = cases.probabilities[found], cases.truth[found]
    rankings = [Ranking.of(column) for column in seen.T]
    positives = [truth == index for index in range(len(labels))]
    surest = Ranking.of(confidence)
    present = np.isin(np.arange(len(labels)), cases.truth)
    ranked = sum(bool(positive.any() and not positive.all()) for positive in positives)

    def score(weights: Floats) -> dict[str, float]:
        matrix = weighted_confusion(cases.truth, predicted, len(labels), weights)
        rates = class_rates(matrix)
        there = weights[found]
        areas = [
            roc_auc(ranking, positive, there)
            for ranking, positive in zip(rankings, positives, strict=True)
        ]
        nothing = (math.nan, math.nan)
        coverage, size = (
            nothing if cases.sets is None else set_figures(cases.sets, cases.truth, weights)
        )
        defined = [area for area in areas if not math.isnan(area)]
        figures = {
            **summary(matrix, rates, present),
            "roc_auc_macro": _ratio(sum(defined), ranked if len(defined) == ranked else 0),
            "expected_calibration_error": reliability(
                confidence[found], ~wrong[found], there
            ).error,
            "conformal_coverage": coverage,
            "conformal_mean_size": size,
            "aurc": risk_coverage(surest, wrong, weights).area,
        }
        for index, label in enumerate(labels):
            for name in _RATES:
                figures[f"per_class.{label}.{name}"] = float(getattr(rates, name)[index])
            figures[f"roc_auc.{label}"] = areas[index]
        return figures

    return score


def summary(matrix: Floats, rates: Rates, present: npt.NDArray[np.bool_]) -> dict[str, float]:
    """Accuracy, and macro and weighted means over labels.

    Macro means are NaN if a label that the cases have is missing in the resample.

    Args:
        matrix: (k, k + 1) from `weighted_confusion`.
        rates: rates of the matrix.
        present: (k,) which labels the cases have.
    """
    accuracy = _ratio(float(np.trace(matrix)), float(matrix.sum()))
    return {"accuracy": accuracy, **_means(rates, present)}


def _means(rates: Rates, present: npt.NDArray[np.bool_]) -> dict[str, float]:
    drawn = rates.support > 0
    whole = bool(drawn[present].all())
    means = {}
    for name in _RATES:
        values = getattr(rates, name)[drawn]
        support = rates.support[drawn]
        means[f"macro_{name}"] = _ratio(float(values.sum()), len(values) if whole else 0)
        means[f"weighted_{name}"] = _ratio(float(values @ support), float(support.sum()))
    return means


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else math.nan


def _reason(name: str, cases: Cases, matrix: npt.NDArray[np.int64]) -> str:
    """Why a figure is undefined, in a sentence."""
    if not len(cases):
        return "there are no cases"
    if name.startswith("conformal"):
        return "no face was found" if cases.sets is not None else "this reader gives no sets"
    if "." not in name:
        return "no face was found" if not cases.found.any() else "all cases are of one class"
    index = cases.labels.index(name.split(".")[1])
    if not matrix[index].sum():
        return "no case has this label"
    if not matrix[index, :-1].sum():
        return "no face with this label was found"
    return "every face found has this label"
