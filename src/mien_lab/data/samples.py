"""Labelled samples: the common input of evaluation and data tools."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from mien.core.errors import InputError, MediaError
from mien.core.labels import EMOTIONS, Emotion
from mien.core.media import Image
from mien.core.types import Box
from mien.vision.alignment import CROP_SIZE, alignment_matrix, crop_face, zoomed_crops
from mien.vision.geometry import iou_matrix
from mien.vision.media import open_media
from mien_lab.data.placement import place_landmarks

__all__ = [
    "Sample",
    "crop_of",
    "face_meant",
    "failure_rows",
    "label_indices",
    "landmarks_of",
    "require_labelled",
    "require_splits",
    "split_rank",
    "zoomed_crops_of",
]

Points: TypeAlias = npt.NDArray[np.float64]
"""Five landmarks (5, 2) in pixels, in the order of `mien.Landmarks`."""

_SPLIT_WORDS = {
    2: re.compile("train(ing|val)?(set|data)?"),
    1: re.compile("(val(id(ation)?)?|dev(el(opment)?)?|check(ing)?|public(test)?)(set|data)?"),
    0: re.compile("(tests?|testing|eval(uation)?|private(test)?)(set|data)?"),
}
_WORD = re.compile("[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
"""Words in names such as `val_set`, `FER2013Test` and `TEST`.

Runs of lower-case letters count as words too, as in `RAFtest`; see `split_rank`.
"""

MATCH = 0.3
"""Minimum IoU of a detection with the annotated box of a sample.

It is below the usual 0.5, since collections frame faces differently from mien: with half of the
hair, or from brows to chin.
"""


@dataclass(frozen=True)
class Sample:
    """One face or photograph with its label.

    Attributes:
        name: unique name in the collection, used in messages and tables.
        label: the expression, or None if the collection gives none of the eight.
        split: split name in the collection; empty if it has none.
        subject: identifier of the person; empty if unknown.
        path: file of the picture; None if `pixels` are given.
        pixels: (height, width) grey or (height, width, 3) RGB, uint8.
        landmarks: (5, 2) in pixels of the picture, in the order of `mien.Landmarks`, or None.
        framed: whether the picture is framed like FER2013's, so that `place_landmarks` applies.
        cropped: whether one face fills the picture, so that no detection is needed.
        box: annotated face box in pixels of the file's picture, or None; the picture of a cropped
            sample is cut to it.
    """

    name: str
    label: Emotion | None
    split: str = ""
    subject: str = ""
    path: Path | None = None
    pixels: Image | None = field(default=None, repr=False, compare=False)
    landmarks: npt.NDArray[np.float64] | None = field(default=None, repr=False, compare=False)
    framed: bool = False
    cropped: bool = False
    box: Box | None = None

    def load(self) -> Image:
        """Load the picture, upright; for cropped samples with a box, the part inside the box.

        Raises:
            MediaError: if the file cannot be read, or the box lies outside the picture.
            ValueError: if there are neither pixels nor a path.
        """
        picture = self._picture()
        return self.boxed(picture) if self.cropped else picture

    def boxed(self, picture: Image) -> Image:
        """The part of the sample's picture inside its box; the whole picture without a box.

        Raises:
            MediaError: if the box lies outside the picture.
        """
        box = self.box
        if box is None:
            return picture
        height, width = picture.shape[:2]
        left, top = max(round(box.x), 0), max(round(box.y), 0)
        right, bottom = min(round(box.x + box.width), width), min(round(box.y + box.height), height)
        if left >= right or top >= bottom:
            raise MediaError(f"the box of {self.name} lies outside its picture; correct the table")
        return np.ascontiguousarray(picture[top:bottom, left:right])

    def _picture(self) -> Image:
        if self.pixels is not None:
            return self.pixels
        if self.path is None:
            raise ValueError(f"{self.name} has neither pixels nor a path")
        with open_media(self.path) as stream:
            for frame in stream:
                return frame.image
        raise MediaError(f"{self.path} holds no picture; leave it out or get it again")


def landmarks_of(sample: Sample, image: Image) -> Points | None:
    """The landmarks (5, 2) of a cropped sample's picture: given, or predicted if it is framed."""
    if sample.landmarks is None and sample.framed:
        return place_landmarks(image)
    return sample.landmarks


def crop_of(image: Image, points: Points | None) -> npt.NDArray[np.uint8]:
    """The canonical crop, (48, 48) uint8, of a cropped sample's picture.

    Without landmarks the whole picture is only scaled.
    """
    return crop_face(image, _framing(image, points))


def zoomed_crops_of(image: Image, points: Points | None) -> npt.NDArray[np.uint8]:
    """The test-time augmentation crops (k, 48, 48) uint8 of stills; framed as by `crop_of`."""
    return zoomed_crops(image, _framing(image, points))


def _framing(image: Image, points: Points | None) -> npt.NDArray[np.float64]:
    if points is not None:
        return alignment_matrix(points)
    height, width = image.shape[:2]
    scale = np.array([CROP_SIZE / width, CROP_SIZE / height])
    return np.hstack([np.diag(scale), (scale / 2 - 0.5)[:, None]])


def failure_rows(failures: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    """Name and reason of each sample that could not be read, as records for JSON."""
    return [{"name": name, "reason": reason} for name, reason in failures]


def require_labelled(samples: Sequence[Sample], folder: Path) -> list[Sample]:
    """The samples that have a label.

    Raises:
        InputError: if there are none; it names the labels.
    """
    labelled = [sample for sample in samples if sample.label is not None]
    if not labelled:
        raise InputError(
            f"none of the {len(samples)} pictures in {folder} has one of the labels: "
            f"{', '.join(EMOTIONS)}"
        )
    return labelled


def require_splits(
    samples: Iterable[Sample], splits: Iterable[str], name: str = "the collection"
) -> None:
    """Check that a collection, called by its name in messages, has the given splits.

    Raises:
        InputError: if one is unknown; it names the known ones.
    """
    known = {sample.split for sample in samples}
    if unknown := sorted(set(splits) - known):
        named = sorted(known - {""})
        advice = f"choose one of: {', '.join(named)}" if named else "it has none; leave it out"
        raise InputError(f"{name} has no split {unknown[0]!r}; {advice}")


def label_indices(samples: Iterable[Sample]) -> npt.NDArray[np.int64]:
    """Labels (n,) as indices into `EMOTIONS`; -1 for samples without one."""
    labels = (-1 if sample.label is None else EMOTIONS.index(sample.label) for sample in samples)
    return np.array(list(labels), dtype=np.int64)


def face_meant(sample: Sample, found: Sequence[Box]) -> int | None:
    """Index of the detection, of boxes sorted by size, that belongs to the sample.

    It is that of highest IoU with the sample's box if the IoU is at least `MATCH`, or the largest
    if the sample has no box; None if there is no such face.
    """
    if not found or sample.box is None:
        return 0 if found else None
    boxes = np.array([box.as_tuple() for box in found])
    overlap = iou_matrix(boxes, np.array([sample.box.as_tuple()]))[:, 0]
    best = int(overlap.argmax())
    return best if overlap[best] >= MATCH else None


def split_rank(split: str) -> int:
    """Role of a split by its name: 0 test, 1 validation, 2 training, 3 unknown.

    Only whole words count: `latest` is not a test split. FER2013's PublicTest counts as validation,
    since it is used for model selection.
    """
    words = {word.lower() for word in _WORD.findall(split)} | set(re.findall("[a-z]+", split))
    ranks = (rank for rank, known in _SPLIT_WORDS.items() if any(map(known.fullmatch, words)))
    return next(ranks, 3)
