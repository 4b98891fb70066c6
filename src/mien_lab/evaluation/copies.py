"""Effect of FER2013's training copies of test pictures: accuracy with memorised labels."""

from typing import Any

import numpy as np
import numpy.typing as npt

from mien_lab.data.fer2013 import FER_LABELS, Fer

__all__ = ["copies_figures"]

Rows = npt.NDArray[np.intp]


def copies_figures(
    data: Fer, split: str, predicted: npt.NDArray[np.int64], copies: Rows, voted: Rows
) -> dict[str, Any]:
    """Accuracy of a network that has not seen the copies, and with their labels memorised.

    Args:
        data: FER2013.
        split: PublicTest or PrivateTest.
        predicted: (n,) predicted indices into `FER_LABELS` for the rows of the split.
        copies: (m, 2) training rows, and the test row that each shows.
        voted: indices into `FER_LABELS` predicted from FER+'s votes, for all rows of `data`.

    Returns:
        `n` and `accuracy` over all rows of the split; `copied`, the number of rows with a copy;
        `accuracy_copied` and `accuracy_others`, on rows with and without a copy; `remembered`, the
        share of rows with a copy whose label is the majority label of their copies (ties go to the
        first of `FER_LABELS`); `accuracy_remembering`, if that label replaces the prediction where
        there is a copy; `accuracy_voters`, of the labels in `voted`.
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
