"""Running summaries of sources: memory does not grow with the number of readings."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mien.core.errors import MienError
from mien.core.labels import EMOTIONS, SENTIMENTS, Emotion, Sentiment
from mien.core.media import Media
from mien.core.types import FrameReading, Reading
from mien.report.events import Event, EventFinder, ordered

__all__ = ["FaceSummary", "ImageSummary", "Series", "Share", "Tally", "VideoSummary", "VisibleSpan"]

MOST_BINS = 360
"""Maximum number of bins of a series, and so of points in a chart."""
FIRST_BIN_S = 0.05
"""Initial bin width in seconds; doubled whenever a video exceeds `MOST_BINS` bins."""
SHORTEST_S = 1e-3
"""Duration in seconds of a frame whose timestamp is not before the next one's."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Share:
    """How often one expression was the most probable one.

    Attributes:
        expression: the expression.
        share: its share of all readings by weight, 0 to 1.
        uncertain_share: the part of `share` in uncertain readings, 0 to `share`.
    """

    expression: Emotion
    share: float
    uncertain_share: float


class Tally:
    """Weighted counts of readings by most probable expression and by sentiment."""

    def __init__(self) -> None:
        self._shown = np.zeros((len(EMOTIONS), 2))
        self._sentiments = np.zeros(len(SENTIMENTS))

    @property
    def total(self) -> float:
        """The sum of all weights: seconds for videos, faces for images."""
        return float(self._shown.sum())

    def add(self, reading: Reading, weight: float = 1.0) -> None:
        """Add a reading."""
        self._shown[EMOTIONS.index(reading.top), int(reading.uncertain)] += weight
        self._sentiments[SENTIMENTS.index(reading.sentiment)] += weight

    def merge(self, other: "Tally") -> None:
        """Add the counts of another tally."""
        self._shown += other._shown
        self._sentiments += other._sentiments

    def shares(self) -> list[Share]:
        """The share of each expression in label order; empty if nothing was counted."""
        total = self.total
        return [
            Share(emotion, float(row.sum()) / total, float(row[1]) / total)
            for emotion, row in zip(EMOTIONS, self._shown, strict=True)
            if total > 0
        ]

    def sentiments(self) -> list[tuple[Sentiment, float]]:
        """The share of each sentiment; empty if nothing was counted."""
        total = self.total
        weights = zip(SENTIMENTS, self._sentiments.tolist(), strict=True)
        return [(name, weight / total) for name, weight in weights if total > 0]


class VisibleSpan(NamedTuple):
    """A time span in which a face was in view, divided into bins.

    Attributes:
        times_s: centre of each bin in seconds, (n,) with n >= 1.
        end_s: end of the last reading in seconds.
        probabilities: mean probabilities per bin in label order, (n, 8).
        valence: mean valence per bin, (n,).
    """

    times_s: Floats
    end_s: float
    probabilities: Floats
    valence: Floats


