"""End-to-end evaluation on whole photographs with one expression label each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np

from mien.core.errors import InputError, MienError
from mien.core.labels import EMOTIONS, Emotion, parse_emotion
from mien.core.types import Reading
from mien.pipeline.analyzer import Analyzer
from mien_lab.data.tables import numbered_rows
from mien_lab.evaluation.confidence import reliability
from mien_lab.evaluation.metrics import classification_figures, wilson_interval

__all__ = ["LabelledPhotographs", "evaluate_photographs", "photograph_figures", "read_labelled"]

T = TypeVar("T")


@dataclass(frozen=True)
class LabelledPhotographs(Generic[T]):
    """Labelled photographs and the result of reading each.

    Attributes:
        names: names of the readable files.
        truth: their labels.
        found: their results.
        failures: `name` and `reason` of each unreadable file.
    """

    names: list[str]
    truth: list[Emotion]
    found: list[T]
    failures: list[dict[str, str]]


def evaluate_photographs(
    folder: Path, *, precision: str | None = None, weights: Path | None = None
) -> dict[str, Any]:
    """Figures over `images/` and `labels.csv` (`image,emotion`), by the largest face of each.

    A photograph without a detected face counts as an error, also in the recall of its class;
    `missed` is their number. The calibration error and `uncertain`, the number of readings marked
    so and how many of these and of the others are wrong, are of photographs with a face.
    Unreadable photographs are only listed in `failures`.

    Raises:
        InputError: as for `read_labelled`.
    """
    with Analyzer(precision=precision, weights=weights) as analyzer:
        read = read_labelled(folder, lambda path: analyzer.analyze(path).faces)
    covered = sum(
        bool(faces) and label in faces[0].prediction_set
        for faces, label in zip(read.found, read.truth, strict=True)
    )
    tops = [faces[0].top if faces else None for faces in read.found]
    pairs = [
        (faces[0], faces[0].top is label)
        for faces, label in zip(read.found, read.truth, strict=True)
        if faces
    ]
    return photograph_figures(read.truth, tops) | {
        "several": sum(len(faces) > 1 for faces in read.found),
        "conformal_coverage": covered / len(read.names),
        "expected_calibration_error": _calibration_error(pairs),
        "uncertain": _uncertain_figures(pairs),
        "failures": read.failures,
    }


def _calibration_error(pairs: Sequence[tuple[Reading, bool]]) -> float | None:
    if not pairs:
        return None
    confidence = np.array([reading.scores[reading.top] for reading, _ in pairs])
    right = np.array([hit for _, hit in pairs], dtype=bool)
    return reliability(confidence, right, np.ones(len(pairs))).error


def _uncertain_figures(pairs: Sequence[tuple[Reading, bool]]) -> dict[str, int]:
    wrong = [reading.uncertain for reading, hit in pairs if not hit]
    return {
        "n": sum(reading.uncertain for reading, _ in pairs),
        "wrong": sum(wrong),
        "wrong_others": len(wrong) - sum(wrong),
    }


def read_labelled(folder: Path, read: Callable[[Path], T]) -> LabelledPhotographs[T]:
    """Apply `read` to each photograph named in `labels.csv` (`image,emotion`).

    Args:
        folder: folder of `labels.csv` and `images/`.
        read: maps the path of a file to a result; raises `MienError` if it cannot be read.

    Raises:
        InputError: if the labels are missing, one is unknown, a photograph is named twice, or none
            can be read.
    """
    labels_file = folder / "labels.csv"
    if not labels_file.exists():
        raise InputError(f"{labels_file} is missing; it needs the columns image and emotion")
    result: LabelledPhotographs[T] = LabelledPhotographs([], [], [], [])
    rows = list(numbered_rows(labels_file, ("image",), ("emotion",)))
    listed: dict[Path, int] = {}
    for line, row in rows:
        if listed.setdefault(Path(row["image"]), line) != line:
            raise InputError(
                f"line {line} of {labels_file} names {row['image']!r} again; keep one row of it"
            )
    for line, row in rows:
        try:
            label = parse_emotion(row["emotion"])
        except ValueError as error:
            raise InputError(f"line {line} of {labels_file}: {error}") from None
        try:
            found = read(folder / "images" / row["image"])
        except MienError as error:
            result.failures.append({"name": row["image"], "reason": str(error)})
            continue
        result.names.append(row["image"])
        result.truth.append(label)
        result.found.append(found)
    if not result.names:
        first = f"; the first: {result.failures[0]['reason']}" if result.failures else ""
        raise InputError(f"{labels_file} names no photograph that can be read{first}")
    return result


def photograph_figures(
    truth: Sequence[Emotion], predicted: Sequence[Emotion | None]
) -> dict[str, Any]:
    """Figures of one prediction per photograph; None (no face found) counts as an error.

    `missed` is the number of these; `accuracy_interval` is Wilson's.
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
