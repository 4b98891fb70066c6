"""Expression events: onset, apex and offset from a series of readings."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from mien.core.labels import EMOTIONS, Emotion
from mien.core.rhythm import HOLD_S, MISSED_STEPS, Rhythm
from mien.core.types import FrameReading

__all__ = ["ONSET_THRESHOLD", "PEAK_THRESHOLD", "Event", "EventFinder", "ordered"]

PEAK_THRESHOLD = 0.5
"""Upper hysteresis threshold: the probability that an expression must reach during an event. An
expression at this value is at least as probable as all others together."""
ONSET_THRESHOLD = 0.25
"""Lower hysteresis threshold: an event lasts from where the probability rises to this value until
it falls below. Half of `PEAK_THRESHOLD`."""
GAP_S = 0.5
"""Longest time in seconds that a face may be unseen without ending its events. The limit is longer
if frames are further apart: `MISSED_STEPS` of their usual distance. Between two successive frames
that both show the face it is at least `HOLD_S`."""
CODED: tuple[Emotion, ...] = tuple(e for e in EMOTIONS if e is not Emotion.NEUTRAL)
"""Expressions that have events: all except neutral."""


@dataclass(frozen=True, slots=True)
class Event:
    """One expression of one face from onset to offset; times in seconds of the video.

    Attributes:
        track_id: track id of the face.
        expression: the expression that appears.
        onset_s: when its probability rose to `ONSET_THRESHOLD`.
        apex_s: when it was most probable.
        offset_s: when its probability fell below `ONSET_THRESHOLD`, or the face was last seen.
        peak: probability at the apex, 0 to 1.
    """

    track_id: int
    expression: Emotion
    onset_s: float
    apex_s: float
    offset_s: float
    peak: float

    @property
    def duration_s(self) -> float:
        """Seconds from onset to offset."""
        return self.offset_s - self.onset_s

    def to_dict(self) -> dict[str, Any]:
        """Plain values; times to the millisecond, the duration computed from the rounded times."""
        row = asdict(self) | {"expression": self.expression.value, "peak": round(self.peak, 4)}
        for name in ("onset_s", "apex_s", "offset_s"):
            row[name] = round(row[name], 3)
        return row | {"duration_s": round(row["offset_s"] - row["onset_s"], 3)}


@dataclass(slots=True)
class _Course:
    """An expression that currently is at or above `ONSET_THRESHOLD`."""

    onset_s: float
    apex_s: float
    last_s: float
    peak: float

    def add(self, time_s: float, probability: float) -> None:
        if probability > self.peak:
            self.apex_s, self.peak = time_s, probability
        self.last_s = time_s


class EventFinder:
    """Finds the events of one video frame by frame; only events that have not ended are kept.

    Readings without a track id, such as those of still images, have no events.
    """

    def __init__(self) -> None:
        self._courses: dict[tuple[int, Emotion], _Course] = {}
        self._before_s: float | None = None
        self._rhythm = Rhythm()
        self._gap_s = GAP_S

    @property
    def gap_s(self) -> float:
        """Seconds that a face may be unseen without ending its events, at this frame rate."""
        return self._gap_s

    @property
    def hold_s(self) -> float:
        """Seconds between two successive frames up to which a face seen in both was in view."""
        return max(self._gap_s, HOLD_S)

    def add(self, frame: FrameReading) -> list[Event]:
        """Add the next frame; returns the events that end with it, in order of onset."""
        if self._before_s is not None and frame.time_s > self._before_s:
            self._rhythm.add(frame.time_s - self._before_s)
            self._gap_s = max(GAP_S, MISSED_STEPS * self._rhythm.step_s)
        ended: list[Event] = []
        for reading in frame.readings:
            if reading.track_id is not None:
                for expression in CODED:
                    key = (reading.track_id, expression)
                    ended += self._step(key, frame.time_s, reading.scores[expression])
        for key, course in list(self._courses.items()):
            if not -GAP_S <= frame.time_s - course.last_s <= self._gap_s:
                ended += self._end(key, course.last_s)
        self._before_s = frame.time_s
        return ordered(ended)

    def finish(self) -> list[Event]:
        """End the video; returns the events that had not ended, in order of onset."""
        keys = list(self._courses)
        return ordered([e for key in keys for e in self._end(key, self._courses[key].last_s)])

    def _step(self, key: tuple[int, Emotion], time_s: float, probability: float) -> Iterator[Event]:
        course = self._courses.get(key)
        if course is not None:
            limit_s = self.hold_s if course.last_s == self._before_s else self._gap_s
            if not 0 <= time_s - course.last_s <= limit_s:
                yield from self._end(key, course.last_s)
                course = None
        if probability >= ONSET_THRESHOLD:
            if course is None:
                self._courses[key] = _Course(time_s, time_s, time_s, probability)
            else:
                course.add(time_s, probability)
        elif course is not None:
            yield from self._end(key, time_s)

    def _end(self, key: tuple[int, Emotion], offset_s: float) -> Iterator[Event]:
        course = self._courses.pop(key)
        if course.peak >= PEAK_THRESHOLD:
            yield Event(*key, course.onset_s, course.apex_s, offset_s, course.peak)


def ordered(events: Iterable[Event]) -> list[Event]:
    """Events sorted by onset, then by track id and expression."""
    return sorted(events, key=lambda event: (event.onset_s, event.track_id, event.expression))
