"""Temperature and conformal quantile, fitted on faces that were not trained on."""

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mien.models.calibration import softmax
from mien.models.expression import ExpressionClassifier
from mien.runtime.session import open_session
from mien_lab.data.cleaning import public_rows
from mien_lab.data.duplicates import copy_groups
from mien_lab.data.faces import fer_faces, still_looks
from mien_lab.data.fer2013 import load_fer, majority

__all__ = ["calibrate_expression", "conformal_quantile", "fit_temperature"]


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


def calibrate_expression(
    folder: Path, *, precision: str, weights: Path | None = None
) -> dict[str, float]:
    """Temperature and conformal quantile for 90 % coverage, from FER+'s PublicTest.

    The temperature is fitted on one half of the rows and the quantile on the other, so that the
    quantile sees probabilities whose temperature was not fitted to its own faces: copies are in one
    half, and those of PrivateTest in none. The few constants of the heads were fitted to all of
    them (see `heads.fit_heads`).
    """
    session = open_session("expression", precision=precision, folder=weights)
    data = load_fer(folder)
    rows = public_rows(data)
    rows = rows[majority(data.votes[rows]) >= 0]
    truth = majority(data.votes[rows])
    logits = ExpressionClassifier(session).raw(still_looks(fer_faces(data, rows)))["logits"]
    odd = copy_groups(data.pixels[rows]) % 2 == 1
    temperature = fit_temperature(logits[~odd], truth[~odd])
    quantile = conformal_quantile(softmax(logits[odd], temperature), truth[odd], 0.9)
    return {"temperature": round(temperature, 4), "conformal_quantile": round(quantile, 4)}
