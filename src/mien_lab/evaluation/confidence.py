"""How far probabilities can be trusted: calibration, prediction sets, abstention.

Functions take weights of the cases, so that a resampled collection need not be copied;
`trust_figures` counts each case once.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mien_lab.evaluation.metrics import Ranking

__all__ = [
    "BINS",
    "Reliability",
    "RiskCoverage",
    "reliability",
    "risk_coverage",
    "set_figures",
    "trust_figures",
]

BINS = 15
"""Equally wide bins of confidence, as in Guo et al., ICML 2017."""
CURVE_POINTS = 100

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Reliability:
    """Confidence against accuracy in equally wide bins of confidence.

    Attributes:
        count: (bins,) weight of the cases in each bin.
        confidence: (bins,) its mean confidence; NaN where it is empty.
        accuracy: (bins,) its share of hits; NaN where it is empty.
    """

    count: Floats
    confidence: Floats
    accuracy: Floats

    @property
    def error(self) -> float:
        """The expected calibration error (Guo et al., ICML 2017); NaN without cases."""
        if not self.count.sum():
            return float("nan")
        gaps = np.abs(self.accuracy - self.confidence)
        return float(np.nansum(gaps * self.count) / self.count.sum())

    def to_rows(self) -> list[dict[str, Any]]:
        """A row for each bin that is not empty."""
        edges = np.linspace(0.0, 1.0, len(self.count) + 1)
        return [
            {
                "from": round(float(edges[bin_]), 4),
                "to": round(float(edges[bin_ + 1]), 4),
                "n": int(self.count[bin_]),
                "confidence": float(self.confidence[bin_]),
                "accuracy": float(self.accuracy[bin_]),
            }
            for bin_ in np.flatnonzero(self.count)
        ]


def reliability(
    confidence: npt.NDArray[np.floating],
    hit: npt.NDArray[np.bool_],
    weights: Floats,
    bins: int = BINS,
) -> Reliability:
    """Sort cases into bins by confidence.

    Args:
        confidence: (n,) probability of the most probable label.
        hit: (n,) whether that label is right.
        weights: (n,) of the cases.
        bins: how many.
    """
    index = np.minimum((confidence * bins).astype(np.intp), bins - 1)
    count, sure, right = (
        np.bincount(index, weights=values, minlength=bins).astype(np.float64)
        for values in (weights, weights * confidence, weights * hit)
    )
    with np.errstate(invalid="ignore"):
        return Reliability(count, sure / count, right / count)


def set_figures(
    sets: npt.NDArray[np.bool_], truth: npt.NDArray[np.integer], weights: Floats
) -> tuple[float, float]:
    """Coverage and mean size of prediction sets; NaN where there are none.

    An empty set, where no face was found, covers nothing and has no size.

    Args:
        sets: (n, k) members.
        truth: (n,) class indices.
        weights: (n,) of the cases.
    """
    sizes = sets.sum(axis=1)
    covered = sets[np.arange(len(truth)), truth]
    some = weights * (sizes > 0)
    total, answered = weights.sum(), some.sum()
    return (
        float((weights * covered).sum() / total) if total else float("nan"),
        float((some * sizes).sum() / answered) if answered else float("nan"),
    )


def trust_figures(
    probabilities: npt.NDArray[np.floating],
    truth: npt.NDArray[np.integer],
    sets: npt.NDArray[np.bool_],
) -> dict[str, float]:
    """How far calibrated probabilities and their prediction sets keep their word; NaN of no cases.

    Args:
        probabilities: (n, k).
        truth: (n,) class indices.
        sets: (n, k) members.
    """
    ones = np.ones(len(truth))
    right = probabilities.argmax(axis=1) == truth
    coverage, size = set_figures(sets, truth, ones)
    return {
        "expected_calibration_error": reliability(probabilities.max(axis=1), right, ones).error,
        "conformal_coverage": coverage,
        "conformal_mean_size": size,
    }


@dataclass(frozen=True)
class RiskCoverage:
    """The share of errors among the cases that are answered, as the less sure ones are left out.

    Attributes:
        coverage: (g,) share of cases answered, rising to 1.
        risk: (g,) share of these that are wrong.
        area: mean risk over all coverages, AURC (Geifman, Uziel, El-Yaniv, ICLR 2019); NaN without
            cases.
    """

    coverage: Floats
    risk: Floats
    area: float

    def to_points(self) -> list[list[float]]:
        """Pairs of coverage and risk, about `CURVE_POINTS`, evenly spread over the coverage."""
        if not len(self.coverage):
            return []
        wanted = np.linspace(1.0 / CURVE_POINTS, 1.0, CURVE_POINTS)
        chosen = np.unique(
            np.searchsorted(self.coverage, wanted - 1e-12).clip(0, len(self.risk) - 1)
        )
        return [[float(self.coverage[point]), float(self.risk[point])] for point in chosen]


def risk_coverage(ranking: Ranking, wrong: npt.NDArray[np.bool_], weights: Floats) -> RiskCoverage:
    """The curve and its area; cases of equal confidence are answered or left out together.

    Args:
        ranking: of the confidence of the cases.
        wrong: (n,) whether the answer is wrong.
        weights: (n,) of the cases.
    """
    count = ranking.sums(weights)
    errors = ranking.sums(weights * wrong)
    some = count > 0
    count, answered = count[some], np.cumsum(count[some])
    if not len(answered):
        return RiskCoverage(np.zeros(0), np.zeros(0), float("nan"))
    risk = np.cumsum(errors[some]) / answered
    return RiskCoverage(answered / answered[-1], risk, float((count * risk).sum() / answered[-1]))
