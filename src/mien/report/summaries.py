"""What sources add up to, kept while their readings go by: a long film takes no more memory."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mien.core.errors import MienError
from mien.core.labels import EMOTIONS, SENTIMENTS, Emotion, Sentiment
from mien.core.media import Media
from mien.core.types import FrameReading, Reading
from mien.report.events import Event, EventFinder, ordered

__all__ = ["FaceSummary", "FilmSummary", "PictureSummary", "Run", "Series", "Share", "Tally"]

MOST_BINS = 360
"""A series has no more points than this; a chart of a page shows no more either."""
FIRST_BIN_S = 0.05
"""Seconds that one point stands for at first; doubled whenever a film turns out longer."""
SHORTEST_S = 1e-3
"""What a frame counts for where the clock stands still or runs back."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Share:
    """One expression's part of a whole, 0 to 1.

    Attributes:
        expression: that was the most probable.
        whole: in so much of the whole.
        uncertain: the part of the whole in which it was and the reading was uncertain.
    """

    expression: Emotion
    whole: float
    uncertain: float


class Tally:
    """Weights of readings, by the expression that is most probable and by sentiment."""

    def __init__(self) -> None:
        self._shown = np.zeros((len(EMOTIONS), 2))
        self._sentiments = np.zeros(len(SENTIMENTS))

    @property
    def total(self) -> float:
        """The sum of all weights: seconds of a film, faces of photographs."""
        return float(self._shown.sum())

    def add(self, reading: Reading, weight: float = 1.0) -> None:
        """Count a reading."""
        self._shown[EMOTIONS.index(reading.top), int(reading.uncertain)] += weight
        self._sentiments[SENTIMENTS.index(reading.sentiment)] += weight

    def merge(self, other: "Tally") -> None:
        """Count all that another counted."""
        self._shown += other._shown
        self._sentiments += other._sentiments

    def shares(self) -> list[Share]:
        """The parts of the whole, in label order; empty where nothing was counted."""
        whole = self.total
        return [
            Share(emotion, float(row.sum()) / whole, float(row[1]) / whole)
            for emotion, row in zip(EMOTIONS, self._shown, strict=True)
            if whole > 0
        ]

    def sentiments(self) -> list[tuple[Sentiment, float]]:
        """The parts of the whole by sentiment; empty where nothing was counted."""
        whole = self.total
        parts = zip(SENTIMENTS, self._sentiments.tolist(), strict=True)
        return [(name, part / whole) for name, part in parts if whole > 0]


class Run(NamedTuple):
    """A stretch in which a face was in view, in bins.

    Attributes:
        times_s: (n,) the middle of each bin, n >= 1.
        end_s: how long the last reading counts.
        probabilities: (n, 8) means in label order.
        valence: (n,) means.
    """

    times_s: Floats
    end_s: float
    probabilities: Floats
    valence: Floats


class Series:
    """Probabilities and valence of one face over time, averaged in bins that grow with the film.

    Args:
        start_s: where the film begins; what comes before counts as there.
    """

    def __init__(self, start_s: float = 0.0) -> None:
        self.width_s = FIRST_BIN_S
        self._start_s = start_s
        self._bins: dict[int, Floats] = {}
        self._ends_s: dict[int, float] = {}

    def add(self, time_s: float, reading: Reading, weight: float) -> None:
        """Add a reading that stands for so many seconds."""
        time_s = max(time_s - self._start_s, 0.0)
        while time_s / self.width_s >= MOST_BINS:
            self._widen()
        row = weight * np.array([1.0, *reading.scores.probabilities, reading.valence])
        place = int(time_s / self.width_s)
        self._bins[place] = self._bins.get(place, 0.0) + row
        self._ends_s[place] = max(self._ends_s.get(place, 0.0), time_s + weight)

    def runs(self, gap_s: float) -> list[Run]:
        """Stretches in which the face was never out of sight for longer than `gap_s`."""
        if not self._bins:
            return []
        places = sorted(self._bins)
        sums = np.stack([self._bins[place] for place in places])
        middles = self._start_s + (np.array(places) + 0.5) * self.width_s
        means = sums[:, 1:] / sums[:, :1]
        cuts = np.flatnonzero(np.diff(middles) > gap_s + self.width_s) + 1
        ends = self._start_s + np.array([self._ends_s[place] for place in places])
        columns = (middles, ends, means[:, :-1], means[:, -1])
        parts = zip(*(np.split(values, cuts) for values in columns), strict=True)
        return [Run(times, float(until[-1]), *rest) for times, until, *rest in parts]

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
    """One face of a film, from when it is first seen to when it is last."""

    track_id: int
    first_s: float
    last_s: float
    series: Series
    tally: Tally = field(default_factory=Tally)


class FilmSummary:
    """A film or animation. A reading counts for the time until the next frame, at most `gap_s`.

    Attributes:
        media: what it is.
        frames: that were read.
        start_s: when the film begins.
        end_s: when the last of them ends.
        faces: by track id.
        events: of all faces, in order of their onset.
        error: what broke it off, if something did.
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
        """Seconds after which a face that was not seen is out of sight, as for events."""
        return self._finder.gap_s

    @property
    def tally(self) -> Tally:
        """Of all faces together."""
        whole = Tally()
        for face in self.faces.values():
            whole.merge(face.tally)
        return whole

    def longest(self, count: int) -> list[FaceSummary]:
        """The faces that were seen for the longest time, in order of their appearance."""
        faces = sorted(self.faces.values(), key=lambda face: -face.tally.total)[:count]
        return sorted(faces, key=lambda face: (face.first_s, face.track_id))

    def add(self, frame: FrameReading) -> None:
        """Count the next frame."""
        self.events += self._finder.add(frame)
        if self._before is not None:
            step_s = max(frame.time_s - self._before.time_s, SHORTEST_S)
            # What is seen when the pictures stall does not last until they come again.
            self._step_s = min(step_s, self.gap_s)
            self._count(self._before)
        self._before = frame
        self.frames += 1

    def finish(self, error: MienError | None = None) -> None:
        """Count the last frame, which stands for as long as the one before."""
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
class PictureSummary:
    """Photographs: the readings of each, and what they add up to.

    Attributes:
        readings: by source, in the order in which they were read.
        tally: of all faces, each counting once.
    """

    readings: list[tuple[str, tuple[Reading, ...]]] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)

    def add(self, source: str, frame: FrameReading) -> None:
        """Count the faces of a photograph."""
        self.readings.append((source, frame.readings))
        for reading in frame.readings:
            self.tally.add(reading)
