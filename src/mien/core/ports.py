"""Interfaces between the stages of the pipeline, as structural types."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from mien.core.media import Image
from mien.core.types import Face

__all__ = ["Classification", "Detector", "FaceFinder", "Follower"]


@dataclass(frozen=True, slots=True)
class Classification:
    """Outputs of the expression network for n crops.

    Attributes:
        probabilities: (n, 8) float32, calibrated, rows sum to 1, label order.
        embedding: (n, d) float32.
        activation: (n, 8, h, w) float32 class activation maps; their mean over h and w is the
            uncalibrated logit up to a constant per class.
        occluded: (n,) bool, whether part of the face appears to be covered.
    """

    probabilities: npt.NDArray[np.float32]
    embedding: npt.NDArray[np.float32]
    activation: npt.NDArray[np.float32]
    occluded: npt.NDArray[np.bool_]


class Detector(Protocol):
    """Detects faces."""

    def detect(self, image: Image) -> list[Face]:
        """Faces of an RGB or grey image in order of descending score; may be empty."""
        ...


class FaceFinder(Protocol):
    """Detects faces that can be aligned, and cuts their crops."""

    @property
    def min_face(self) -> float:
        """Minimum length in pixels of the shorter side of a face."""
        ...

    def find(self, image: Image) -> list[Face]:
        """Faces of an RGB or grey image in order of descending area."""
        ...

    def glance(self, image: Image) -> list[Face] | None:
        """As `find` with a faster detector that misses small faces; None if there is none."""
        ...

    def crops(self, image: Image, faces: Sequence[Face]) -> npt.NDArray[np.uint8]:
        """Aligned grey crops of n faces, (n, size, size) uint8."""
        ...


class Follower(Protocol):
    """Refines faces from their expected places, at a fraction of the detector's cost."""

    def follow(self, image: Image, expected: Sequence[Face]) -> list[Face]:
        """The expected faces located in `image`, in the same order and number.

        The score is the confidence that a face is present; if it is low, box and landmarks are
        meaningless.
        """
        ...
