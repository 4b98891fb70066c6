"""Predictions of the pipeline for labelled samples."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mien.core.errors import InputError, MienError
from mien.core.labels import EMOTIONS
from mien.pipeline.analyzer import Analyzer
from mien_lab.data.samples import Sample, face_meant, landmarks_of, zoomed_crops_of
from mien_lab.evaluation.scored import Scored

__all__ = ["Predictions", "predict"]


@dataclass(frozen=True)
class Predictions(Scored):
    """Calibrated predictions of the pipeline for labelled samples, over `EMOTIONS`.

    Attributes:
        failures: name and reason of each sample that could not be read; it has no row.
    """

    failures: tuple[tuple[str, str], ...] = ()


def predict(
    samples: Sequence[Sample], *, precision: str | None = None, weights: Path | None = None
) -> Predictions:
    """Predict each labelled sample with the pipeline; samples without a label are skipped.

    In a whole photograph the face in the sample's box is used, or the largest if it has no box.
    Cropped samples are classified without detection.

    Raises:
        InputError: if none of the labelled samples can be read.
    """
    names, truth, rows = [], [], []
    failures: list[tuple[str, str]] = []
    with Analyzer(precision=precision, weights=weights) as analyzer:
        for sample in samples:
            if sample.label is None:
                continue
            try:
                row = _read(sample, analyzer)
            except MienError as error:
                failures.append((sample.name, str(error)))
                continue
            names.append(sample.name)
            truth.append(EMOTIONS.index(sample.label))
            rows.append(row)
    if failures and not names:
        raise InputError(
            f"none of the {len(failures)} labelled pictures can be read, the first: "
            f"{failures[0][1]}"
        )
    return Predictions(
        tuple(names),
        np.array(truth, dtype=np.int64),
        np.array(rows, dtype=np.float64).reshape(-1, len(EMOTIONS)),
        tuple(failures),
    )


def _read(sample: Sample, analyzer: Analyzer) -> npt.NDArray[np.floating]:
    if sample.cropped:
        image = sample.load()
        crops = zoomed_crops_of(image, landmarks_of(sample, image))
        result = analyzer.parts.reader.classifier.classify(crops[None])
        return np.asarray(result.probabilities[0])
    readings = analyzer.analyze(sample.load()).faces
    meant = face_meant(sample, [reading.face.box for reading in readings])
    values = [0.0] * len(EMOTIONS) if meant is None else readings[meant].scores.probabilities
    return np.array(values, dtype=np.float64)
