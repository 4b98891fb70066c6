"""Likely label errors, by confident learning."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mien.core.errors import InputError

__all__ = ["LabelError", "find_label_errors"]


@dataclass(frozen=True)
class LabelError:
    """A label that the network's probabilities speak against.

    Attributes:
        row: of the sample.
        given: index of its label.
        likely: index of the most probable label.
        self_confidence: probability of the given label; the lower, the likelier the error.
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
    """Labels that are likely wrong, the likeliest first.

    Confident learning (Northcutt, Jiang and Chuang, "Confident learning: estimating uncertainty in
    dataset labels", JAIR 70, 2021) in cleanlab's implementation: each class has its own threshold,
    the mean probability that its samples give it; a sample counts as an error if another class is
    the most probable of those that reach their thresholds. Errors are ranked by the probability of
    the given label.

    It takes the network's side: a network that is blind to a class calls its samples wrong, and one
    that was trained on these very labels has learned their errors by heart.

    Args:
        truth: (n,) class indices as given.
        probabilities: (n, classes), each row from a network that did not train on that sample.

    Raises:
        InputError: if there are fewer than two classes, so that nothing can be taken for another.
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
