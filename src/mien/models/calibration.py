"""From logits to probabilities that mean what they say: temperature and prediction sets."""

import numpy as np
import numpy.typing as npt

from mien.core.labels import EMOTIONS, Emotion

__all__ = ["prediction_sets", "ranked_set", "softmax"]

ROUNDING = 1e-6
"""Probabilities may have been rounded to single precision since the quantile was taken."""


def softmax(logits: npt.NDArray[np.floating], temperature: float = 1.0) -> npt.NDArray[np.float64]:
    """Probabilities over the last axis of logits divided by a temperature."""
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    scaled -= scaled.max(axis=-1, keepdims=True)
    exponent = np.exp(scaled)
    return np.asarray(exponent / exponent.sum(axis=-1, keepdims=True))


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
