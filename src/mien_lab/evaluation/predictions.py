"""What the pipeline says of labelled faces: the one table that all figures are made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mien.core.errors import MienError
from mien.core.labels import EMOTIONS
from mien.core.types import Box, Face
from mien.pipeline.analyzer import Analyzer
from mien.vision.geometry import iou_matrix
from mien_lab.data.samples import Sample, crop_of

__all__ = ["Predictions", "face_meant", "predict"]

MATCH = 0.3
"""IoU from which a found face is the one that a collection's box means.

Less than the usual half, since collections frame faces otherwise than mien: with half the hair, or
from the brows to the chin.
"""


@dataclass(frozen=True)
class Predictions:
    """Parallel arrays, a row per labelled sample.

    Attributes:
        names: (n,) of the samples.
        truth: (n,) int64, indices into `EMOTIONS`.
        probabilities: (n, 8) float64, calibrated; zero rows where no face was found.
        failures: name and one sentence for each sample that could not be read; they have no row.
    """

    names: tuple[str, ...]
    truth: npt.NDArray[np.int64]
    probabilities: npt.NDArray[np.float64]
    failures: tuple[tuple[str, str], ...] = ()

    def __len__(self) -> int:
        """How many rows."""
        return len(self.names)

    @property
    def found(self) -> npt.NDArray[np.bool_]:
        """(n,) whether a face was found."""
        return np.asarray(self.probabilities.sum(axis=1) > 0)

    @property
    def predicted(self) -> npt.NDArray[np.int64]:
        """(n,) the most probable label; -1, which is wrong whatever the truth, without a face."""
        return np.where(self.found, self.probabilities.argmax(axis=1), -1)


def predict(
    samples: Sequence[Sample], *, precision: str | None = None, weights: Path | None = None
) -> Predictions:
    """Read each labelled sample with the code that serves; samples without a label are left out.

    Of a whole photograph the face in the sample's box is the one meant, the largest if it has no
    box; a cropped sample is read as it is.
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
    return Predictions(
        tuple(names),
        np.array(truth, dtype=np.int64),
        np.array(rows, dtype=np.float64).reshape(-1, len(EMOTIONS)),
        tuple(failures),
    )


def face_meant(faces: Sequence[Face], box: Box | None) -> int | None:
    """Which of the found faces, the largest first, is in a sample's box; the first without one."""
    if not faces or box is None:
        return 0 if faces else None
    found = np.array([face.box.as_tuple() for face in faces])
    overlap = iou_matrix(found, np.array([box.as_tuple()]))[:, 0]
    best = int(overlap.argmax())
    return best if overlap[best] >= MATCH else None


def _read(sample: Sample, analyzer: Analyzer) -> npt.NDArray[np.floating]:
    if sample.cropped:
        return analyzer.reader.classifier.classify(crop_of(sample)[None]).probabilities[0]
    readings = analyzer.analyze(sample.load()).faces
    meant = face_meant([reading.face for reading in readings], sample.box)
    return np.zeros(len(EMOTIONS)) if meant is None else np.array(readings[meant].scores.values)
