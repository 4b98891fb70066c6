"""Live reading: always the newest frame; frames that arrive meanwhile are dropped and counted."""

import math
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import TypeAlias

from mien.core.errors import MienError
from mien.core.media import Frame, Media
from mien.core.rhythm import Rhythm
from mien.core.types import FrameReading
from mien.pipeline.sequence import SequenceReader
from mien.vision.stream import MediaStream

__all__ = ["LiveReader", "LiveReading", "Notice"]

STALL_S = 3.0
"""Seconds without a frame after which a camera counts as stalled."""
BACK_OFF_S = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds before each attempt to reopen a lost camera; the last value repeats."""


@dataclass(frozen=True)
class LiveReading:
    """One frame that was read.

    Attributes:
        media: metadata of the source, with the size of this frame.
        frame: the frame.
        reading: the readings of its faces.
        delay_s: latency in seconds from the arrival of the encoded data to the reading, including
            decoding and waiting; from the end of decoding if the source does not know the arrival.
        received: number of frames received so far, including this one.
        dropped: number of received frames that were not read.
    """

    media: Media
    frame: Frame
    reading: FrameReading
    delay_s: float
    received: int
    dropped: int


@dataclass(frozen=True)
class Notice:
    """A message about the camera in one sentence: lost and retried, back, or stalled."""

    text: str


LiveEvent: TypeAlias = "LiveReading | Notice"


class LiveReader:
    """Reads a live source until it ends, or indefinitely.

    A thread decodes every frame on arrival and keeps only the newest, so that no queue builds up.

    Args:
        connect: opens the source; called again after the source was lost.
        sequence: reads the frames.
        retry: whether to reopen the source when it ends or is lost.
        stall_s: seconds without a frame after which a notice is given, or twice the usual time
            between two frames if that is longer.
        back_off_s: seconds before each attempt to reopen the source; the last value repeats.
    """

    def __init__(
        self,
        connect: Callable[[], MediaStream],
        sequence: SequenceReader,
        *,
        retry: bool = True,
        stall_s: float = STALL_S,
        back_off_s: tuple[float, ...] = BACK_OFF_S,
    ) -> None:
        self._slot = _Slot()
        self._sequence = sequence
        self._stall_s = stall_s
        self._rhythm = Rhythm()
        self._last_s = 0.0
        self._grabber = _Grabber(connect, self._slot, back_off_s if retry else ())

    def events(self) -> Generator[LiveEvent, None, None]:
        """Yield readings and notices as they occur.

        Raises:
            MienError: if the source cannot be opened initially, or is lost and `retry` is false.
        """
        grabbing = threading.Thread(target=self._grabber.run, daemon=True)
        grabbing.start()
        stalled = False
        try:
            while True:
                wait_s = self._patience_s()
                taken = self._slot.take(wait_s)
                if taken is None:
                    if not stalled:
                        yield Notice(f"no picture for {wait_s:g} s; waiting for the camera")
                    stalled = True
                    continue
                if isinstance(taken, Notice):
                    yield taken
                    continue
                if isinstance(taken, _Ended):
                    if taken.error is not None:
                        raise taken.error
                    return
                stalled = False
                yield self._read(taken)
        finally:
            self._slot.close()
            # A camera that hangs cannot be interrupted; its thread ends with the process.
            grabbing.join(timeout=1.0)

    def stop(self) -> None:
        """End `events` after the current reading; may be called from a signal handler."""
        self._slot.close()

    def _patience_s(self) -> float:
        """Seconds without a frame after which a notice is given; longer for slow sources."""
        step_s = self._rhythm.step_s
        return max(self._stall_s, 2 * step_s) if math.isfinite(step_s) else self._stall_s

    def _read(self, arrival: "_Arrival") -> LiveReading:
        self._rhythm.add(arrival.frame.time_s - self._last_s)
        self._last_s = arrival.frame.time_s
        reading = self._sequence.read(arrival.frame)
        delay_s = time.monotonic() - arrival.at_s
        height, width = arrival.frame.image.shape[:2]
        media = Media(arrival.media.source, arrival.media.kind, width, height)
        return LiveReading(
            media, arrival.frame, reading, delay_s, arrival.received, arrival.dropped
        )


@dataclass(frozen=True)
class _Arrival:
    media: Media
    frame: Frame
    at_s: float
    received: int
    dropped: int


@dataclass(frozen=True)
class _Ended:
    error: MienError | None


class _Slot:
    """Holds the newest frame, and a queue of notices, in order."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._said: list[tuple[int, Notice | _Ended]] = []
        self._newest: tuple[Media, Frame, float] | None = None
        self._received = 0
        self._dropped = 0
        self._closed = False

    @property
    def closed(self) -> bool:
        return self._closed

    def put(self, media: Media, frame: Frame) -> None:
        with self._changed:
            self._received += 1
            self._dropped += self._newest is not None
            at_s = time.monotonic() if frame.arrived_s is None else frame.arrived_s
            self._newest = media, frame, at_s
            self._changed.notify()

    def say(self, what: "Notice | _Ended") -> None:
        with self._changed:
            self._said.append((self._received, what))
            self._changed.notify()

    def take(self, timeout_s: float) -> "_Arrival | Notice | _Ended | None":
        """The next notice or the newest frame, in order; None after the timeout."""
        with self._changed:
            self._changed.wait_for(lambda: self._newest or self._said or self._closed, timeout_s)
            if self._closed:
                return _Ended(None)
            if self._said and (self._newest is None or self._said[0][0] < self._received):
                return self._said.pop(0)[1]
            if self._newest is not None:
                (media, frame, at_s), self._newest = self._newest, None
                return _Arrival(media, frame, at_s, self._received, self._dropped)
            return None

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def wait(self, seconds: float) -> None:
        """Wait for a time, or until the slot is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed, seconds)


class _Grabber:
    """Takes frames from the source as they arrive; timestamps continue across reconnections."""

    def __init__(
        self, connect: Callable[[], MediaStream], slot: _Slot, back_off_s: tuple[float, ...]
    ) -> None:
        self._connect = connect
        self._slot = slot
        self._back_off_s = back_off_s
        self._tries = 0
        self._began_s = 0.0
        self._count = 0

    def run(self) -> None:
        while not self._slot.closed:
            error: MienError | None = None
            try:
                self._grab()
            except MienError as caught:
                error = caught
            except Exception as caught:
                error = MienError(f"the camera failed ({caught}); connect it again")
            if self._slot.closed:
                return
            if not self._back_off_s or (error is not None and self._count == 0):
                self._slot.say(_Ended(error))
                return
            seconds = self._back_off_s[min(self._tries, len(self._back_off_s) - 1)]
            self._tries += 1
            cause = "the source has ended" if error is None else str(error)
            self._slot.say(Notice(f"{cause}; trying again in {seconds:g} s"))
            self._slot.wait(seconds)

    def _grab(self) -> None:
        with self._connect() as stream:
            offset_s: float | None = None
            for frame in stream:
                if self._slot.closed:
                    return
                if offset_s is None:
                    # Not earlier, since opening a camera and waiting for its first frame take time.
                    start_s = time.monotonic() - frame.time_s
                    if self._count == 0:
                        self._began_s = start_s
                    offset_s = start_s - self._began_s
                if self._tries:
                    self._slot.say(Notice(f"{stream.media.source} is back"))
                    self._tries = 0
                moved = replace(frame, index=self._count, time_s=frame.time_s + offset_s)
                self._count += 1
                self._slot.put(stream.media, moved)
