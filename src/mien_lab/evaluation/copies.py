"""What FER2013's labels are worth: what remembering training copies gains, what voters know."""

from typing import Any

import numpy as np
import numpy.typing as npt

from mien_lab.data.fer2013 import FER_LABELS, Fer

__all__ = ["copies_figures"]

Rows = npt.NDArray[np.intp]


def copies_figures(
    data: Fer, split: str, predicted: npt.NDArray[np.int64], copies: Rows, voted: Rows
) -> dict[str, Any]:
    """How a reader that never saw the copies does, and how it would if it remembered their labels.

    Args:
        data: FER2013.
        split: PublicTest or PrivateTest.
        predicted: (n,) for each row of the split the index of `FER_LABELS` that was read.
        copies: (m, 2) rows of the training part, and the test row that each shows.
        voted: for each row of all the index of `FER_LABELS` that goes with what FER+'s people said.

    Returns:
        `n` and `accuracy` of all rows, `copied` rows that have a copy, the accuracy on those
        (`accuracy_copied`) and on the others, `remembered`: the share of copied rows whose label
        is the one most of its copies have (a tie goes to the first of `FER_LABELS`),
        `accuracy_remembering`: of the reader that gives that label where there is a copy, and
        `accuracy_voters`: of the labels that were `voted`.
    """
    rows = data.rows(split)
    votes = np.zeros((len(data), len(FER_LABELS)), dtype=np.int64)
    np.add.at(votes, (copies[:, 1], data.labels[copies[:, 0]]), 1)
    votes, truth = votes[rows], data.labels[rows]
    copied = votes.any(axis=1)
    right = predicted == truth
    remembered = np.where(copied, votes.argmax(axis=1), predicted) == truth
    return {
        "n": len(rows),
        "copied": int(copied.sum()),
        "accuracy": float(right.mean()),
        "accuracy_copied": _mean(right[copied]),
        "accuracy_others": _mean(right[~copied]),
        "remembered": _mean(remembered[copied]),
        "accuracy_remembering": float(remembered.mean()),
        "accuracy_voters": float((voted[rows] == truth).mean()),
    }


def _mean(right: npt.NDArray[np.bool_]) -> float | None:
    return float(right.mean()) if len(right) else None
