"""Reading of videos and cameras: localization, classification, smoothing; the stages overlap."""

from collections.abc import Generator, Iterable
from contextlib import closing
from itertools import cycle

import numpy as np
import numpy.typing as npt

from mien.core.media import Frame
from mien.core.types import FrameReading
from mien.models.temporal import TemporalReader
from mien.pipeline.frame import FrameReader, judge
from mien.pipeline.locator import FaceLocator, Located
from mien.pipeline.overlap import ahead
from mien.pipeline.smoothing import TrackSmoother
from mien.vision.alignment import FILM_ZOOMS
from mien.vision.quality import assess

__all__ = ["SequenceReader"]

DEPTH = 4
"""Number of frames between two stages: evens out the time of a detector run, and bounds memory."""


class SequenceReader:
    """Reads the frames of one video or camera in order, with track ids.

    Args:
        reader: cuts crops and classifies them.
        locator: detects and tracks faces.
        temporal: smooths readings over time, and over the scales of test-time augmentation, which
            alternate from frame to frame; without it each frame is read on its own, at scale 1.
    """

    def __init__(
        self, reader: FrameReader, locator: FaceLocator, temporal: TemporalReader | None = None
    ) -> None:
        self._reader = reader
        self._classifier = reader.classifier
        self._locator = locator
        self._temporal = temporal
        self._smoother = None if temporal is None else TrackSmoother(temporal)
        self._zooms = cycle((1.0,) if temporal is None else FILM_ZOOMS)

    def read(self, frame: Frame) -> FrameReading:
        """Read the next frame, with readings in order of descending face area."""
        return self._read(self._locator.locate(frame))

    def read_all(
        self, frames: Iterable[Frame]
    ) -> Generator[tuple[Frame, FrameReading], None, None]:
        """Yield frames with their readings; decoding and localization run ahead in two threads.

        At most `DEPTH` frames wait at each stage. An error of `frames` is raised after the readings
        of all frames before it. When the result has been closed, no thread uses `frames`.
        """
        with closing(ahead(self._located(frames), DEPTH)) as ready:
            for located in ready:
                yield located.frame, self._read(located)

    def _located(self, frames: Iterable[Frame]) -> Generator[Located, None, None]:
        with closing(ahead(frames, DEPTH)) as decoded:
            for frame in decoded:
                yield self._locator.locate(frame)

    def _read(self, located: Located) -> FrameReading:
        frame = located.frame
        zoom, crops = next(self._zooms), located.crops
        if zoom != 1.0:
            crops = self._reader.crops(frame.image, located.faces, zoom)
        result = self._classifier.classify(crops)
        measured = [
            assess(face, crop) for face, crop in zip(located.faces, located.crops, strict=True)
        ]
        rows: npt.NDArray[np.floating] = result.probabilities
        if self._smoother is None or self._temporal is None:
            sets = [self._classifier.prediction_set(row) for row in rows]
        else:
            rows = self._smoother.smooth(located.ids, result.embedding, measured, frame.time_s)
            sets = [self._temporal.prediction_set(row) for row in rows]
        parts = zip(located.faces, measured, rows, sets, located.ids, strict=True)
        readings = (
            judge(*part, occluded=bool(covered))
            for part, covered in zip(parts, result.occluded, strict=True)
        )
        return FrameReading(frame.index, frame.time_s, tuple(readings))
