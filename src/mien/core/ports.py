"""The roles that the pipeline wires together, as structural types."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from mien.core.types import Face, FrameReading, Image

__all__ = ["Classification", "Classifier", "Detector", "Smoother", "Tracker"]


@dataclass(frozen=True, slots=True)
class Classification:
    """What the network says of n crops.

    Attributes:
        probabilities: (n, 8) float32, calibrated, rows sum to 1, label order.
        embedding: (n, d) float32.
        activation: (n, 8, h, w) float32 class activation maps; their mean over h and w is the
            uncalibrated logit up to a constant per class.
    """

    probabilities: npt.NDArray[np.float32]
    embedding: npt.NDArray[np.float32]
    activation: npt.NDArray[np.float32]


class Detector(Protocol):
    """Finds faces."""

    def detect(self, image: Image) -> list[Face]:
        """Faces of an RGB or grey picture, the best score first; empty if there are none."""
        ...


class Tracker(Protocol):
    """Gives faces of successive frames an id while they stay in view."""

    def update(self, faces: Sequence[Face], time_s: float) -> list[int]:
        """Ids for the faces of the next frame, in their order."""
        ...


class Classifier(Protocol):
    """Reads aligned crops."""

    def classify(self, crops: npt.NDArray[np.uint8]) -> Classification:
        """Classify grey crops of shape (n, size, size)."""
        ...


class Smoother(Protocol):
    """Steadies the readings of tracks over time."""

    def smooth(self, frame: FrameReading) -> FrameReading:
        """The frame with steadied scores."""
        ...
