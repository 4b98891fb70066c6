"""Containers of films: which are opened, how their time runs, and which stream is the film."""

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
"""Units of FFmpeg's own times in a second."""

# Demuxers of films and sound. Playlists stay out, which could open other files or the network,
# and so do FFmpeg's renderers of plain text.
_DEMUXERS = ",".join(
    (
        "mov", "mp4", "m4a", "3gp", "3g2", "mj2", "matroska", "webm", "avi", "mpegts", "mpeg",
        "mpegvideo", "asf", "flv", "ogg", "h264", "hevc", "av1", "obu", "ivf", "m4v",
        "mxf", "dv", "rm", "nut", "yuv4mpegpipe", "wtv", "swf", "nsv", "live_flv",
        "mp3", "wav", "flac", "aac", "aiff", "ac3", "amr",
    )
)  # fmt: skip
BACK_S = 0.5
"""What runs back by more seconds begins anew; less is disorder within one recording."""
# Transport and programme streams start at an arbitrary time.
_FREE_CLOCKS = frozenset({"mpegts", "mpeg"})


def open_container(file: BinaryIO) -> InputContainer:
    """Open films by their content; playlists and the like are not opened.

    Raises:
        av.error.FFmpegError: if the bytes are no film.
    """
    return av.open(
        _Nameless(file),
        "r",
        options={"format_whitelist": _DEMUXERS},
        metadata_errors="replace",
        buffer_size=1 << 18,
    )


class _Nameless:
    """A file as FFmpeg sees it: it would tell a film that is called .jpg from its name."""

    def __init__(self, file: BinaryIO) -> None:
        self.read, self.seek, self.tell = file.read, file.seek, file.tell


def start_s(container: InputContainer) -> float:
    """The container's time, in seconds, that counts as zero.

    Zero itself, except in MPEG transport and programme streams, whose clocks run freely.
    """
    if container.format.name in _FREE_CLOCKS and container.start_time is not None:
        return container.start_time / AV_TIME_BASE
    return 0.0


class Clock:
    """The times of one stream, going on where its own begin anew: recordings that were joined.

    Attributes:
        behind_s: seconds by which its own times are behind by now.
    """

    def __init__(self) -> None:
        self.behind_s = 0.0
        self._last_s: float | None = None

    def mended(self, time_s: float, step_s: float) -> float:
        """The time, in seconds, of the next picture or packet.

        Args:
            time_s: its own.
            step_s: from the one before, where it begins anew.
        """
        if self._last_s is not None and time_s + self.behind_s < self._last_s - BACK_S:
            self.behind_s = self._last_s + step_s - time_s
        self._last_s = time_s + self.behind_s
        return self._last_s


def has_decoder(stream: "av.stream.Stream") -> bool:
    """Whether FFmpeg knows how a stream is coded; where it does not, PyAV has no context."""
    context: Any = stream.codec_context
    return context is not None


def video_stream(container: InputContainer, file: BinaryIO, name: str) -> VideoStream:
    """The stream of a film's pictures; not that of a cover.

    Args:
        container: of the film.
        file: that it was opened from.
        name: what errors call it.

    Raises:
        MediaError: if there is none, or none that can be decoded.
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
    """Why a file in which FFmpeg finds no film cannot be read, by what it begins with."""
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
