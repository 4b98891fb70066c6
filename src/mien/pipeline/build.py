"""The one place that wires parts together, from a frozen configuration."""

import os
from dataclasses import dataclass
from numbers import Integral, Real

from mien.core.errors import InputError
from mien.models.expression import ExpressionClassifier
from mien.pipeline.frame import FrameReader
from mien.runtime.session import open_session
from mien.vision.detector import FaceDetector
from mien.vision.media import DEFAULT_MAX_PIXELS
from mien.vision.refiner import FaceRefiner

__all__ = ["Config", "build", "build_detector"]


@dataclass(frozen=True)
class Config:
    """How faces are found and read.

    Attributes:
        precision: of the expression network, "fp32" or "int8"; None takes the shipped default.
        threads: for one inference; all cores if None.
        threshold: least score of a face, 0 to 1; None takes the detector's own.
        min_face: faces whose shorter side has fewer pixels are left out.
        max_pixels: pictures with more pixels are refused.
        fine_size: longest side in pixels of the detector's finest search; None takes half of it,
            a quarter of the time: for live pictures whose faces are not small.
        weights: folder with weights and cards instead of the shipped ones.
    """

    precision: str | None = None
    threads: int | None = None
    threshold: float | None = None
    min_face: float = 0.0
    max_pixels: int = DEFAULT_MAX_PIXELS
    fine_size: int | None = 1280
    weights: str | os.PathLike[str] | None = None

    def __post_init__(self) -> None:
        """Refuse values of another type and such that make no sense."""
        for name, kinds in _TYPES.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, kinds):
                raise InputError(f"{name} cannot be {value!r}; see mien.Config for its type")
        if self.precision not in (None, "fp32", "int8"):
            raise InputError(f"precision must be fp32 or int8, not {self.precision!r}")
        if self.threads is not None and self.threads < 1:
            raise InputError(f"threads must be 1 or more, not {self.threads}")
        if self.threshold is not None and not 0.0 < self.threshold < 1.0:
            raise InputError(f"threshold must lie between 0 and 1, not {self.threshold}")
        if not self.min_face >= 0.0:
            raise InputError(f"min_face must be 0 or more pixels, not {self.min_face}")
        if self.max_pixels < 1:
            raise InputError(f"max_pixels must be 1 or more, not {self.max_pixels}")


_TYPES: dict[str, tuple[type, ...]] = {
    "precision": (str, type(None)),
    "threads": (Integral, type(None)),
    "threshold": (Real, type(None)),
    "min_face": (Real,),
    "max_pixels": (Integral,),
    "fine_size": (Integral, type(None)),
    "weights": (str, os.PathLike, type(None)),
}
DEFAULT_PRECISION = "int8"


def build(config: Config) -> FrameReader:
    """A frame reader with the configured weights.

    Raises:
        ArtifactError: if weights are missing or altered.
    """
    classifier = ExpressionClassifier(
        open_session(
            "expression",
            precision=config.precision or DEFAULT_PRECISION,
            threads=config.threads,
            folder=config.weights,
        )
    )
    return FrameReader(build_detector(config), classifier, config.min_face)


def build_detector(config: Config) -> FaceDetector:
    """A face detector with the configured weights.

    Raises:
        ArtifactError: if weights are missing or altered.
    """
    first, second = (
        open_session(name, threads=config.threads, folder=config.weights)
        for name in ("detector", "refiner")
    )
    return FaceDetector(
        first,
        FaceRefiner(second),
        threshold=config.threshold,
        fine_size=config.fine_size,
        min_face=config.min_face,
    )
