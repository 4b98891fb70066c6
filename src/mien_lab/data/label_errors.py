"""Likely label errors, by confident learning."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mien.core.errors import InputError

__all__ = ["LabelError", "find_label_errors"]


@dataclass(frozen=True)
class LabelError:
    """A label that contradicts the predicted probabilities.

    Attributes:
        row: row of the sample.
        given: index of its label.
        likely: index of the most probable label.
        self_confidence: probability of the given label; lower means a likelier error.
        confidence: probability of the most probable label.
    """

    row: int
    given: int
    likely: int
    self_confidence: float
    confidence: float


def find_label_errors(
    truth: npt.NDArray[np.integer], probabilities: npt.NDArray[np.floating]
) -> list[LabelError]:
    """Find likely label errors by confident learning, the likeliest first.

    Uses cleanlab's implementation (Northcutt, Jiang and Chuang, "Confident learning: estimating
    uncertainty in dataset labels", JAIR 70, 2021). The threshold of a class is the mean probability
    that its samples give it. A sample is an error if, among the classes above their thresholds,
    another than its label is the most probable. Errors are ranked by the probability of the given
    label.

    The result depends on the network: classes that it cannot recognise are reported as errors, and
    label errors that it was trained on are missed.

    Args:
        truth: (n,) given class indices.
        probabilities: (n, classes) out-of-sample predictions.

    Raises:
        InputError: if there are fewer than two classes.
    """
    if len(np.unique(truth)) < 2:
        raise InputError("label errors need samples of two classes at least; add those of another")
    from cleanlab.filter import find_label_issues

    rows: Sequence[int] = find_label_issues(
        truth,
        probabilities.astype(np.float64),
        filter_by="confident_learning",
        return_indices_ranked_by="self_confidence",
        n_jobs=1,
    )
    return [_error(int(row), truth, probabilities) for row in rows]


def _error(
    row: int, truth: npt.NDArray[np.integer], probabilities: npt.NDArray[np.floating]
) -> LabelError:
    given, likely = int(truth[row]), int(probabilities[row].argmax())
    return LabelError(
        row, given, likely, float(probabilities[row, given]), float(probabilities[row, likely])
    )
