"""Figures by group from fairlearn's `MetricFrame`, with its definitions of the rates."""

from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from fairlearn.metrics import (
    MetricFrame,
    false_positive_rate,
    selection_rate,
    true_positive_rate,
)
from sklearn.metrics import accuracy_score, f1_score

from mien.core.labels import EMOTIONS
from mien_lab.evaluation.group_sums import rate_name

__all__ = ["group_frame"]

Labels = npt.NDArray[np.int64]
Names = npt.NDArray[np.str_]


def group_frame(truth: Labels, predicted: Labels, groups: Names) -> MetricFrame:
    """Accuracy, macro F1 and the rates of each emotion, named as in `figures_of`.

    Args:
        truth: (n,) indices into `EMOTIONS`.
        predicted: (n,) indices into `EMOTIONS`; -1 without a face.
        groups: (n,) group of each sample.
    """
    metrics: dict[str, Any] = {"accuracy": accuracy_score, "macro_f1": _macro_f1}
    for index, emotion in enumerate(EMOTIONS):
        for name, rate in (
            ("false_positive_rate", false_positive_rate),
            ("recall", true_positive_rate),
            ("selection_rate", selection_rate),
        ):
            metrics[rate_name(name, emotion)] = partial(_one_against_rest, rate, index)
    return MetricFrame(
        metrics=metrics, y_true=truth, y_pred=predicted, sensitive_features=groups.astype(object)
    )


def _macro_f1(truth: Labels, predicted: Labels) -> float:
    """Macro F1 over the labels that occur in `truth`."""
    return float(
        f1_score(truth, predicted, labels=np.unique(truth), average="macro", zero_division=0)
    )


def _one_against_rest(rate: Any, emotion: int, truth: Labels, predicted: Labels) -> float:
    # fairlearn cannot infer the positive label if all or no samples have the emotion.
    return float(rate(np.asarray(truth) == emotion, np.asarray(predicted) == emotion, pos_label=1))
