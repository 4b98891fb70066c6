"""Classification metrics as pure functions of labels and predictions."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = [
    "Ranking",
    "Rates",
    "class_rates",
    "classification_figures",
    "roc_auc",
    "weighted_confusion",
    "wilson_interval",
]

Floats = npt.NDArray[np.float64]


def classification_figures(
    truth: npt.NDArray[np.integer], predicted: npt.NDArray[np.integer], labels: Sequence[str]
) -> dict[str, Any]:
    """Accuracy, macro F1, macro recall, figures per class and the confusion matrix.

    A class without support has recall 0 and is excluded from macro figures; a class that is never
    predicted has precision 0.

    Args:
        truth: (n,) class indices.
        predicted: (n,) class indices, or -1 for none, which is always wrong and in no column of
            the confusion matrix.
        labels: name of each class.
    """
    counts = weighted_confusion(truth, predicted, len(labels), np.ones(len(truth)))
    rates = class_rates(counts)
    precision, recall, f1 = (
        np.nan_to_num(rate) for rate in (rates.precision, rates.recall, rates.f1)
    )
    present = rates.support > 0
    return {
        "n": len(truth),
        "accuracy": float(np.trace(counts) / max(len(truth), 1)),
        "macro_f1": float(f1[present].mean()) if present.any() else 0.0,
        "macro_recall": float(recall[present].mean()) if present.any() else 0.0,
        "per_class": {
            label: {
                "precision": float(precision[index]),
                "recall": float(recall[index]),
                "f1": float(f1[index]),
                "support": int(rates.support[index]),
            }
            for index, label in enumerate(labels)
        },
        "confusion": counts[:, :-1].astype(np.int64).tolist(),
    }


def wilson_interval(hits: float, count: int, level: float = 0.95) -> tuple[float, float]:
    """Wilson score interval of a share (Wilson, JASA 22, 1927); (0, 1) without cases."""
    if count == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + level) / 2)
    share = hits / count
    centre = share + z * z / (2 * count)
    spread = z * float(np.sqrt(share * (1 - share) / count + z * z / (4 * count * count)))
    scale = 1 + z * z / count
    return max((centre - spread) / scale, 0.0), min((centre + spread) / scale, 1.0)


@dataclass(frozen=True)
class Rates:
    """Rates per class, each (k,) float64; NaN where undefined."""

    precision: Floats
    recall: Floats
    f1: Floats
    support: Floats


def weighted_confusion(
    truth: npt.NDArray[np.integer],
    predicted: npt.NDArray[np.integer],
    classes: int,
    weights: Floats,
) -> Floats:
    """Sums of weights, (classes, classes + 1): rows are the truth, columns the prediction.

    Args:
        truth: (n,) class indices.
        predicted: (n,) class indices, or -1 for none, which is the last column.
        classes: number of classes.
        weights: (n,) case weights.
    """
    columns = np.where(predicted < 0, classes, predicted)
    flat = np.bincount(
        truth * (classes + 1) + columns, weights=weights, minlength=classes * (classes + 1)
    )
    return np.asarray(flat, np.float64).reshape(classes, classes + 1)


def class_rates(matrix: Floats) -> Rates:
    """Precision, recall and F1 per class from a confusion matrix.

    For a class without support, recall and F1 are NaN, and precision too if it is never predicted.
    A class with support that is never predicted has precision 0.

    Args:
        matrix: (k, k), or with further columns for cases without a predicted class.
    """
    hits = np.diag(matrix).astype(np.float64)
    support, chosen = matrix.sum(axis=1), matrix[:, : len(matrix)].sum(axis=0)
    absent = support == 0
    chosen_or_one = np.where(chosen > 0, chosen, 1.0)
    precision = np.where(absent & (chosen == 0), np.nan, hits / chosen_or_one)
    recall = np.where(absent, np.nan, hits / np.where(absent, 1.0, support))
    f1 = np.where(absent, np.nan, 2 * hits / np.where(absent, 1.0, support + chosen))
    return Rates(precision, recall, f1, support)


@dataclass(frozen=True)
class Ranking:
    """A ranking of scores from high to low, in which equal scores form a group.

    Attributes:
        order: (n,) indices of the scores in descending order.
        starts: (g,) start of each group in `order`.
    """

    order: npt.NDArray[np.intp]
    starts: npt.NDArray[np.intp]

    @classmethod
    def of(cls, scores: npt.NDArray[np.floating]) -> "Ranking":
        """Rank scores of shape (n,)."""
        order = np.argsort(-scores, kind="stable")
        ranked = scores[order]
        changes = np.flatnonzero(ranked[1:] != ranked[:-1]) + 1
        return cls(order, np.concatenate([np.zeros(min(len(scores), 1), np.intp), changes]))

    def sums(self, values: Floats) -> Floats:
        """The sum of values (n,) in each group, (g,)."""
        if not len(self.starts):
            return np.zeros(0)
        return np.asarray(np.add.reduceat(values[self.order], self.starts), np.float64)


def roc_auc(ranking: Ranking, positive: npt.NDArray[np.bool_], weights: Floats) -> float:
    """Area under the ROC curve; NaN without both positive and negative cases.

    It is the probability that a positive case scores above a negative one; ties count half (Hanley
    and McNeil, Radiology 143, 1982).

    Args:
        ranking: ranking of the scores.
        positive: (n,) whether a case belongs to the class.
        weights: (n,) case weights.
    """
    inside = ranking.sums(np.where(positive, weights, 0.0))
    outside = ranking.sums(np.where(positive, 0.0, weights))
    pairs = float(inside.sum() * outside.sum())
    if not pairs:
        return float("nan")
    below = outside.sum() - np.cumsum(outside)
    return float((inside * (below + outside / 2)).sum() / pairs)
