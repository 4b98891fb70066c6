"""When the encoded data of live pictures came in, and decoding that holds no picture back."""

import time
from typing import Any

from av.codec.context import Flags
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

__all__ = ["Arrivals", "Pace", "hold_nothing_back"]

MOST_PENDING = 64
"""So many packets may wait for their picture; H.264 and HEVC let pictures wait for 16 others."""


def hold_nothing_back(stream: VideoStream) -> None:
    """Let the decoder give each picture as soon as its data are in.

    FFmpeg's threads can share the pictures or the slices of one picture. The first reads films
    faster, but gives a picture only when every other thread has had a later one: three threads
    hold each back for two pictures, 80 ms at 25 a second. Live pictures are decoded by slices.
    dav1d, which decodes AV1, shares pictures whatever it is told, unless the delay must be low.
    Other decoders must not hear of low delay: those of MPEG-2 and MPEG-4 would give pictures in
    the order in which they were sent.
    """
    stream.thread_type = "SLICE"
    context: Any = stream.codec_context
    if context.codec.canonical_name == "av1":
        context.flags |= Flags.low_delay


class Pace:
    """The moments at which a film comes in that is played as if live.

    Args:
        longest_s: seconds that a leap in the film's times takes at most.
    """

    def __init__(self, longest_s: float) -> None:
        self._longest_s = longest_s
        self._due_s: float | None = None
        self._last_s: float | None = None

    def wait(self, time_s: float | None, step_s: float = 0.0) -> float:
        """Sleep until it is time; times that run back are due at once.

        Args:
            time_s: seconds in the film; None where it does not say.
            step_s: seconds after the time before, for such a one.

        Returns:
            The moment at which it was due, in seconds of `time.monotonic`. Whoever calls too late
            learns so: what a slow decoder leaves waiting has come in all the same.
        """
        if self._last_s is None or time_s is None:
            leap_s = step_s
        else:
            leap_s = min(max(time_s - self._last_s, 0.0), self._longest_s)
        self._due_s = time.monotonic() if self._due_s is None else self._due_s + leap_s
        if time_s is not None:
            self._last_s = time_s
        elif self._last_s is not None:
            self._last_s += step_s
        time.sleep(max(self._due_s - time.monotonic(), 0.0))
        return self._due_s


class Arrivals:
    """Tells of a decoded picture when the data that it needs had come in.

    Pictures are decoded in the order in which they are shown, and may be sent in another: then one
    that was sent early waits for those to be shown before it. The wait for what had not been sent
    yet is no delay of ours and does not count; any wait in the decoder does. So a picture has come
    in when its own packet has and those of all pictures before it.
    """

    def __init__(self) -> None:
        self._pending: dict[int, float] = {}
        self._last_s = 0.0
        self._newest_s = 0.0

    def note(self, stamp: int | None, at_s: float) -> None:
        """A packet came in, before it is decoded.

        Args:
            stamp: its time of presentation, which its picture has too; None where there is none.
            at_s: the moment, in seconds of `time.monotonic`.
        """
        self._last_s = at_s
        if stamp is None:
            return
        self._pending[stamp] = at_s
        if len(self._pending) > MOST_PENDING:
            # Packets that are damaged, or hold no picture to be shown, are never asked for.
            del self._pending[next(iter(self._pending))]

    def of(self, picture: VideoFrame) -> float:
        """The moment for the next decoded picture, in seconds of `time.monotonic`.

        For a picture without a time of its own, that of the packet that was decoded last.
        """
        own_s = self._last_s
        if picture.pts is not None:
            own_s = self._pending.pop(picture.pts, own_s)
        self._newest_s = max(self._newest_s, own_s)
        return self._newest_s
