"""Frames of one film or camera: located, read, steadied; the stages overlap."""

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
"""Frames that wait between two stages: enough to even out a search, few enough for memory."""


class SequenceReader:
    """Reads the frames of one film or camera in their order, with track ids.

    Args:
        reader: reads crops.
        locator: finds and follows faces.
        temporal: steadies readings over time, and over the sizes at which faces are read in turn;
            without it each frame is read on its own.
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
        """The readings of the next frame, the largest face first."""
        return self._read(self._locator.locate(frame))

    def read_all(
        self, frames: Iterable[Frame]
    ) -> Generator[tuple[Frame, FrameReading], None, None]:
        """Frames with their readings; decoding and locating work ahead in threads of their own.

        At most `DEPTH` frames wait at each stage. An error of `frames` arrives after the readings
        of all frames before it. Once the result is closed, no thread uses `frames` any more.
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
        said = self._classifier.classify(crops)
        measured = [
            assess(face, crop) for face, crop in zip(located.faces, located.crops, strict=True)
        ]
        rows: npt.NDArray[np.floating] = said.probabilities
        if self._smoother is None or self._temporal is None:
            sets = [self._classifier.prediction_set(row) for row in rows]
        else:
            rows = self._smoother.smooth(located.ids, said.embedding, measured, frame.time_s)
            sets = [self._temporal.prediction_set(row) for row in rows]
        parts = zip(located.faces, measured, rows, sets, located.ids, strict=True)
        readings = (
            judge(*part, occluded=bool(covered))
            for part, covered in zip(parts, said.occluded, strict=True)
        )
        return FrameReading(frame.index, frame.time_s, tuple(readings))