class Series:
    """Probabilities and valence of one face over time, averaged in bins that widen with the video.

    Args:
        start_s: start of the video in seconds; earlier readings count as at the start.
    """

    def __init__(self, start_s: float = 0.0) -> None:
        self.width_s = FIRST_BIN_S
        self._start_s = start_s
        self._bins: dict[int, Floats] = {}
        self._ends_s: dict[int, float] = {}

    def add(self, time_s: float, reading: Reading, weight: float) -> None:
        """Add a reading that lasts for `weight` seconds."""
        time_s = max(time_s - self._start_s, 0.0)
        while time_s / self.width_s >= MOST_BINS:
            self._widen()
        row = weight * np.array([1.0, *reading.scores.probabilities, reading.valence])
        place = int(time_s / self.width_s)
        self._bins[place] = self._bins.get(place, 0.0) + row
        self._ends_s[place] = max(self._ends_s.get(place, 0.0), time_s + weight)

    def spans(self, gap_s: float) -> list[VisibleSpan]:
        """The time spans in which the face was never unseen for longer than `gap_s`.

        It is in view for as long as a reading lasts, however long that is.
        """
        if not self._bins:
            return []
        places = sorted(self._bins)
        sums = np.stack([self._bins[place] for place in places])
        starts = self._start_s + np.array(places) * self.width_s
        middles = starts + 0.5 * self.width_s
        means = sums[:, 1:] / sums[:, :1]
        ends = self._start_s + np.array([self._ends_s[place] for place in places])
        away = starts[1:] - ends[:-1] > SHORTEST_S
        cuts = np.flatnonzero(away & (np.diff(middles) > gap_s + self.width_s)) + 1
        columns = (middles, ends, means[:, :-1], means[:, -1])
        parts = zip(*(np.split(values, cuts) for values in columns), strict=True)
        return [VisibleSpan(times, float(until[-1]), *rest) for times, until, *rest in parts]

    def _widen(self) -> None:
        self.width_s *= 2
        bins: dict[int, Floats] = {}
        for place, row in self._bins.items():
            bins[place // 2] = bins.get(place // 2, 0.0) + row
        self._bins = bins
        ends_s: dict[int, float] = {}
        for place, end_s in self._ends_s.items():
            ends_s[place // 2] = max(ends_s.get(place // 2, 0.0), end_s)
        self._ends_s = ends_s


@dataclass
class FaceSummary:
    """One face of a video, from when it is first seen to when it is last seen."""

    track_id: int
    first_s: float
    last_s: float
    series: Series
    tally: Tally = field(default_factory=Tally)


class VideoSummary:
    """A video or animation. A reading lasts until the next frame, at most `hold_s`.

    Attributes:
        media: the source.
        frames: number of frames read.
        start_s: start of the video in seconds.
        end_s: end of the last frame in seconds.
        faces: summaries of the faces by track id.
        events: events of all faces in order of onset; complete after `finish`.
        error: message of the error that interrupted the video, or None.
    """

    def __init__(self, media: Media) -> None:
        self.media = media
        self.frames = 0
        self.start_s = max(media.start_s, 0.0)
        self.end_s = self.start_s
        self.faces: dict[int, FaceSummary] = {}
        self.events: list[Event] = []
        self.error: str | None = None
        self._finder = EventFinder()
        self._before: FrameReading | None = None
        self._step_s = SHORTEST_S

    @property
    def gap_s(self) -> float:
        """Seconds that a face may be unseen and still count as in view; see `EventFinder.gap_s`."""
        return self._finder.gap_s

    @property
    def hold_s(self) -> float:
        """Longest time in seconds that a reading lasts; see `EventFinder.hold_s`."""
        return self._finder.hold_s

    @property
    def tally(self) -> Tally:
        """The tally of all faces."""
        total = Tally()
        for face in self.faces.values():
            total.merge(face.tally)
        return total

    def longest(self, count: int) -> list[FaceSummary]:
        """The `count` faces in view for the longest time, in order of appearance."""
        faces = sorted(self.faces.values(), key=lambda face: -face.tally.total)[:count]
        return sorted(faces, key=lambda face: (face.first_s, face.track_id))

    def add(self, frame: FrameReading) -> None:
        """Add the next frame."""
        self.events += self._finder.add(frame)
        if self._before is not None:
            step_s = max(frame.time_s - self._before.time_s, SHORTEST_S)
            # If the frames stall, a reading does not last until the next one.
            self._step_s = min(step_s, self.hold_s)
            self._count(self._before)
        self._before = frame
        self.frames += 1

    def finish(self, error: MienError | None = None) -> None:
        """End the video; the last frame counts for as long as the one before."""
        if self._before is not None:
            self._count(self._before)
        self._before = None
        self.events = ordered(self.events + self._finder.finish())
        self.error = None if error is None else str(error)

    def _count(self, frame: FrameReading) -> None:
        time_s = max(frame.time_s, 0.0)
        self.end_s = max(self.end_s, time_s + self._step_s)
        for reading in frame.readings:
            if reading.track_id is None:
                continue
            new = FaceSummary(reading.track_id, time_s, time_s, Series(self.start_s))
            face = self.faces.setdefault(reading.track_id, new)
            face.last_s = max(face.last_s, time_s + self._step_s)
            face.tally.add(reading, self._step_s)
            face.series.add(time_s, reading, self._step_s)


@dataclass
class ImageSummary:
    """Still images: the readings of each, and their tally.

    Attributes:
        readings: source and readings of each image, in reading order.
        tally: tally of all faces, each of weight 1.
    """

    readings: list[tuple[str, tuple[Reading, ...]]] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)

    def add(self, source: str, frame: FrameReading) -> None:
        """Add the faces of an image."""
        self.readings.append((source, frame.readings))
        for reading in frame.readings:
            self.tally.add(reading)
