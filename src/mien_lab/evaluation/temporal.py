"""Evaluation over time: the recurrent network, single frames, and moving averages."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core.labels import EMOTIONS
from mien.models.calibration import prediction_sets, softmax
from mien.models.temporal import TemporalReader
from mien_lab.data.sequences import Sequences, read_steps
from mien_lab.evaluation.confidence import trust_figures
from mien_lab.evaluation.metrics import classification_figures
from mien_lab.evaluation.resampling import clusters_of

__all__ = ["evaluate_temporal", "moving_average", "series_figures"]

AVERAGES_S = (0.04, 0.08, 0.12, 0.16, 0.2, 0.3, 0.4, 0.6, 0.8, 1.2)
"""Time constants of the compared moving averages, in seconds."""

Floats = npt.NDArray[np.float64]


def evaluate_temporal(
    reader: TemporalReader,
    clips: Sequences,
    temperature: float,
    quantile: float,
    subjects: Sequence[str] = (),
) -> dict[str, Any]:
    """Figures of each method on the clips; see `series_figures`.

    `gained` is the accuracy of the recurrent network minus that of single frames and of the best
    moving average, over frames. Standard errors are clustered by clip, or by person where subjects
    are known, as `clustered_by` says; None for a single one. The best moving average is chosen by
    accuracy on these same clips, which favours it. Moving averages, like the recurrent network, use
    crops that alternate between two zooms; single frames use one zoom.

    Args:
        reader: the recurrent network.
        clips: clips that were not trained on.
        temperature: temperature of the expression network, for single frames and averages.
        quantile: conformal quantile of the recurrent network.
        subjects: (n,) subject of each clip; empty where unknown.
    """
    single, read = (softmax(said, temperature) for said in (clips.single, clips.logits))
    averages = {seconds: moving_average(read, clips.times, seconds) for seconds in AVERAGES_S}
    swept = {seconds: series_figures(average, clips) for seconds, average in averages.items()}
    best = max(swept, key=lambda seconds: swept[seconds]["accuracy"])
    probabilities = read_steps(reader, clips, calibrated=True)
    shown = clips.labels >= 0
    flat, truth = probabilities[shown], clips.labels[shown]
    calibration = trust_figures(flat, truth, prediction_sets(flat, quantile))
    clusters = clusters_of(subjects or [""] * len(clips))
    others = {"single frames": single, "best moving average": averages[best]}
    known = any(subjects)
    return {
        "clips": len(clips),
        "clustered_by": "people" if known else "clips",
        "people": int(clusters.max()) + 1 if known else None,
        "gained": {
            way: _gain(probabilities, other, clips, clusters) for way, other in others.items()
        },
        "single frames": series_figures(single, clips),
        "recurrent": series_figures(probabilities, clips) | calibration,
        "best moving average": {"time_constant_s": best} | swept[best],
        "moving averages": {str(seconds): figures for seconds, figures in swept.items()},
    }


def _gain(
    own: Floats, other: Floats, clips: Sequences, clusters: npt.NDArray[np.int64]
) -> dict[str, float | None]:
    """Accuracy over frames of one method minus that of another, and its standard error.

    The error is that of Liang and Zeger (Biometrika 73, 1986) for a mean over the frames of k
    clusters, with the small-sample correction k / (k - 1) of the variance; None if k is 1.

    Args:
        own: (n, t, 8) probabilities of the first method.
        other: (n, t, 8) probabilities of the second one.
        clips: the n clips.
        clusters: (n,) cluster of each clip, from `clusters_of`.
    """
    shown = clips.labels >= 0
    right, other_right = (said.argmax(axis=2) == clips.labels for said in (own, other))
    more = right.astype(np.float64) - other_right
    mean = more[shown].mean()
    sums = np.bincount(clusters, np.where(shown, more - mean, 0.0).sum(axis=1))
    count = len(sums)
    error = None
    if count > 1:
        error = float(np.sqrt((sums**2).sum() * count / (count - 1)) / shown.sum())
    return {"mean": float(mean), "standard_error": error}


def moving_average(probabilities: Floats, times: Floats, seconds: float) -> Floats:
    """Exponential moving average (n, t, 8) over time with a time constant in seconds."""
    mean = probabilities.copy()
    for index in range(1, probabilities.shape[1]):
        elapsed = times[:, index] - times[:, index - 1]
        gain = 1 - np.exp(-np.maximum(elapsed, 0.0) / seconds)
        mean[:, index] = mean[:, index - 1] + gain[:, None] * (
            probabilities[:, index] - mean[:, index - 1]
        )
    return mean


def series_figures(probabilities: Floats, clips: Sequences) -> dict[str, Any]:
    """Accuracy and macro recall of frames, label changes per second, and delay of true changes.

    A true change is a change of the label within a clip. It is recognised if the new label is
    predicted before the next true change; `recognised` is the share of these, None if nothing
    changes. The delay is in milliseconds from the frame of the true change, over recognised
    changes; None if there are none.
    """
    predicted = probabilities.argmax(axis=2)
    shown = clips.labels >= 0
    together = shown[:, 1:] & shown[:, :-1]
    seconds = float(((clips.times[:, 1:] - clips.times[:, :-1]) * together).sum())
    delays, changes = [], 0
    for labels, row, times in zip(clips.labels, predicted, clips.times, strict=True):
        turns = [*(np.flatnonzero(np.diff(labels)) + 1).tolist(), len(labels)]
        for begin, end in pairwise(turns):
            if labels[begin] < 0:
                break
            changes += 1
            right = np.flatnonzero(row[begin:end] == labels[begin])
            if len(right):
                delays.append(float(times[begin + right[0]] - times[begin]) * 1e3)
    flips = (predicted[:, 1:] != predicted[:, :-1]) & together
    true = (clips.labels[:, 1:] != clips.labels[:, :-1]) & together
    frames = classification_figures(clips.labels[shown], predicted[shown], EMOTIONS)
    return {
        "accuracy": frames["accuracy"],
        "macro_recall": frames["macro_recall"],
        "changes_per_s": float(flips.sum() / max(seconds, 1e-9)),
        "true_changes_per_s": float(true.sum() / max(seconds, 1e-9)),
        "delay_ms_median": float(np.median(delays)) if delays else None,
        "delay_ms_mean": float(np.mean(delays)) if delays else None,
        "recognised": len(delays) / changes if changes else None,
    }
