"""Live pictures: always the newest is read, what comes meanwhile is dropped and counted."""

import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import TypeAlias

from mien.core.errors import MienError
from mien.core.media import Frame, Media
from mien.core.types import FrameReading
from mien.pipeline.sequence import SequenceReader
from mien.vision.stream import MediaStream

__all__ = ["LiveReader", "LiveReading", "Notice"]

STALL_S = 3.0
"""A camera that gives no picture for longer is said to stall."""
BACK_OFF_S = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds before the first and each further try to open a lost camera again; then the last."""


@dataclass(frozen=True)
class LiveReading:
    """One picture that was read.

    Attributes:
        media: where it comes from; its size is that of this picture.
        frame: the picture.
        reading: what was read.
        delay_s: seconds until the reading from when its encoded data had come in, so that decoding
            and waiting count; from when it was decoded, where its source does not tell.
        received: pictures that have come so far, this one among them.
        dropped: those of them that were never read.
    """

    media: Media
    frame: Frame
    reading: FrameReading
    delay_s: float
    received: int
    dropped: int


@dataclass(frozen=True)
class Notice:
    """What became of the camera: lost, tried again, back, or stalled; one sentence."""

    text: str


LiveEvent: TypeAlias = "LiveReading | Notice"


class LiveReader:
    """Reads a live source until it ends, or for ever.

    A thread decodes every picture as it comes and keeps the newest only; no queue can build up.

    Args:
        connect: opens the source; called again after it was lost.
        sequence: reads the pictures.
        retry: whether to open the source again when it ends or is lost.
        stall_s: seconds without a picture after which to give notice.
        back_off_s: seconds before each try.
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
        self._grabber = _Grabber(connect, self._slot, back_off_s if retry else ())

    def events(self) -> Generator[LiveEvent, None, None]:
        """Readings and notices as they come.

        Raises:
            MienError: if the source cannot be opened at first, or is lost and not tried again.
        """
        grabbing = threading.Thread(target=self._grabber.run, daemon=True)
        grabbing.start()
        stalled = False
        try:
            while True:
                taken = self._slot.take(self._stall_s)
                if taken is None:
                    if not stalled:
                        yield Notice(f"no picture for {self._stall_s:g} s; waiting for the camera")
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
            # A camera that hangs cannot be interrupted; its thread dies with the process.
            grabbing.join(timeout=1.0)

    def stop(self) -> None:
        """End `events` after the reading at hand; may be called from a signal handler."""
        self._slot.close()

    def _read(self, arrival: "_Arrival") -> LiveReading:
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
    """Room for the newest picture and for what else is to be said, in order."""

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
        """The newest picture and what was said, in order; None when nothing comes in time."""
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
        """Wait, but no longer than until this is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed, seconds)


class _Grabber:
    """Takes pictures from the source as they arrive; the times go on when it was lost."""

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
                    # Not before: to open a camera and to await its first picture takes its time.
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
