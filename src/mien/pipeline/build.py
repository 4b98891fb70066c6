"""Construction of the pipeline from a configuration; the only place that wires its parts."""

import logging
import os
from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import Any

from mien.core.errors import InputError
from mien.core.ports import Follower
from mien.models.expression import ExpressionClassifier
from mien.models.temporal import TemporalReader
from mien.pipeline.frame import FrameReader
from mien.pipeline.locator import DETECT_EVERY, FaceLocator
from mien.pipeline.sequence import SequenceReader
from mien.runtime.artifact import Card, read_cards, shipped_cards, weights_folder
from mien.runtime.session import Session, open_session
from mien.vision.detector import FaceDetector
from mien.vision.landmarks import LandmarkPlacer
from mien.vision.media import DEFAULT_MAX_PIXELS
from mien.vision.refiner import FaceRefiner

__all__ = ["DEFAULT_PRECISION", "EDGE", "Config", "Parts", "build", "build_detector", "build_parts"]

log = logging.getLogger(__name__)

MOST_THREADS = 1024
"""Maximum number of threads; more take a minute to start, or the system refuses them."""


@dataclass(frozen=True)
class Config:
    """Configuration of face detection and reading.

    Attributes:
        precision: of the expression network, "fp32" or "int8"; the default, int8, if None.
        threads: number of threads per inference, 1 to 1024; all cores if None.
        threshold: minimum confidence score of a face, between 0 and 1; the value in the
            weights' cards if None.
        min_face: minimum length in pixels of the shorter side of a face.
        max_pixels: maximum width times height of encoded images and video frames.
        weights: folder with weights and cards; the shipped ones if None.
        search_size: length in pixels of the longer side to which images are scaled for detection;
            larger values find smaller faces and take longer. If None, 1280 for images, 640 for
            cameras, and for videos mostly 640 and now and then 1280.
        detect_every: maximum number of frames between two detector runs in videos and cameras;
            faces are tracked in between.
        smooth: whether readings of videos and cameras are smoothed over time.

    Raises:
        InputError: if a value has the wrong type or is out of range.
    """

    precision: str | None = None
    threads: int | None = None
    threshold: float | None = None
    min_face: float = 0.0
    max_pixels: int = DEFAULT_MAX_PIXELS
    weights: str | os.PathLike[str] | None = None
    search_size: int | None = None
    detect_every: int = DETECT_EVERY
    smooth: bool = True

    def __post_init__(self) -> None:
        """Validate types and ranges."""
        for name, kinds in _TYPES.items():
            value = getattr(self, name)
            if isinstance(value, bool) is not (kinds == (bool,)) or not isinstance(value, kinds):
                raise InputError(f"{name} cannot be {value!r}; see mien.Config for its type")
        if self.precision not in (None, "fp32", "int8"):
            raise InputError(f"precision must be fp32 or int8, not {self.precision!r}")
        if self.threads is not None and not 1 <= self.threads <= MOST_THREADS:
            raise InputError(f"threads must be 1 to {MOST_THREADS}, not {self.threads}")
        if self.threshold is not None and not 0.0 < self.threshold < 1.0:
            raise InputError(f"threshold must lie between 0 and 1, not {self.threshold}")
        if not self.min_face >= 0.0:
            raise InputError(f"min_face must be 0 or more pixels, not {self.min_face}")
        if self.max_pixels < 1:
            raise InputError(f"max_pixels must be 1 or more, not {self.max_pixels}")
        if self.search_size is not None and self.search_size < 64:
            raise InputError(f"search_size must be 64 or more pixels, not {self.search_size}")
        if self.detect_every < 1:
            raise InputError(f"detect_every must be 1 or more, not {self.detect_every}")


_TYPES: dict[str, tuple[type, ...]] = {
    "precision": (str, type(None)),
    "threads": (Integral, type(None)),
    "threshold": (Real, type(None)),
    "min_face": (Real,),
    "max_pixels": (Integral,),
    "weights": (str, os.PathLike, type(None)),
    "search_size": (Integral, type(None)),
    "detect_every": (Integral,),
    "smooth": (bool,),
}
DEFAULT_PRECISION = "int8"
"""Precision of the expression network unless configured."""
LIVE_SIZE = 640
"""Longer side in pixels at which live images are searched, in a quarter of the time."""
EDGE = Config(precision="int8", threads=1, search_size=320)
"""Configuration for small boards: little memory, one core, no small faces."""


