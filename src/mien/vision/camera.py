"""Cameras, network streams, and files played as if live."""

import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import av
import av.error
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from mien.core.errors import InputError, MediaError, cause_of
from mien.core.media import Frame, Media, MediaKind
from mien.vision.arrival import Arrivals, Pace, use_low_delay_decoding
from mien.vision.containers import has_decoder
from mien.vision.display import Display
from mien.vision.media import DEFAULT_MAX_PIXELS, open_media
from mien.vision.stream import MediaStream, check_pixels

__all__ = ["CameraSource", "find_camera", "open_camera"]

OPEN_S = 10.0
"""Seconds without an answer after which a network stream counts as unreachable."""
READ_S = 5.0
"""Seconds without data after which a network stream or a camera on macOS counts as lost."""
POLL_S = 0.005
"""Seconds between polls of a camera that has no frame ready; a fraction of its frame interval."""
MAX_DAMAGED_PACKETS = 50
"""Maximum number of consecutive undecodable packets before a camera counts as lost: about two
seconds."""
BURST_FORMATS = ("hls", "mov", "matroska")
"""Container formats that the network delivers in segments of many seconds, or at full speed."""
SCHEMES = ("rtsp", "rtsps", "rtmp", "rtmps", "http", "https", "udp", "tcp", "srt")
"""URL schemes that are read."""

# By platform: FFmpeg's input format and the name of the n-th camera. DirectShow has only names.
_SYSTEMS = {
    "linux": ("v4l2", "/dev/video{}"),
    "darwin": ("avfoundation", "{}"),
    "win32": ("dshow", None),
}
# By default FFmpeg asks AVFoundation for 29.97 fps, which built-in Mac cameras refuse.
_OPTIONS = {"darwin": {"framerate": "30"}}


@dataclass(frozen=True)
class CameraSource:
    """A source for `open_camera`.

    Attributes:
        name: name in results; a URL without password, and without query, which may hold one.
        target: path, URL or device that FFmpeg opens.
        input_format: FFmpeg's input format; None to detect it.
        options: FFmpeg options; a camera that refuses them is opened without.
        film: whether it is a file to be played as if live; files end, cameras do not.
    """

    name: str
    target: str
    input_format: str | None = None
    options: dict[str, str] = field(default_factory=dict)
    film: bool = False


def find_camera(source: str) -> CameraSource:
    """Resolve a camera number, a device, a URL or a file.

    Raises:
        InputError: for anything else.
    """
    input_format, pattern = _SYSTEMS.get(sys.platform, _SYSTEMS["linux"])
    if source.isdigit():
        if pattern is None:
            raise InputError(
                f"camera {source} cannot be found by its number on this system; give its name as "
                'the device manager shows it, such as "video=Integrated Camera"'
            )
        options = _OPTIONS.get(sys.platform, {})
        return CameraSource(f"camera {source}", pattern.format(source), input_format, options)
    if "://" in source:
        scheme = source.split("://")[0].lower()
        if scheme not in SCHEMES:
            raise InputError(f"{scheme} addresses are not read; use one of: {', '.join(SCHEMES)}")
        options = {"rtsp_transport": "tcp"} if scheme.startswith("rtsp") else {}
        return CameraSource(_without_password(source), source, None, options)
    if source.startswith(("/dev/", "video=")):
        return CameraSource(source, source, input_format)
    if Path(source).is_file():
        return CameraSource(source, source, film=True)
    raise InputError(
        f"{source or 'an empty name'} is no camera, address or film; give a number such as 0, a "
        "device such as /dev/video0, an address such as rtsp://... or a file"
    )


