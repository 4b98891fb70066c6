"""Aligned face crops of labelled samples."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mien.core.errors import InputError, MienError
from mien.core.labels import EMOTIONS
from mien.core.types import Box, Face, Landmarks, Quality
from mien.pipeline.analyzer import Analyzer
from mien.vision.alignment import CANONICAL, CROP_SIZE
from mien.vision.quality import assess
from mien_lab.data.samples import Sample, crop_of, face_meant, landmarks_of

__all__ = ["FaceCrops", "crop_qualities", "cut_faces"]


@dataclass(frozen=True)
class FaceCrops:
    """Parallel arrays with one row per labelled sample in which a face was found.

    Attributes:
        names: (n,) names of the samples.
        subjects: (n,) subjects; empty where unknown.
        truth: (n,) int64 indices into `EMOTIONS`.
        crops: (n, 48, 48) uint8 grey canonical crops.
        landmarks: (n, 5, 2) float64 in pixels of the picture; NaN where missing.
        missed: names of the samples in which no face was found.
        failures: name and reason of each sample that could not be read.
    """

    names: tuple[str, ...]
    subjects: tuple[str, ...]
    truth: npt.NDArray[np.int64]
    crops: npt.NDArray[np.uint8]
    landmarks: npt.NDArray[np.float64]
    missed: tuple[str, ...] = ()
    failures: tuple[tuple[str, str], ...] = ()

    def __len__(self) -> int:
        """The number of faces."""
        return len(self.names)


def cut_faces(
    samples: Sequence[Sample], *, precision: str | None = None, weights: Path | None = None
) -> FaceCrops:
    """Crop the face of each labelled sample.

    In whole photographs it is the face in the sample's box, or the largest if it has no box.

    Args:
        samples: samples; those without a label are skipped.
        precision: precision of the expression network, which is opened with the detector.
        weights: folder of the weights; the shipped ones if None. Only opened for photographs.

    Raises:
        ArtifactError: if weights are missing or altered.
        InputError: if no face is left.
    """
    chosen: list[Sample] = []
    crops, points = [], []
    missed: list[str] = []
    failures: list[tuple[str, str]] = []
    with ExitStack() as stack:

        @cache
        def analyzer() -> Analyzer:
            return stack.enter_context(Analyzer(precision=precision, weights=weights))

        for sample in (sample for sample in samples if sample.label is not None):
            finder = None if sample.cropped else analyzer()
            try:
                found = _cropped(sample) if finder is None else _found(sample, finder)
            except MienError as error:
                failures.append((sample.name, str(error)))
                continue
            if found is None:
                missed.append(sample.name)
                continue
            chosen.append(sample)
            crops.append(found[0])
            points.append(found[1])
    if not chosen:
        raise InputError(
            f"none of {len(samples)} samples has a label and a readable face; check the data"
        )
    return FaceCrops(
        tuple(sample.name for sample in chosen),
        tuple(sample.subject for sample in chosen),
        np.array([EMOTIONS.index(sample.label) for sample in chosen if sample.label], np.int64),
        np.array(crops, np.uint8).reshape(-1, CROP_SIZE, CROP_SIZE),
        np.array(points, np.float64).reshape(-1, 5, 2),
        tuple(missed),
        tuple(failures),
    )


def crop_qualities(
    landmarks: npt.NDArray[np.floating], crops: npt.NDArray[np.uint8]
) -> list[Quality]:
    """The quality of each aligned crop; missing landmarks are replaced by the canonical ones.

    Args:
        landmarks: (n, 5, 2) in pixels of the picture; NaN where missing.
        crops: (n, 48, 48) uint8 grey.
    """
    box = Box(0, 0, CROP_SIZE, CROP_SIZE)
    points = np.where(np.isnan(landmarks), CANONICAL, landmarks)
    return [
        assess(Face(box, 1.0, Landmarks.from_array(five)), crop)
        for five, crop in zip(points, crops, strict=True)
    ]


_Found = tuple[npt.NDArray[np.uint8], npt.NDArray[np.float64]]


def _cropped(sample: Sample) -> _Found:
    image = sample.load()
    points = landmarks_of(sample, image)
    return crop_of(image, points), np.full((5, 2), np.nan) if points is None else points


def _found(sample: Sample, analyzer: Analyzer) -> _Found | None:
    image = sample.load()
    faces = analyzer.parts.reader.find(image)
    meant = face_meant(sample, [face.box for face in faces])
    if meant is None:
        return None
    face = faces[meant]
    crop = analyzer.parts.reader.crops(image, [face])[0]
    return crop, face.landmarks.as_array().astype(np.float64)
