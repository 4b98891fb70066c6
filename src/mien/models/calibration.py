"""From logits to probabilities that mean what they say: temperature, sets, calibration error."""

import math

import numpy as np
import numpy.typing as npt

from mien.core.labels import EMOTIONS, Emotion

__all__ = [
    "conformal_quantile",
    "expected_calibration_error",
    "fit_temperature",
    "prediction_sets",
    "ranked_set",
    "softmax",
]

ROUNDING = 1e-6
"""Probabilities may have been rounded to single precision since the quantile was taken."""


def softmax(logits: npt.NDArray[np.floating], temperature: float = 1.0) -> npt.NDArray[np.float64]:
    """Probabilities over the last axis of logits divided by a temperature."""
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    scaled -= scaled.max(axis=-1, keepdims=True)
    exponent = np.exp(scaled)
    return np.asarray(exponent / exponent.sum(axis=-1, keepdims=True))


def fit_temperature(logits: npt.NDArray[np.floating], labels: npt.NDArray[np.integer]) -> float:
    """The temperature of least negative log-likelihood (Guo et al., ICML 2017).

    Args:
        logits: (n, k).
        labels: (n,) class indices.

    Returns:
        A temperature between 0.05 and 20, found by golden-section search on its logarithm.
    """

    def loss(log_temperature: float) -> float:
        probabilities = softmax(logits, math.exp(log_temperature))
        return float(-np.log(probabilities[np.arange(len(labels)), labels] + 1e-12).mean())

    golden = (math.sqrt(5) - 1) / 2
    low, high = math.log(0.05), math.log(20.0)
    while high - low > 1e-4:
        left, right = high - golden * (high - low), low + golden * (high - low)
        if loss(left) < loss(right):
            high = right
        else:
            low = left
    return math.exp((low + high) / 2)


def conformal_quantile(
    probabilities: npt.NDArray[np.floating],
    labels: npt.NDArray[np.integer],
    coverage: float = 0.9,
) -> float:
    """The threshold that gives prediction sets their coverage.

    Least ambiguous sets (Sadinle, Lei, Wasserman, JASA 114, 2019): the score of a face is the
    probability that its label lacks, and its set holds all labels that lack no more than the
    quantile of the scores.

    Args:
        probabilities: (n, k) calibrated, of faces that were not trained on.
        labels: (n,) class indices.
        coverage: the share of faces whose set shall hold their label.

    Returns:
        The threshold; 1, all labels in every set, where there are too few faces for the coverage.
    """
    scores = 1.0 - probabilities[np.arange(len(labels)), labels]
    # The finite-sample correction of split conformal prediction.
    needed = math.ceil((len(labels) + 1) * coverage)
    if needed > len(labels):
        return 1.0
    return float(np.sort(scores)[needed - 1])


def prediction_sets(
    probabilities: npt.NDArray[np.floating], quantile: float
) -> npt.NDArray[np.bool_]:
    """Members of each row's prediction set, (n, k): labels whose probability lacks no more.

    Where no label is probable enough to be a member, none can be ruled out: all are. Rows of zeros,
    of what was not found, have no members.
    """
    members = np.asarray(1.0 - probabilities <= quantile + ROUNDING)
    members[~members.any(axis=1)] = True
    members[probabilities.sum(axis=1) == 0] = False
    return members


def ranked_set(probabilities: npt.NDArray[np.floating], quantile: float) -> tuple[Emotion, ...]:
    """The prediction set of one row of probabilities, (8,), the most probable label first."""
    members = prediction_sets(probabilities[None], quantile)[0]
    ranked = np.argsort(-probabilities, kind="stable")
    return tuple(EMOTIONS[index] for index in ranked if members[index])


def expected_calibration_error(
    probabilities: npt.NDArray[np.floating], labels: npt.NDArray[np.integer], bins: int = 15
) -> float:
    """Mean gap of confidence and accuracy over equally wide bins (Guo et al., ICML 2017)."""
    confidence = probabilities.max(axis=1)
    hit = probabilities.argmax(axis=1) == labels
    index = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [
        abs(hit[index == bin_].mean() - confidence[index == bin_].mean()) * (index == bin_).mean()
        for bin_ in range(bins)
        if (index == bin_).any()
    ]
    return float(sum(gaps))
