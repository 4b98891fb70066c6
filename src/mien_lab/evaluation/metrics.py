"""Figures of classification: pure functions of labels and predictions."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["classification_figures", "confusion_matrix", "wilson_interval"]


def confusion_matrix(
    truth: npt.NDArray[np.integer], predicted: npt.NDArray[np.integer], classes: int
) -> npt.NDArray[np.int64]:
    """Counts of shape (classes, classes): rows are the truth, columns the prediction."""
    matrix = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(matrix, (truth, predicted), 1)
    return matrix


def classification_figures(
    truth: npt.NDArray[np.integer], predicted: npt.NDArray[np.integer], labels: Sequence[str]
) -> dict[str, Any]:
    """Accuracy, macro F1, mean recall, figures per class and the confusion matrix.

    A class without support has recall 0 and does not count in the macro figures; a class that is
    never predicted has precision 0.

    Args:
        truth: (n,) class indices.
        predicted: (n,) class indices.
        labels: name of each class.
    """
    matrix = confusion_matrix(truth, predicted, len(labels))
    hits = np.diag(matrix).astype(np.float64)
    support, chosen = matrix.sum(axis=1), matrix.sum(axis=0)
    recall = hits / np.maximum(support, 1)
    precision = hits / np.maximum(chosen, 1)
    f1 = 2 * hits / np.maximum(support + chosen, 1)
    present = support > 0
    return {
        "n": int(matrix.sum()),
        "accuracy": float(hits.sum() / max(matrix.sum(), 1)),
        "macro_f1": float(f1[present].mean()) if present.any() else 0.0,
        "mean_recall": float(recall[present].mean()) if present.any() else 0.0,
        "per_class": {
            label: {
                "precision": float(precision[index]),
                "recall": float(recall[index]),
                "f1": float(f1[index]),
                "support": int(support[index]),
            }
            for index, label in enumerate(labels)
        },
        "confusion": matrix.tolist(),
    }


def wilson_interval(hits: int, count: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % confidence interval of a share (Wilson, JASA 22, 1927)."""
    if count == 0:
        return 0.0, 1.0
    share = hits / count
    centre = share + z * z / (2 * count)
    spread = z * float(np.sqrt(share * (1 - share) / count + z * z / (4 * count * count)))
    scale = 1 + z * z / count
    return (centre - spread) / scale, (centre + spread) / scale
