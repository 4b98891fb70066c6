"""Annotated videos with the timing and sound of the source."""

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
# The last frame is not held for longer than this many times the longest step before it.
_STILL = 10
# Longest sound in seconds that is kept after the last frame: small files may hold days of it.
_TAIL_S = 600.0
# Largest side that x264 accepts, in pixels.
_LARGEST = 16_384
# FFmpeg writes durations of 31 bits, in the time base of `_video_codec`.
_LONGEST_S = (2**31 - 1) / 90_000


class ClipWriter:
    """Writes an annotated MP4, whole or not at all; a context manager.

    Frames keep the timestamps of the source. Each is shown until the next one, the last until the
    end of the source; a frame that is left out lengthens the one before. Sound is copied packet by
    packet, or encoded as AAC if MP4 cannot hold it. Odd sides are padded by one row or column. If
    the block ends with an exception, or without a frame, no file is left; to keep the readable part
    of a broken video, catch its `TruncatedError` within the block.

    Args:
        path: output file; the extension should be .mp4.
        media: the source.
        sound: file to copy the sound from if the source is a video; `media.source` if None.
    """

    def __init__(
        self, path: str | os.PathLike[str], media: Media, sound: Path | None = None
    ) -> None:
        self._path = Path(path)
        self._media = media
        self._sound = sound or Path(media.source)
        self._stack = ExitStack()
        self._drawer = Drawer()
        self._encoder: _ClipEncoder | None = None
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
        # Both the file and its container, held by the stack, must see how the block ended.
        try:
            with self._stack:
                if error is not None:
                    raise error
                if self._encoder is not None:
                    self._encoder.finish(_end_s(self._media), self._ends_s)
        except av.error.FFmpegError as refusal:
            raise self._output_error(refusal) from refusal

    def write(self, frame: Frame, reading: FrameReading) -> None:
        """Add a frame with its readings drawn into it.

        Raises:
            OutputError: if the clip cannot be written.
        """
        image = _even(self._drawer.draw(frame.image, reading))
        if max(image.shape) > _LARGEST:
            raise self._refusal(f"a side has more than {_LARGEST} pixels; make it smaller")
        if self._encoder is not None and frame.time_s - self._last_s > _LONGEST_S:
            raise self._refusal(
                f"no frame follows for hours after {self._last_s:.2f} s, which MP4 cannot hold; "
                "cut the film there"
            )
        self._last_s, self._ends_s = frame.time_s, frame.ends_s
        try:
            if self._encoder is None:
                self._encoder = self._open(image)
            self._encoder.add(image, frame.time_s)
        except av.error.FFmpegError as error:
            raise self._output_error(error) from error

    def _open(self, image: Image) -> "_ClipEncoder":
        temporary = self._stack.enter_context(atomic(self._path))
        output = self._stack.enter_context(
            av.open(str(temporary), "w", format="mp4", options={"movflags": "faststart"})
        )
        encoder = _ClipEncoder(output, image.shape[1], image.shape[0])
        if self._media.kind is MediaKind.VIDEO:
            encoder.sound = copy_sound(self._sound, output, self._stack)
        return encoder

    def _refusal(self, cause: str) -> OutputError:
        return OutputError(f"{self._path} cannot be written: {cause}")

    def _output_error(self, error: av.error.FFmpegError) -> OutputError:
        return output_error(self._path, OSError(error.errno, error.strerror))


class _ClipEncoder:
    """Encodes one clip; each frame is held back until the next one determines its duration."""

    sound: SoundCopier | None = None

    def __init__(self, output: OutputContainer, width: int, height: int) -> None:
        codec, self._time_base, options = _video_codec()
        # PyAV's stubs accept options only for a literal codec name.
        stream: Any = output.add_stream(codec, options=options)
        stream.width, stream.height = width, height
        stream.pix_fmt = "yuv420p"
        stream.time_base = stream.codec_context.time_base = self._time_base
        if codec != "libx264":
            stream.bit_rate = 8 * width * height
        self._output = output
        self._stream = stream
        self._waiting: tuple[int, VideoFrame] | None = None
        self._durations: dict[int, int] = {}
        self._step = round(_DEFAULT_STEP_S / self._time_base)
        self._longest = 0

    def add(self, image: Image, time_s: float) -> None:
        """Add an RGB image, (height, width, 3) uint8, at a time in seconds."""
        size = (self._stream.width, self._stream.height)
        if image.shape[1::-1] != size:
            image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
        ticks = round(Fraction(time_s) / self._time_base)
        if self._waiting is not None:
            ticks = max(ticks, self._waiting[0] + 1)
            self._step = ticks - self._waiting[0]
            self._longest = max(self._longest, self._step)
            self._encode(*self._waiting)
        picture = VideoFrame.from_ndarray(image, format="rgb24")
        picture.pts, picture.time_base = ticks, self._time_base
        self._waiting = ticks, picture

    def finish(self, end_s: float | None, frame_end_s: float | None) -> None:
        """Encode the frame held back, and the sound until `_TAIL_S` after it.

        The last frame is shown until its own `frame_end_s` if known, else until the video's
        `end_s`.
        """
        ends = 0
        if self._waiting is not None:
            self._step = self._last_step(self._waiting[0], end_s, frame_end_s)
            ends = self._waiting[0] + self._step
            self._encode(*self._waiting)
        self._mux(None)
        if self.sound is not None:
            self.sound.finish(float(ends * self._time_base) + _TAIL_S)

    def _last_step(self, ticks: int, end_s: float | None, frame_end_s: float | None) -> int:
        until_s = end_s if frame_end_s is None else frame_end_s
        rest = 0 if until_s is None else round(Fraction(until_s) / self._time_base) - ticks
        if frame_end_s is None and self._longest and rest > _STILL * self._longest:
            # The video was cut off; its last frame was not meant to be held.
            return self._step
        return min(rest, math.floor(_LONGEST_S / self._time_base)) if rest > 0 else self._step

    def _encode(self, ticks: int, picture: VideoFrame) -> None:
        self._durations[ticks] = self._step
        self._mux(picture)
        if self.sound is not None:
            self.sound.copy(float(ticks * self._time_base))

    def _mux(self, picture: VideoFrame | None) -> None:
        for packet in self._stream.encode(picture):
            packet.duration = self._durations.pop(packet.pts, 0)
            self._output.mux(packet)


def _end_s(media: Media) -> float | None:
    return None if media.duration_s is None else media.start_s + media.duration_s


def _video_codec() -> tuple[str, Fraction, dict[str, str]]:
    """Name, time base and options of the best encoder that FFmpeg was built with."""
    if "libx264" in av.codec.codecs_available:
        # With B-frames and uneven timestamps, the duration that MP4 states would be wrong.
        options = {"crf": "20", "preset": "veryfast", "bf": "0"}
        return "libx264", Fraction(1, 90_000), options
    # MPEG-4 part 2 stores its time base in 16 bits.
    return "mpeg4", Fraction(1, 30_000), {}


def _even(image: Image) -> Image:
    """The image, odd sides padded by repeating the last row or column, as 4:2:0 requires."""
    height, width = image.shape[:2]
    if height % 2 == 0 and width % 2 == 0:
        return image
    return np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
