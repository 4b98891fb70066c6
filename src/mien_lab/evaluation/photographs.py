"""Whole photographs with one expression label each, read end to end as a user would."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mien.core.errors import InputError
from mien.core.labels import EMOTIONS, Emotion, parse_emotion
from mien.pipeline.analyzer import Analyzer
from mien_lab.evaluation.metrics import classification_figures, wilson_interval

__all__ = ["evaluate_photographs", "labelled_photographs", "photograph_figures"]


def evaluate_photographs(
    folder: Path, *, precision: str | None = None, weights: Path | None = None
) -> dict[str, Any]:
    """Figures over `images/` and `labels.csv` (`image,emotion`); the largest face is the one meant.

    A photograph in which no face is found counts as wrong, in the recall of its class too, and
    `missed` says how many there are.
    """
    rows = labelled_photographs(folder)
    predicted: list[Emotion | None] = []
    covered, several = 0, 0
    with Analyzer(precision=precision, weights=weights) as analyzer:
        for path, label in rows:
            readings = analyzer.analyze(path).faces
            several += len(readings) > 1
            predicted.append(readings[0].top if readings else None)
            covered += bool(readings) and label in readings[0].prediction_set
    return photograph_figures([label for _, label in rows], predicted) | {
        "several": several,
        "conformal_coverage": covered / max(len(rows), 1),
    }


def labelled_photographs(folder: Path) -> list[tuple[Path, Emotion]]:
    """The photographs named in `labels.csv` (`image,emotion`), each with its label.

    Raises:
        InputError: if the labels are missing, or one is unknown.
    """
    labels_file = folder / "labels.csv"
    if not labels_file.exists():
        raise InputError(f"{labels_file} is missing; it needs the columns image and emotion")
    with labels_file.open(newline="") as stream:
        try:
            return [
                (folder / "images" / row["image"], parse_emotion(row["emotion"]))
                for row in csv.DictReader(stream)
            ]
        except KeyError as error:
            raise InputError(
                f"{labels_file} has no column {error}; it needs image and emotion"
            ) from None
        except ValueError as error:
            raise InputError(f"{labels_file}: {error}") from None


def photograph_figures(
    truth: Sequence[Emotion], predicted: Sequence[Emotion | None]
) -> dict[str, Any]:
    """Figures of one reading per photograph; None, where no face was found, counts as wrong.

    `missed` says how many these are.
    """
    labels = np.array([EMOTIONS.index(label) for label in truth], dtype=np.int64)
    tops = [-1 if top is None else EMOTIONS.index(top) for top in predicted]
    read = np.array(tops, dtype=np.int64)
    figures = classification_figures(labels, read, [str(emotion) for emotion in EMOTIONS])
    hits = int((labels == read).sum())
    return figures | {
        "missed": int((read < 0).sum()),
        "accuracy_interval": wilson_interval(hits, len(truth)),
    }
