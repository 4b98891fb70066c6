"""Cameras, network streams and films played as if live: pictures as they arrive."""

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
from mien.vision.arrival import Arrivals, Pace, hold_nothing_back
from mien.vision.containers import has_decoder
from mien.vision.display import Display
from mien.vision.media import DEFAULT_MAX_PIXELS, open_media
from mien.vision.stream import MediaStream, check_pixels

__all__ = ["CameraSource", "find_camera", "open_camera"]

OPEN_S = 10.0
"""A network stream that does not answer for longer counts as not there."""
READ_S = 5.0
"""A network stream that sends nothing for longer counts as lost, as does a camera of a Mac."""
NOT_YET_S = 0.005
"""Before a camera that has no picture ready is asked again: a small part of its wait for one."""
MOST_DAMAGED = 50
"""So many packets in a row that cannot be decoded are a lost camera: two seconds or so."""
BURSTS = ("hls", "mov", "matroska")
"""Forms that come over the network in parts of many seconds, or as fast as it can."""
SCHEMES = ("rtsp", "rtsps", "rtmp", "rtmps", "http", "https", "udp", "tcp", "srt")

# What each system calls its cameras: FFmpeg's input format and the name of the n-th. DirectShow
# knows them by their names alone.
_SYSTEMS = {
    "linux": ("v4l2", "/dev/video{}"),
    "darwin": ("avfoundation", "{}"),
    "win32": ("dshow", None),
}
# FFmpeg asks AVFoundation for 29.97 pictures a second, which cameras built into a Mac refuse.
_OPTIONS = {"darwin": {"framerate": "30"}}


@dataclass(frozen=True)
class CameraSource:
    """What `open_camera` opens.

    Attributes:
        name: what results call it: an address without its password and without its query, which
            may hold one.
        target: what FFmpeg opens.
        form: FFmpeg's input format, or None to find out.
        options: of FFmpeg; a camera that refuses them is opened without.
        film: whether it is a film to be played as if live; it ends, cameras do not.
    """

    name: str
    target: str
    form: str | None = None
    options: dict[str, str] = field(default_factory=dict)
    film: bool = False


def find_camera(source: str) -> CameraSource:
    """What a source means: the number of a camera, a device, an address or a film.

    Raises:
        InputError: if it is none of these.
    """
    form, pattern = _SYSTEMS.get(sys.platform, _SYSTEMS["linux"])
    if source.isdigit():
        if pattern is None:
            raise InputError(
                f"camera {source} cannot be found by its number on this system; give its name as "
                'the device manager shows it, such as "video=Integrated Camera"'
            )
        options = _OPTIONS.get(sys.platform, {})
        return CameraSource(f"camera {source}", pattern.format(source), form, options)
    if "://" in source:
        scheme = source.split("://")[0].lower()
        if scheme not in SCHEMES:
            raise InputError(f"{scheme} addresses are not read; use one of: {', '.join(SCHEMES)}")
        options = {"rtsp_transport": "tcp"} if scheme.startswith("rtsp") else {}
        return CameraSource(_without_password(source), source, None, options)
    if source.startswith(("/dev/", "video=")):
        return CameraSource(source, source, form)
    if Path(source).is_file():
        return CameraSource(source, source, film=True)
    raise InputError(
        f"{source or 'an empty name'} is no camera, address or film; give a number such as 0, a "
        "device such as /dev/video0, an address such as rtsp://... or a file"
    )


def open_camera(source: CameraSource, *, max_pixels: int = DEFAULT_MAX_PIXELS) -> MediaStream:
    """Open a camera; pictures come at its own pace, with the seconds since the first.

    Iterating waits for the next picture. The times of cameras are those at which pictures come,
    since their own may jump, repeat or run back; films keep theirs. Films, and streams that come in
    bursts, are played at their own speed. `arrived_s` of a frame is when its encoded data were
    handed over by the system or the network, or were due in what is played, before they are
    decoded; animations do not tell.

    Raises:
        MediaError: if it cannot be opened, and while iterating when it is lost.
        TooLargeError: for pictures above `max_pixels`.
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
    hold_nothing_back(video)
    media = Media(source.name, MediaKind.CAMERA, video.width, video.height)
    bursts = "://" in source.target and container.format.name.startswith(BURSTS)
    frames = _arriving(container, source.name, max_pixels, Pace(READ_S) if bursts else None)
    return MediaStream(media, frames, container.close)


def _connected(source: CameraSource) -> InputContainer:
    try:
        return av.open(
            source.target,
            "r",
            format=source.form,
            options=source.options,
            timeout=(OPEN_S, READ_S) if source.form is None else None,
        )
    except (av.error.FFmpegError, OSError, ValueError):
        if source.form is None or not source.options:
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
    # FFmpeg's words for our own time limits are "Immediate exit requested", and those of a camera
    # that has nothing yet "Resource temporarily unavailable".
    timed_out = isinstance(error, av.error.ExitError | av.error.BlockingIOError)
    return f"no answer within {patience_s:g} s" if timed_out else cause_of(error)


def _pictures(
    container: InputContainer, pace: Pace | None = None
) -> Iterator[tuple[VideoFrame, float]]:
    """What can be decoded, and when its data had come in, in seconds of `time.monotonic`.

    A packet that was damaged on its way costs its picture alone. With a pace, data come in when
    they are due.
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
            if damaged > MOST_DAMAGED:
                raise
            continue
        damaged = 0 if pictures else damaged
        for picture in pictures:
            yield picture, arrivals.of(picture)


def _due_s(packet: "Packet[VideoStream]") -> float | None:
    return None if packet.dts is None else float(packet.dts * packet.time_base)


def _packets(container: InputContainer) -> "Iterator[Packet[VideoStream]]":
    """What is sent; AVFoundation does not wait for the next picture, but says that it is not there.

    One that never comes ends it, so that whoever was asked to stop meanwhile can.
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
            time.sleep(NOT_YET_S)


def _paced(stream: MediaStream, pace: Pace) -> Iterator[Frame]:
    """The frames of an animation at their times; those of a film come at theirs."""
    for frame in stream:
        if frame.arrived_s is None:
            pace.wait(frame.time_s)
        yield frame


def _without_password(address: str) -> str:
    # First, since a password may hold a question mark that should be escaped.
    return re.sub(r"://[^/]*@", "://", address).partition("?")[0]
