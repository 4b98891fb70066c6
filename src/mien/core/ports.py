"""The roles that the pipeline wires together, as structural types."""

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
    """What the network says of n crops.

    Attributes:
        probabilities: (n, 8) float32, calibrated, rows sum to 1, label order.
        embedding: (n, d) float32.
        activation: (n, 8, h, w) float32 class activation maps; their mean over h and w is the
            uncalibrated logit up to a constant per class.
        occluded: (n,) bool, whether something seems to cover a part of the face.
    """

    probabilities: npt.NDArray[np.float32]
    embedding: npt.NDArray[np.float32]
    activation: npt.NDArray[np.float32]
    occluded: npt.NDArray[np.bool_]


class Detector(Protocol):
    """Finds faces."""

    def detect(self, image: Image) -> list[Face]:
        """Faces of an RGB or grey picture, the best score first; empty if there are none."""
        ...


class FaceFinder(Protocol):
    """Finds faces that can be read, and cuts their crops."""

    @property
    def min_face(self) -> float:
        """Pixels that the shorter side of a face must have."""
        ...

    def find(self, image: Image) -> list[Face]:
        """The faces of an RGB or grey picture, the largest first."""
        ...

    def glance(self, image: Image) -> list[Face] | None:
        """As `find`, faster, without the small ones; None where there is no such way."""
        ...

    def crops(self, image: Image, faces: Sequence[Face]) -> npt.NDArray[np.uint8]:
        """The aligned grey crops of n faces, (n, size, size) uint8."""
        ...


class Follower(Protocol):
    """Finds faces again near where they should be, at a fraction of a detector's cost."""

    def follow(self, image: Image, expected: Sequence[Face]) -> list[Face]:
        """The same faces in a later picture, as many and in the same order.

        The score says how surely there is a face; of a low one, box and landmarks mean nothing.
        """
        ...
