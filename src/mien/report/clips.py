"""Annotated films: the pictures drawn on, the source's timing and sound kept."""

import math
import os
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import av
import av.codec
import av.error
import cv2
import numpy as np
from av.container import OutputContainer
from av.video.frame import VideoFrame

from mien.core.errors import OutputError
from mien.core.media import Frame, Image, Media, MediaKind
from mien.core.types import FrameReading
from mien.report.drawing import Drawer
from mien.report.files import atomic, output_error
from mien.report.sound import SoundCopier, copy_sound

__all__ = ["ClipWriter"]

_DEFAULT_STEP_S = 1 / 25
# The last picture is not held longer than this many of the longest steps before.
_STILL = 10
# What x264 takes of a side, in pixels.
_LARGEST = 16_384
# FFmpeg writes durations of 31 bits, at the clock of `_encoder`.
_LONGEST_S = (2**31 - 1) / 90_000


class ClipWriter:
    """Writes an annotated MP4, whole or not at all; a context manager.

    Frames keep the times of the source, each shown until the next, the last until the source's
    end; frames that are left out lengthen those before them. Sound is copied packet by packet, or
    encoded as AAC where MP4 cannot hold it. Sides of an odd length get one more row or column. If
    the block ends with an exception, or without a frame, no file is left; to keep what could be
    read of a broken film, catch its `TruncatedError` within the block.

    Args:
        path: where the clip goes; the extension should be .mp4.
        media: the source.
        sound: the file that the sound is copied from, if the source is a film; what `media` calls
            it if None.
    """

    def __init__(
        self, path: str | os.PathLike[str], media: Media, sound: Path | None = None
    ) -> None:
        self._path = Path(path)
        self._media = media
        self._sound = sound or Path(media.source)
        self._stack = ExitStack()
        self._drawer = Drawer()
        self._film: _Film | None = None
        self._last_s = 0.0
        self._ends_s: float | None = None

    def __enter__(self) -> "ClipWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # The stack holds the file and the container in it; both must see how the block ended.
        try:
            with self._stack:
                if error is not None:
                    raise error
                if self._film is not None:
                    self._film.finish(_end_s(self._media), self._ends_s)
        except av.error.FFmpegError as refusal:
            raise self._output_error(refusal) from refusal

    def write(self, frame: Frame, reading: FrameReading) -> None:
        """Add a frame with its readings drawn in.

        Raises:
            OutputError: if the clip cannot be written.
        """
        image = _even(self._drawer.draw(frame.image, reading))
        if max(image.shape) > _LARGEST:
            raise self._refusal(f"a side has more than {_LARGEST} pixels; make it smaller")
        if self._film is not None and frame.time_s - self._last_s > _LONGEST_S:
            raise self._refusal(
                f"nothing comes for hours after {self._last_s:.2f} s, which MP4 cannot hold; "
                "cut the film there"
            )
        self._last_s, self._ends_s = frame.time_s, frame.ends_s
        try:
            if self._film is None:
                self._film = self._open(image)
            self._film.add(image, frame.time_s)
        except av.error.FFmpegError as error:
            raise self._output_error(error) from error

    def _open(self, image: Image) -> "_Film":
        temporary = self._stack.enter_context(atomic(self._path))
        output = self._stack.enter_context(
            av.open(str(temporary), "w", format="mp4", options={"movflags": "faststart"})
        )
        film = _Film(output, image.shape[1], image.shape[0])
        if self._media.kind is MediaKind.VIDEO:
            film.sound = copy_sound(self._sound, output, self._stack)
        return film

    def _refusal(self, cause: str) -> OutputError:
        return OutputError(f"{self._path} cannot be written: {cause}")

    def _output_error(self, error: av.error.FFmpegError) -> OutputError:
        return output_error(self._path, OSError(error.errno, error.strerror))


class _Film:
    """The encoder of one clip; a frame waits until its duration is known from the next."""

    sound: SoundCopier | None = None

    def __init__(self, output: OutputContainer, width: int, height: int) -> None:
        codec, self._clock, options = _encoder()
        # The stubs know no options for a codec whose name is a variable.
        stream: Any = output.add_stream(codec, options=options)
        stream.width, stream.height = width, height
        stream.pix_fmt = "yuv420p"
        stream.time_base = stream.codec_context.time_base = self._clock
        if codec != "libx264":
            stream.bit_rate = 8 * width * height
        self._output = output
        self._stream = stream
        self._waiting: tuple[int, VideoFrame] | None = None
        self._durations: dict[int, int] = {}
        self._step = round(_DEFAULT_STEP_S / self._clock)
        self._longest = 0

    def add(self, image: Image, time_s: float) -> None:
        """Add an RGB picture at a time in seconds."""
        size = (self._stream.width, self._stream.height)
        if image.shape[1::-1] != size:
            image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
        ticks = round(Fraction(time_s) / self._clock)
        if self._waiting is not None:
            ticks = max(ticks, self._waiting[0] + 1)
            self._step = ticks - self._waiting[0]
            self._longest = max(self._longest, self._step)
            self._encode(*self._waiting)
        picture = VideoFrame.from_ndarray(image, format="rgb24")
        picture.pts, picture.time_base = ticks, self._clock
        self._waiting = ticks, picture

    def finish(self, end_s: float | None, told_s: float | None) -> None:
        """Encode what waits and the rest of the sound.

        The last picture stays until the film's `end_s`, or when it was `told_s` itself to end.
        """
        if self._waiting is not None:
            self._step = self._last_step(self._waiting[0], end_s, told_s)
            self._encode(*self._waiting)
        self._mux(None)
        if self.sound is not None:
            self.sound.copy(math.inf)

    def _last_step(self, ticks: int, end_s: float | None, told_s: float | None) -> int:
        until_s = end_s if told_s is None else told_s
        rest = 0 if until_s is None else round(Fraction(until_s) / self._clock) - ticks
        if told_s is None and self._longest and rest > _STILL * self._longest:
            # A film that was cut off, not one whose last picture stays.
            return self._step
        return min(rest, math.floor(_LONGEST_S / self._clock)) if rest > 0 else self._step

    def _encode(self, ticks: int, picture: VideoFrame) -> None:
        self._durations[ticks] = self._step
        self._mux(picture)
        if self.sound is not None:
            self.sound.copy(float(ticks * self._clock))

    def _mux(self, picture: VideoFrame | None) -> None:
        for packet in self._stream.encode(picture):
            packet.duration = self._durations.pop(packet.pts, 0)
            self._output.mux(packet)


def _end_s(media: Media) -> float | None:
    return None if media.duration_s is None else media.start_s + media.duration_s


def _encoder() -> tuple[str, Fraction, dict[str, str]]:
    """Name, clock and options of the best encoder that FFmpeg was built with."""
    if "libx264" in av.codec.codecs_available:
        # With B-frames the length that MP4 states would not be that of uneven times.
        options = {"crf": "20", "preset": "veryfast", "bf": "0"}
        return "libx264", Fraction(1, 90_000), options
    # MPEG-4 part 2 has 16 bits for its clock.
    return "mpeg4", Fraction(1, 30_000), {}


def _even(image: Image) -> Image:
    """The picture with the last row or column doubled where a side is odd; 4:2:0 needs even."""
    height, width = image.shape[:2]
    if height % 2 == 0 and width % 2 == 0:
        return image
    return np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
