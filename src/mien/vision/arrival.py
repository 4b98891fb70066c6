"""Arrival times of live frames, playback at real-time pace, and low-delay decoding."""

import time
from typing import Any

from av.codec.context import Flags
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

__all__ = ["Arrivals", "Pace", "use_low_delay_decoding"]

MAX_PENDING_PACKETS = 64
"""Maximum number of packets that wait for their frame. In H.264 and HEVC a frame waits for at most
16 others."""


def use_low_delay_decoding(stream: VideoStream) -> None:
    """Make the decoder output each frame as soon as its data are in.

    FFmpeg has frame and slice threading. Frame threading is faster on files, but outputs a frame
    only when every other thread has received a later one: three threads delay each frame by two
    frames, 80 ms at 25 fps. Live streams therefore use slice threading. dav1d (AV1) uses frame
    threading regardless, unless the low-delay flag is set. Other decoders must not get this flag:
    those of MPEG-2 and MPEG-4 would output frames in decoding order.
    """
    stream.thread_type = "SLICE"
    context: Any = stream.codec_context
    if context.codec.canonical_name == "av1":
        context.flags |= Flags.low_delay


class Pace:
    """Waits for timestamps of a video that is played as if live.

    Args:
        longest_s: maximum wait in seconds between two timestamps.
    """

    def __init__(self, longest_s: float) -> None:
        self._longest_s = longest_s
        self._due_s: float | None = None
        self._last_s: float | None = None

    def wait(self, time_s: float | None, step_s: float = 0.0) -> float:
        """Sleep until a timestamp is due; one that runs backwards is due at once.

        Args:
            time_s: timestamp in seconds; None if unknown.
            step_s: seconds since the previous timestamp, used where either is unknown.

        Returns:
            When it was due, in seconds of `time.monotonic`: in the past if a slow decoder calls
            late.
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
    """Arrival times of decoded frames.

    Frames are output in presentation order but may be sent in another: a frame sent early then
    waits for those presented before it. Waiting for data that have not been sent is not counted as
    delay; waiting in the decoder is. A frame has therefore arrived when its own packet and those of
    all frames before it have.
    """

    def __init__(self) -> None:
        self._pending: dict[int, float] = {}
        self._last_s = 0.0
        self._newest_s = 0.0

    def note(self, stamp: int | None, at_s: float) -> None:
        """Record the arrival of a packet, before it is decoded.

        Args:
            stamp: presentation timestamp of the packet and its frame; None if missing.
            at_s: arrival time in seconds of `time.monotonic`.
        """
        self._last_s = at_s
        if stamp is None:
            return
        self._pending[stamp] = at_s
        if len(self._pending) > MAX_PENDING_PACKETS:
            # Damaged packets and those without a visible frame are never asked for.
            del self._pending[next(iter(self._pending))]

    def of(self, picture: VideoFrame) -> float:
        """Arrival time of the next decoded frame, in seconds of `time.monotonic`.

        A frame without a timestamp has the arrival time of the last packet.
        """
        own_s = self._last_s
        if picture.pts is not None:
            own_s = self._pending.pop(picture.pts, own_s)
        self._newest_s = max(self._newest_s, own_s)
        return self._newest_s
