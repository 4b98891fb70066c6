"""Videos, decoded by FFmpeg through PyAV: frames as displayed, with the container's timestamps."""

import itertools
import logging
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, BinaryIO

import av
import av.error
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from mien.core.errors import MediaError, TruncatedError
from mien.core.media import Frame, Media, MediaKind
from mien.vision.arrival import Arrivals, Pace, use_low_delay_decoding
from mien.vision.containers import (
    AV_TIME_BASE,
    Clock,
    open_container,
    start_s,
    unreadable,
    video_stream,
)
from mien.vision.display import Display
from mien.vision.stream import MediaStream, check_pixels

__all__ = ["open_video"]

_log = logging.getLogger(__name__)

# Containers that declare their length; for others FFmpeg estimates it from the data.
_DECLARE_LENGTH = ("mov", "matroska", "avi", "flv", "asf")
# Containers that declare the end time; others declare the duration, which differs if they start
# late.
_DECLARE_END = ("matroska", "asf", "nut")
_MISSING_S = 0.5
"""Seconds missing from the declared length above which a file counts as cut off."""
_DEFAULT_STEP_S = 1 / 25
"""Frame interval in seconds where no frame rate is known."""


def open_video(
    file: BinaryIO, name: str, max_pixels: int, every: int, pace: Pace | None = None
) -> MediaStream:
    """Open a video; frames are decoded as they are requested, in constant memory.

    Args:
        file: binary and seekable; the stream closes it.
        name: name of the source in errors and results.
        max_pixels: limit on width times height of a frame.
        every: keep every n-th frame.
        pace: plays the video as if live: packets are decoded when they are due, with low delay, and
            frames carry their arrival time.

    Raises:
        MediaError: if the bytes are not a video, or it has no video stream that can be read.
        TooLargeError: above the limit.
        TruncatedError: if the video is cut off before the first frame.
    """
    try:
        container = open_container(file)
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise unreadable(file, name) from error
    try:
        decoder = _Decoder(container, video_stream(container, file, name), name, pace)
        if not decoder.stream.width:
            raise MediaError(
                f"{name} holds no frame of a size that can be read; convert it to MP4 with H.264"
            )
        check_pixels(name, decoder.stream.width, decoder.stream.height, max_pixels)
        pictures = decoder.decode()
        first = decoder.first(pictures)
        width, height = decoder.display.size(first)
    except BaseException:
        container.close()
        raise

    def close() -> None:
        container.close()
        file.close()

    media = Media(
        name,
        MediaKind.VIDEO,
        width,
        height,
        frame_count=decoder.stream.frames or None,
        start_s=decoder.time_s(first) or 0.0,
        duration_s=decoder.duration_s(first),
    )
    return MediaStream(media, decoder.frames(first, pictures, every, max_pixels), close)


