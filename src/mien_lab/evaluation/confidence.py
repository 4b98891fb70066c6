"""Reliability of probabilities: calibration, prediction sets, risk-coverage curves.

Functions take case weights, so that bootstrap resamples need no copies; `trust_figures` weights all
cases equally.
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
"""Number of equally wide bins of confidence, as in Guo et al., ICML 2017."""
CURVE_POINTS = 100
"""Number of points of an exported risk-coverage curve."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Reliability:
    """Confidence against accuracy in equally wide bins of confidence.

    Attributes:
        count: (bins,) total weight of the cases in each bin.
        confidence: (bins,) mean confidence; NaN in empty bins.
        accuracy: (bins,) accuracy; NaN in empty bins.
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
        """One row for each non-empty bin, for JSON."""
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
    """Bin cases by confidence.

    Args:
        confidence: (n,) probability of the most probable label.
        hit: (n,) whether that label is correct.
        weights: (n,) case weights.
        bins: number of bins.
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
    """Coverage and mean size of prediction sets; NaN without cases.

    Empty sets, where no face was found, count against coverage and not in the mean size.

    Args:
        sets: (n, k) members.
        truth: (n,) class indices.
        weights: (n,) case weights.
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
    """Calibration error, and coverage and mean size of prediction sets; NaN without cases.

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
    """Risk-coverage curve: error rate among the most confident cases.

    Attributes:
        coverage: (g,) share of answered cases, increasing to 1.
        risk: (g,) error rate among them.
        area: area under the curve, AURC (Geifman, Uziel, El-Yaniv, ICLR 2019); NaN without cases.
    """

    coverage: Floats
    risk: Floats
    area: float

    def to_points(self) -> list[list[float]]:
        """At most `CURVE_POINTS` pairs of coverage and risk, evenly spread over the coverage."""
        if not len(self.coverage):
            return []
        wanted = np.linspace(1.0 / CURVE_POINTS, 1.0, CURVE_POINTS)
        chosen = np.unique(
            np.searchsorted(self.coverage, wanted - 1e-12).clip(0, len(self.risk) - 1)
        )
        return [[float(self.coverage[point]), float(self.risk[point])] for point in chosen]


def risk_coverage(ranking: Ranking, wrong: npt.NDArray[np.bool_], weights: Floats) -> RiskCoverage:
    """Compute the curve and its area; cases of equal confidence form one point.

    Args:
        ranking: ranking of the cases by confidence.
        wrong: (n,) whether the prediction is wrong.
        weights: (n,) case weights.
    """
    count = ranking.sums(weights)
    errors = ranking.sums(weights * wrong)
    some = count > 0
    count, answered = count[some], np.cumsum(count[some])
    if not len(answered):
        return RiskCoverage(np.zeros(0), np.zeros(0), float("nan"))
    risk = np.cumsum(errors[some]) / answered
    return RiskCoverage(answered / answered[-1], risk, float((count * risk).sum() / answered[-1]))