def open_camera(source: CameraSource, *, max_pixels: int = DEFAULT_MAX_PIXELS) -> MediaStream:
    """Open a camera, network stream or file, whose frames come in real time.

    Iterating waits for the next frame. `time_s` of a camera frame is when it came, in seconds since
    the first, since timestamps of cameras may jump, repeat or run backwards; files keep their own.
    Files, and streams that come in bursts, are played at their own speed. `arrived_s` is when the
    encoded data of a frame were received from the system or the network, or were due in playback,
    before decoding; None for animations.

    Raises:
        MediaError: if it cannot be opened, or while iterating if it is lost.
        TooLargeError: for frames above `max_pixels`.
    """
    if source.film:
        pace = Pace(READ_S)
        stream = open_media(source.target, max_pixels=max_pixels, pace=pace)
        return MediaStream(stream.media, _paced(stream, pace), stream.close)
    try:
        container = _connected(source)
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise MediaError(
            f"{source.name} cannot be opened ({_cause(error, OPEN_S)}); check that it is "
            "connected, that no other program uses it and that you may read it"
        ) from error
    if not container.streams.video:
        container.close()
        raise MediaError(f"{source.name} sends no pictures; choose another camera or address")
    video = container.streams.video[0]
    try:
        if not has_decoder(video):
            raise MediaError(
                f"{source.name} sends pictures in a form that cannot be decoded; set it to H.264 "
                "or MJPEG"
            )
        check_pixels(source.name, video.width, video.height, max_pixels)
    except BaseException:
        container.close()
        raise
    use_low_delay_decoding(video)
    media = Media(source.name, MediaKind.CAMERA, video.width, video.height)
    # What has a length is a file.
    at_once = bool(container.duration) or container.format.name.startswith(BURST_FORMATS)
    bursts = "://" in source.target and at_once
    frames = _arriving(container, source.name, max_pixels, Pace(READ_S) if bursts else None)
    return MediaStream(media, frames, container.close)


def _connected(source: CameraSource) -> InputContainer:
    try:
        return av.open(
            source.target,
            "r",
            format=source.input_format,
            options=source.options,
            timeout=(OPEN_S, READ_S) if source.input_format is None else None,
        )
    except (av.error.FFmpegError, OSError, ValueError):
        if source.input_format is None or not source.options:
            raise
        return _connected(replace(source, options={}))


def _arriving(
    container: InputContainer, name: str, max_pixels: int, pace: Pace | None
) -> Iterator[Frame]:
    display = Display(container.streams.video[0])
    began: float | None = None
    try:
        for index, (picture, arrived_s) in enumerate(_pictures(container, pace)):
            now = time.monotonic()
            began = now if began is None else began
            check_pixels(name, *display.size(picture), max_pixels)
            yield Frame(display.image(picture), index, now - began, arrived_s)
    except (av.error.FFmpegError, OSError) as error:
        cause = _cause(error, READ_S)
        raise MediaError(f"{name} was lost ({cause}); check its connection") from error
    raise MediaError(f"{name} sends no more pictures; check its connection")


def _cause(error: Exception, patience_s: float) -> str:
    # FFmpeg says "Immediate exit requested" at our own time limits, and "Resource temporarily
    # unavailable" of a camera without a frame.
    timed_out = isinstance(error, av.error.ExitError | av.error.BlockingIOError)
    return f"no answer within {patience_s:g} s" if timed_out else cause_of(error)


def _pictures(
    container: InputContainer, pace: Pace | None = None
) -> Iterator[tuple[VideoFrame, float]]:
    """Decoded frames with their arrival times in seconds of `time.monotonic`.

    A damaged packet loses only its own frame. With a pace, packets arrive when they are due.
    """
    damaged = 0
    arrivals = Arrivals()
    for packet in _packets(container):
        come_s = time.monotonic() if pace is None else pace.wait(_due_s(packet))
        arrivals.note(packet.pts, come_s)
        try:
            pictures = packet.decode()
        except av.error.InvalidDataError:
            damaged += 1
            if damaged > MAX_DAMAGED_PACKETS:
                raise
            continue
        damaged = 0 if pictures else damaged
        for picture in pictures:
            yield picture, arrivals.of(picture)


def _due_s(packet: "Packet[VideoStream]") -> float | None:
    return None if packet.dts is None else float(packet.dts * packet.time_base)


def _packets(container: InputContainer) -> "Iterator[Packet[VideoStream]]":
    """Packets of the video stream; polls AVFoundation, which does not block until a frame is there.

    Ends after `READ_S` without one, so that the caller can stop.
    """
    last_s = time.monotonic()
    while True:
        try:
            for packet in container.demux(video=0):
                yield packet
                last_s = time.monotonic()
            return
        except av.error.BlockingIOError:
            if time.monotonic() - last_s > READ_S:
                raise
            time.sleep(POLL_S)


def _paced(stream: MediaStream, pace: Pace) -> Iterator[Frame]:
    """Frames at real-time pace; those of a video are already paced, an animation's are not."""
    for frame in stream:
        if frame.arrived_s is None:
            pace.wait(frame.time_s)
        yield frame


def _without_password(address: str) -> str:
    # The password goes first: it may hold an unescaped question mark.
    bare = re.sub(r"://[^/]*@", "://", address).partition("?")[0]
    return re.sub(r"(?i)(pass(?:word|wd)?|pwd|token)=[^&/;]*", r"\1=", bare)