class _Decoder:
    """Decodes one video stream packet by packet; the first fault is kept until the end."""

    def __init__(
        self, container: InputContainer, stream: VideoStream, name: str, pace: Pace | None
    ) -> None:
        if pace is None:
            stream.thread_type = "AUTO"
        else:
            use_low_delay_decoding(stream)
        self.container = container
        self.stream = stream
        self.name = name
        self.fault: str | None = None
        self.start_s = start_s(container)
        self.end_s = 0.0
        self._pace = pace
        self._arrivals = Arrivals()
        self.display = Display(stream, constant_size=True)
        self._lost = 0

    def time_s(self, picture: VideoFrame) -> float | None:
        """Presentation time of a frame in seconds; None if it has no timestamp."""
        # AVI has no presentation times: FFmpeg passes on its decoding times in the wrong order.
        stamp = picture.dts if self.container.format.name == "avi" else picture.pts
        if stamp is None or self.stream.time_base is None:
            return None
        return float(stamp * self.stream.time_base) - self.start_s

    def duration_s(self, first: VideoFrame) -> float | None:
        """Seconds from the first frame to the end; None if not declared."""
        if self.stream.duration is not None and self.stream.time_base is not None:
            declared_s = float(self.stream.duration * self.stream.time_base)
        elif self.container.duration is not None:
            declared_s = self.container.duration / AV_TIME_BASE
        else:
            return None
        first_s = self.time_s(first) or 0.0
        late = self.container.format.name.startswith(_DECLARE_END) and first_s < declared_s
        return declared_s - first_s if late else declared_s

    def first(self, pictures: Iterator[VideoFrame]) -> VideoFrame:
        try:
            return next(pictures)
        except StopIteration:
            self._note_missing()
            cause = self.fault or "its video stream is empty"
            kind = TruncatedError if self.fault else MediaError
            raise kind(
                f"{self.name} holds no frame that can be decoded ({cause}); "
                "copy or convert the film again"
            ) from None

    def frames(
        self, first: VideoFrame, pictures: Iterator[VideoFrame], every: int, max_pixels: int
    ) -> Iterator[Frame]:
        """All kept frames; raises the fault at the end, if there was one."""
        clock, time_s, step_s = Clock(), 0.0, self._step_s()
        for position, picture in enumerate(itertools.chain([first], pictures)):
            shown_s = self.time_s(picture)
            if shown_s is not None:
                time_s = clock.unwrap(shown_s, step_s)
                self.end_s = max(self.end_s, time_s)
            elif position > 0:
                time_s += step_s
            arrived_s = None if self._pace is None else self._arrivals.of(picture)
            index = position + self._lost
            if index % every == 0:
                check_pixels(self.name, *self.display.size(picture), max_pixels)
                yield Frame(self.display.image(picture), index, time_s, arrived_s)
        self._raise_fault()

    def decode(self) -> Iterator[VideoFrame]:
        """All decoded frames.

        Not stored here: an abandoned decoder would wait for garbage collection.
        """
        for packet in self._packets():
            self._pace_packet(packet.pts, packet.dts)
            try:
                yield from self._undamaged(packet.decode())
            except av.error.FFmpegError as error:
                self._lost += 1
                self._note(f"a part cannot be decoded: {error.strerror}")
        try:
            for picture in self._undamaged(self.stream.decode(None)):
                # No packet is left whose pace would release the frame on time.
                self._pace_packet(picture.pts, picture.pts)
                yield picture
        except av.error.EOFError:
            pass
        except av.error.FFmpegError as error:
            self._note(f"the last part cannot be decoded: {error.strerror}")

    def _packets(self) -> "Iterator[av.Packet[Any]]":
        """Undamaged packets of the stream; those of other streams only extend `end_s`."""
        try:
            for packet in self.container.demux():
                if packet.size == 0:
                    continue
                if packet.is_corrupt:
                    self._note("data are missing")
                    # In broadcast recordings only a part is missing, which decoders conceal.
                    if not self.container.format.name.startswith("mpeg"):
                        continue
                stamp = packet.dts if packet.pts is None else packet.pts
                if stamp is not None and packet.time_base is not None:
                    end = (stamp + (packet.duration or 0)) * packet.time_base
                    self.end_s = max(self.end_s, float(end) - self.start_s)
                if packet.stream_index == self.stream.index:
                    yield packet
        except (av.error.FFmpegError, OSError) as error:
            self._note(f"reading stops: {error.strerror}")

    def _pace_packet(self, stamp: int | None, due: int | None) -> None:
        """With a pace, wait until a packet is due and record its arrival.

        Args:
            stamp: presentation timestamp in the stream's time base.
            due: when it is due, in the stream's time base; None for one frame after the last.
        """
        if self._pace is not None:
            unit_s = self.stream.time_base
            time_s = None if due is None or unit_s is None else float(due * unit_s)
            self._arrivals.note(stamp, self._pace.wait(time_s, self._step_s()))

    def _undamaged(self, pictures: list[VideoFrame]) -> Iterator[VideoFrame]:
        for picture in pictures:
            if picture.is_corrupt:
                self._lost += 1
                self._note("frames are damaged")
            else:
                yield picture

    def _note(self, fault: str) -> None:
        _log.debug("%s: %s", self.name, fault)
        self.fault = self.fault or fault

    def _note_missing(self) -> None:
        declared = self.container.duration
        if self.container.format.name.startswith(_DECLARE_LENGTH) and declared is not None:
            length_s = declared / AV_TIME_BASE
            if self.end_s + _MISSING_S < length_s:
                self._note(f"it ends at {self.end_s:.2f} s of {length_s:.2f} s")

    def _raise_fault(self) -> None:
        self._note_missing()
        if self.fault is not None:
            raise TruncatedError(
                f"{self.name} is cut off or damaged ({self.fault}); what could be read up to "
                f"{self.end_s:.2f} s is delivered, copy the film again to have the rest"
            )

    def _step_s(self) -> float:
        rate: Fraction | None = self.stream.average_rate or self.stream.guessed_rate
        return float(1 / rate) if rate else _DEFAULT_STEP_S
