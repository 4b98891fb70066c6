"""Temperature scaling and split-conformal quantile, fitted on held-out faces."""

import math

import numpy as np
import numpy.typing as npt

from mien.models.calibration import softmax

__all__ = ["calibration", "conformal_quantile", "fit_temperature"]


def fit_temperature(logits: npt.NDArray[np.floating], labels: npt.NDArray[np.integer]) -> float:
    """The temperature that minimises the negative log-likelihood (Guo et al., ICML 2017).

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
    """The split-conformal quantile of prediction sets with the given coverage.

    Least ambiguous sets (Sadinle, Lei, Wasserman, JASA 114, 2019): the nonconformity score is one
    minus the probability of the true label, and a set holds all labels with a score up to the
    quantile.

    Args:
        probabilities: (n, k) calibrated probabilities of held-out faces.
        labels: (n,) class indices.
        coverage: nominal coverage of the sets.

    Returns:
        The quantile; 1, which puts all labels into every set, if there are too few faces.
    """
    scores = 1.0 - probabilities[np.arange(len(labels)), labels]
    # Finite-sample correction of split conformal prediction.
    needed = math.ceil((len(labels) + 1) * coverage)
    if needed > len(labels):
        return 1.0
    return float(np.sort(scores)[needed - 1])


def calibration(
    logits: npt.NDArray[np.floating],
    labels: npt.NDArray[np.integer],
    held: npt.NDArray[np.bool_],
) -> dict[str, float]:
    """`temperature` and `conformal_quantile` for 90 % coverage, for a card.

    The temperature is fitted on one part of the faces and the quantile on the other. The two are
    independent if the parts are.

    Args:
        logits: (n, k) out-of-fold logits.
        labels: (n,) class indices.
        held: (n,) which faces the quantile is fitted on. For independent parts, all copies of a
            face must be in one of them.
    """
    temperature = fit_temperature(logits[~held], labels[~held])
    quantile = conformal_quantile(softmax(logits[held], temperature), labels[held])
    return {"temperature": round(temperature, 4), "conformal_quantile": round(quantile, 4)}
