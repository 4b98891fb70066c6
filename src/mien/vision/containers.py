"""Video containers: opening, time base, and choice of the video stream."""

import io
from typing import Any, BinaryIO

import av
import av.error
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from mien.core.errors import MediaError, TruncatedError

__all__ = [
    "AV_TIME_BASE",
    "Clock",
    "has_decoder",
    "open_container",
    "start_s",
    "unreadable",
    "video_stream",
]

AV_TIME_BASE = 1_000_000
"""Ticks per second of FFmpeg's container times."""

# Video and audio demuxers. Left out are playlists, which could open other files or the network, and
# FFmpeg's renderers of plain text.
_DEMUXERS = ",".join(
    (
        "mov", "mp4", "m4a", "3gp", "3g2", "mj2", "matroska", "webm", "avi", "mpegts", "mpeg",
        "mpegvideo", "asf", "flv", "ogg", "h264", "hevc", "av1", "obu", "ivf", "m4v",
        "mxf", "dv", "rm", "nut", "yuv4mpegpipe", "wtv", "swf", "nsv", "live_flv",
        "mp3", "wav", "flac", "aac", "aiff", "ac3", "amr",
    )
)  # fmt: skip
RESTART_S = 0.5
"""Backward step of a timestamp, in seconds, above which a new recording starts; smaller ones are
reordering within one recording."""
MAX_FRAME = 40_000_000
"""Number of pixels above which FFmpeg decodes no frame; 8192x4320 has 35 million. To find out what
streams hold, it decodes a frame of each before their size can be checked."""
MAX_STREAMS = 64
_FREE_CLOCKS = frozenset({"mpegts", "mpeg"})


def open_container(file: BinaryIO) -> InputContainer:
    """Open a video by its content; playlists and the like are refused.

    Raises:
        av.error.FFmpegError: if the bytes are not a video.
    """
    return av.open(
        _Nameless(file),
        "r",
        # PyAV passes these to the decoders, too.
        options={
            "format_whitelist": _DEMUXERS,
            "max_pixels": str(MAX_FRAME),
            "max_streams": str(MAX_STREAMS),
        },
        metadata_errors="replace",
        buffer_size=1 << 18,
    )


class _Nameless:
    """A file without a name, from which FFmpeg would take a video named .jpg for a picture."""

    def __init__(self, file: BinaryIO) -> None:
        self.read, self.seek, self.tell = file.read, file.seek, file.tell


def start_s(container: InputContainer) -> float:
    """Container time in seconds that counts as zero.

    Zero, except for MPEG transport and program streams, whose clocks start at an arbitrary time.
    """
    if container.format.name in _FREE_CLOCKS and container.start_time is not None:
        return container.start_time / AV_TIME_BASE
    return 0.0


class Clock:
    """Unwraps the timestamps of a stream that restart where recordings were joined.

    Attributes:
        offset_s: seconds currently added to the timestamps.
    """

    def __init__(self) -> None:
        self.offset_s = 0.0
        self._last_s: float | None = None

    def unwrap(self, time_s: float, step_s: float) -> float:
        """Continuous time in seconds of the next frame or packet.

        Args:
            time_s: its own timestamp in seconds.
            step_s: seconds since the previous one, used where timestamps restart.
        """
        if self._last_s is not None and time_s + self.offset_s < self._last_s - RESTART_S:
            self.offset_s = self._last_s + step_s - time_s
        self._last_s = time_s + self.offset_s
        return self._last_s


def has_decoder(stream: "av.stream.Stream") -> bool:
    """Whether FFmpeg has a decoder for a stream; without one PyAV has no codec context."""
    context: Any = stream.codec_context
    return context is not None


def video_stream(container: InputContainer, file: BinaryIO, name: str) -> VideoStream:
    """The first video stream that can be decoded and is not cover art.

    Args:
        container: the open container.
        file: the file that it was opened from.
        name: name of the source in errors.

    Raises:
        MediaError: if there is none.
    """
    unknown = False
    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            if has_decoder(stream):
                return stream
            unknown = True
    if unknown:
        raise MediaError(
            f"{name} is a film in a form that cannot be decoded; convert it to MP4 with H.264"
        )
    if not len(container.streams):
        raise unreadable(file, name)
    raise MediaError(f"{name} has no video stream, only sound or data; give a film with pictures")


def unreadable(file: BinaryIO, name: str) -> MediaError:
    """The error for a file in which FFmpeg finds no video, chosen by its first bytes."""
    head = _head(file)
    if head[4:8] == b"ftyp" and head[8:12] in {b"heic", b"heix", b"hevc", b"mif1", b"msf1"}:
        return MediaError(f"{name} is a HEIC picture, which is not read; save it as JPEG or PNG")
    if head[4:8] == b"ftyp":
        return TruncatedError(
            f"{name} was cut off before the index at its end, without which no frame can be "
            "read; copy the film again or finish its recording"
        )
    return MediaError(
        f"{name} is neither a picture nor a film that can be read; "
        "check the file or convert it to JPEG, PNG or MP4"
    )


def _head(file: BinaryIO) -> bytes:
    try:
        file.seek(0, io.SEEK_SET)
        return file.read(16)
    except (OSError, ValueError):
        return b""
