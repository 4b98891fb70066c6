"""When expressions come and go: onset, apex and offset out of a series of readings."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from mien.core.labels import EMOTIONS, Emotion
from mien.core.rhythm import MISSED_STEPS, Rhythm
from mien.core.types import FrameReading

__all__ = ["BEGINS", "SHOWN", "Event", "EventFinder", "ordered"]

SHOWN = 0.5
"""Probability that an expression must reach to count: more than all others together."""
BEGINS = 0.25
"""Its event runs from where it last rose above this to where it falls below: half of `SHOWN`."""
GAP_S = 0.5
"""A face out of sight for longer ends its events where it was last seen; where frames lie further
apart, one that is out of sight for a frame."""
CODED: tuple[Emotion, ...] = tuple(e for e in EMOTIONS if e is not Emotion.NEUTRAL)
"""Neutral is what lies between events."""


@dataclass(frozen=True, slots=True)
class Event:
    """One expression of one face from onset to offset, in seconds of the film.

    Attributes:
        track_id: of the face.
        expression: that appears.
        onset_s: when it begins to show.
        apex_s: when it is most probable.
        offset_s: when it has gone, or the last time that the face was seen.
        peak: its probability at the apex, 0 to 1.
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
        """Plain values, times to the millisecond; the duration is that between those."""
        row = asdict(self) | {"expression": self.expression.value, "peak": round(self.peak, 4)}
        for name in ("onset_s", "apex_s", "offset_s"):
            row[name] = round(row[name], 3)
        return row | {"duration_s": round(row["offset_s"] - row["onset_s"], 3)}


@dataclass(slots=True)
class _Course:
    """An expression of a face that shows at present."""

    onset_s: float
    apex_s: float
    last_s: float
    peak: float

    def add(self, time_s: float, probability: float) -> None:
        if probability > self.peak:
            self.apex_s, self.peak = time_s, probability
        self.last_s = time_s


class EventFinder:
    """Finds the events of one film while its readings go by; keeps only those under way.

    Readings without a track id, as those of pictures, have no events.
    """

    def __init__(self) -> None:
        self._courses: dict[tuple[int, Emotion], _Course] = {}
        self._before_s: float | None = None
        self._rhythm = Rhythm()
        self._gap_s = GAP_S

    @property
    def gap_s(self) -> float:
        """Seconds after which a face that was not seen is out of sight, as frames lie now."""
        return self._gap_s

    def add(self, frame: FrameReading) -> list[Event]:
        """The events that end with the next frame, in order of their onset."""
        if self._before_s is not None and frame.time_s > self._before_s:
            self._rhythm.add(frame.time_s - self._before_s)
            self._gap_s = max(GAP_S, MISSED_STEPS * self._rhythm.step_s)
        self._before_s = frame.time_s
        ended: list[Event] = []
        for reading in frame.readings:
            if reading.track_id is not None:
                for expression in CODED:
                    key = (reading.track_id, expression)
                    ended += self._step(key, frame.time_s, reading.scores[expression])
        for key, course in list(self._courses.items()):
            if not -GAP_S <= frame.time_s - course.last_s <= self._gap_s:
                ended += self._end(key, course.last_s)
        return ordered(ended)

    def finish(self) -> list[Event]:
        """The events that were under way when the film ended."""
        keys = list(self._courses)
        return ordered([e for key in keys for e in self._end(key, self._courses[key].last_s)])

    def _step(self, key: tuple[int, Emotion], time_s: float, probability: float) -> Iterator[Event]:
        course = self._courses.get(key)
        if course is not None and not 0 <= time_s - course.last_s <= self._gap_s:
            yield from self._end(key, course.last_s)
            course = None
        if probability >= BEGINS:
            if course is None:
                self._courses[key] = _Course(time_s, time_s, time_s, probability)
            else:
                course.add(time_s, probability)
        elif course is not None:
            yield from self._end(key, time_s)

    def _end(self, key: tuple[int, Emotion], offset_s: float) -> Iterator[Event]:
        course = self._courses.pop(key)
        if course.peak >= SHOWN:
            yield Event(*key, course.onset_s, course.apex_s, offset_s, course.peak)


def ordered(events: Iterable[Event]) -> list[Event]:
    """Events by their onset; of the same onset, by face and expression."""
    return sorted(events, key=lambda event: (event.onset_s, event.track_id, event.expression))
