"""Labelled faces, wherever they come from: what evaluation, audit and data tools take."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mien.core.labels import Emotion
from mien.core.types import Image
from mien.vision.alignment import CROP_SIZE, alignment_matrix, crop_face
from mien.vision.media import open_media

__all__ = ["Sample", "crop_of"]


@dataclass(frozen=True)
class Sample:
    """One face or photograph with its label.

    Attributes:
        name: unique in its collection; messages and tables name it so.
        label: the expression, or None where the collection gives none of the eight.
        split: as the collection calls it; empty where it has none.
        subject: who is shown, as far as the collection says; empty where it does not.
        path: file of the picture; None where `pixels` are given.
        pixels: (height, width) grey or (height, width, 3) RGB, uint8.
        landmarks: (5, 2) in pixels of the picture, in the order of `mien.Landmarks`, or None.
        cropped: whether the picture is of one face that fills it, so that no face is sought.
    """

    name: str
    label: Emotion | None
    split: str = ""
    subject: str = ""
    path: Path | None = None
    pixels: Image | None = field(default=None, repr=False, compare=False)
    landmarks: npt.NDArray[np.float64] | None = field(default=None, repr=False, compare=False)
    cropped: bool = False

    def load(self) -> Image:
        """The picture, upright.

        Raises:
            MediaError: if the file cannot be read.
            ValueError: if there are neither pixels nor a path.
        """
        if self.pixels is not None:
            return self.pixels
        if self.path is None:
            raise ValueError(f"{self.name} has neither pixels nor a path")
        with open_media(self.path) as stream:
            return next(iter(stream)).image


def crop_of(sample: Sample, size: int = CROP_SIZE) -> npt.NDArray[np.uint8]:
    """The canonical crop, (size, size) uint8, of a cropped sample.

    Without landmarks the picture is taken as framed already, and only scaled.
    """
    image = sample.load()
    if sample.landmarks is not None:
        return crop_face(image, alignment_matrix(sample.landmarks, size), size)
    height, width = image.shape[:2]
    scale = np.array([size / width, size / height])
    matrix = np.hstack([np.diag(scale), (scale / 2 - 0.5)[:, None]])
    return crop_face(image, matrix, size)
