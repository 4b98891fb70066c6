"""Whole photographs with one expression label each, read end to end as a user would."""

import csv
from pathlib import Path
from typing import Any

import numpy as np

from mien.core.errors import InputError
from mien.core.labels import EMOTIONS, parse_emotion
from mien.pipeline.analyzer import Analyzer
from mien_lab.evaluation.metrics import classification_figures, wilson_interval

__all__ = ["evaluate_photographs"]


def evaluate_photographs(
    folder: Path, *, precision: str | None = None, weights: Path | None = None
) -> dict[str, Any]:
    """Figures over `images/` and `labels.csv` (`image,emotion`); the largest face is the one meant.

    A photograph in which no face is found counts as wrong in the accuracy; it is left out of the
    figures per class, and `missed` says how many there are.
    """
    labels_file = folder / "labels.csv"
    if not labels_file.exists():
        raise InputError(f"{labels_file} is missing; it needs the columns image and emotion")
    with labels_file.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    truth, predicted, covered, several = [], [], 0, 0
    with Analyzer(precision=precision, weights=weights) as analyzer:
        for row in rows:
            label = parse_emotion(row["emotion"])
            readings = analyzer.analyze(folder / "images" / row["image"]).faces
            several += len(readings) > 1
            if readings:
                truth.append(EMOTIONS.index(label))
                predicted.append(EMOTIONS.index(readings[0].top))
                covered += label in readings[0].prediction_set
    figures = classification_figures(
        np.array(truth, dtype=np.intp),
        np.array(predicted, dtype=np.intp),
        [str(emotion) for emotion in EMOTIONS],
    )
    hits = int(np.trace(np.array(figures["confusion"])))
    return figures | {
        "n": len(rows),
        "missed": len(rows) - len(truth),
        "several": several,
        "accuracy": hits / max(len(rows), 1),
        "accuracy_interval": wilson_interval(hits, len(rows)),
        "conformal_coverage": covered / max(len(rows), 1),
    }