@dataclass(frozen=True)
class Parts:
    """Components of the pipeline; holds no state, so threads may share it.

    Attributes:
        reader: reads single frames.
        live: reader with the same networks whose detector runs at `LIVE_SIZE`.
        follower: refines known faces, or None.
        temporal: smooths readings over time, or None.
        cards: model cards of the loaded weights, sorted by name.
        detect_every: maximum number of frames between two detector runs.
    """

    reader: FrameReader
    live: FrameReader
    follower: Follower | None
    temporal: TemporalReader | None
    cards: tuple[Card, ...]
    detect_every: int = DETECT_EVERY

    def provenance(self) -> dict[str, Any]:
        """Version, precision and checksum of each weight file by name, as in the JSON document."""
        return {
            card.name: {"version": card.version, "precision": card.precision, "sha256": card.sha256}
            for card in self.cards
        }

    def sequence(self, *, live: bool = False) -> SequenceReader:
        """Create a reader for the frames of one video or camera.

        Args:
            live: whether the source is a camera, which is searched at `LIVE_SIZE`.
        """
        reader = self.live if live else self.reader
        locator = FaceLocator(reader, self.follower, every=self.detect_every)
        return SequenceReader(reader, locator, self.temporal)


def build(config: Config) -> FrameReader:
    """Create a frame reader with the configured weights.

    Raises:
        ArtifactError: if weights are missing or altered.
    """
    return _frame_reader(config, build_detector(config), _open_reader(config))


def build_detector(config: Config) -> FaceDetector:
    """Create a face detector with the configured weights.

    Raises:
        ArtifactError: if weights are missing or altered.
    """
    return _finders(config, _open_finders(config))[0]


def build_parts(config: Config) -> Parts:
    """Create all components with the configured weights.

    Raises:
        ArtifactError: if weights are missing or altered.
    """
    finders, expression = _open_finders(config), _open_reader(config)
    temporal = _open_temporal(config) if config.smooth else None
    sessions = [one for one in (*finders, expression, temporal) if one is not None]
    detector, refiner = _finders(config, finders)
    reader = _frame_reader(config, detector, expression)
    size = LIVE_SIZE if config.search_size is None else config.search_size
    live = detector.searching(size)
    return Parts(
        # A configured size holds for every detector run: half of it might miss faces.
        reader if config.search_size is not None else replace(reader, coarse=live),
        replace(reader, detector=live),
        refiner,
        None if temporal is None else TemporalReader(temporal),
        tuple(sorted((one.card for one in sessions), key=lambda card: card.name)),
        config.detect_every,
    )


def _open_reader(config: Config) -> Session:
    precision = config.precision or DEFAULT_PRECISION
    return open_session(
        "expression", precision=precision, threads=config.threads, folder=config.weights
    )


def _frame_reader(config: Config, detector: FaceDetector, session: Session) -> FrameReader:
    return FrameReader(detector, ExpressionClassifier(session), config.min_face)


def _open_finders(config: Config) -> list[Session]:
    return [
        open_session(name, threads=config.threads, folder=config.weights)
        for name in ("detector", "refiner", "landmarks")
    ]


def _finders(config: Config, sessions: list[Session]) -> tuple[FaceDetector, FaceRefiner]:
    """The face detector, and its refinement network alone."""
    first, second, third = sessions
    refiner = FaceRefiner(second)
    detector = FaceDetector(first, refiner, LandmarkPlacer(third), threshold=config.threshold)
    if config.search_size is not None:
        detector = detector.searching(config.search_size)
    return detector, refiner


def _open_temporal(config: Config) -> Session | None:
    """The recurrent network, or None if the folder has none for its expression network."""
    folder = weights_folder(config.weights)
    known = shipped_cards() if config.weights is None else read_cards(folder)
    cards = {card.name: card for card in known if card.precision == "fp32"}
    if "temporal" not in cards or "expression" not in cards:
        return None
    if cards["temporal"].extra.get("reads") != cards["expression"].sha256:
        log.warning(
            "readings are not smoothed over time, since the recurrent network in %s was trained "
            "for another expression network; run mien-lab temporal train and export",
            folder,
        )
        return None
    return open_session("temporal", threads=1, folder=config.weights)
