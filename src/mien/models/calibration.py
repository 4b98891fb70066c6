"""Logits to calibrated probabilities and prediction sets.

Temperature scaling follows Guo et al., "On calibration of modern neural networks", ICML 2017.
Split-conformal prediction sets are the least ambiguous sets of Sadinle, Lei and Wasserman, JASA
114, 2019: the nonconformity score of a label is 1 - p. `mien_lab.training.calibration` fits the
temperature and the quantile on held-out faces.
"""

import numpy as np
import numpy.typing as npt

from mien.core.labels import EMOTIONS, Emotion

__all__ = ["prediction_sets", "ranked_set", "softmax"]

ROUNDING = 1e-6
"""Tolerance on 1 - p: probabilities may have been rounded to float32 since the quantile was fitted.
"""


def softmax(logits: npt.NDArray[np.floating], temperature: float = 1.0) -> npt.NDArray[np.float64]:
    """Softmax over the last axis of logits (..., k) divided by a temperature, (..., k) float64."""
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    scaled -= scaled.max(axis=-1, keepdims=True)
    exponent = np.exp(scaled)
    return np.asarray(exponent / exponent.sum(axis=-1, keepdims=True))


def prediction_sets(
    probabilities: npt.NDArray[np.floating], quantile: float
) -> npt.NDArray[np.bool_]:
    """Members of the split-conformal prediction set of each row.

    A label is a member if its nonconformity score 1 - p is at most `quantile`. A set that would be
    empty rules out no label, so it holds all of them. A row of zeros, which stands for a face that
    was not found, has no members.

    Args:
        probabilities: (n, k) calibrated probabilities.
        quantile: of the scores of the correct labels of the calibration set at the nominal
            coverage, with the finite-sample correction; 0 to 1.

    Returns:
        (n, k) bool.
    """
    members = np.asarray(1.0 - probabilities <= quantile + ROUNDING)
    members[~members.any(axis=1)] = True
    members[probabilities.sum(axis=1) == 0] = False
    return members


def ranked_set(probabilities: npt.NDArray[np.floating], quantile: float) -> tuple[Emotion, ...]:
    """The prediction set of one row of probabilities (8,), in order of descending probability."""
    members = prediction_sets(probabilities[None], quantile)[0]
    ranked = np.argsort(-probabilities, kind="stable")
    return tuple(EMOTIONS[index] for index in ranked if members[index])
