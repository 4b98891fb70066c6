"""The sound of a video in its annotated copy: packets are copied, or re-encoded if necessary."""

import io
import logging
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import av
import av.error
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer

from mien.vision.containers import Clock, has_decoder, open_container, start_s

__all__ = ["SoundCopier", "copy_sound"]

_log = logging.getLogger(__name__)

# Sampling frequencies from the table of ISO/IEC 14496-3, without the uncommon ones.
_AAC_RATES = frozenset(
    (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 64_000, 88_200, 96_000)
)


RATES = (4_000, 384_000)
"""Lowest and highest sampling rate of sound that is copied, in Hz."""


class _Track(Protocol):
    def feed(self, packet: "av.Packet[Any]") -> None: ...
    def flush(self) -> None: ...


class SoundCopier:
    """Copies sound in step with the frames.

    Args:
        container: the source.
        tracks: receiver of the packets of each audio stream, by stream index.
    """

    def __init__(self, container: InputContainer, tracks: "dict[int, _Track]") -> None:
        self._tracks = tracks
        self._start_s = start_s(container)
        self._packets = self._read(container)
        self._next: av.Packet[Any] | None = None

    def copy(self, until_s: float) -> None:
        """Copy the sound up to a time in seconds.

        Raises:
            av.error.FFmpegError: if the output cannot be written.
        """
        while True:
            packet = self._next or next(self._packets, None)
            self._next = packet
            if packet is None or _time_s(packet) > until_s:
                break
            try:
                self._tracks[packet.stream_index].feed(packet)
            except (av.error.InvalidDataError, av.error.ArgumentError) as error:
                _log.debug("a packet of sound is left out: %s", error)
            self._next = None

    def finish(self, until_s: float) -> None:
        """Copy the sound up to a time in seconds, and complete it; the rest is left out.

        Raises:
            av.error.FFmpegError: if the output cannot be written.
        """
        self.copy(until_s)
        for track in self._tracks.values():
            track.flush()

    def _read(self, container: InputContainer) -> "Iterator[av.Packet[Any]]":
        clocks = {index: Clock() for index in self._tracks}
        try:
            for packet in container.demux([container.streams[i] for i in self._tracks]):
                if packet.dts is None or packet.is_corrupt:
                    continue
                clock, step = clocks[packet.stream_index], packet.duration or 0
                clock.unwrap(_time_s(packet), float(step * packet.time_base))
                shift = round((self._start_s - clock.offset_s) / packet.time_base)
                packet.dts -= shift
                packet.pts = packet.dts if packet.pts is None else packet.pts - shift
                yield packet
        except (av.error.FFmpegError, OSError) as error:
            # The reader of the frames reports the error.
            _log.debug("sound ends early: %s", error)


class _Copy:
    """Copies packets unchanged."""

    def __init__(self, output: OutputContainer, source: AudioStream) -> None:
        self._output = output
        self._stream = output.add_stream_from_template(source)

    def feed(self, packet: "av.Packet[Any]") -> None:
        packet.stream = self._stream
        self._output.mux(packet)

    def flush(self) -> None:
        """Do nothing: no packet is held back."""


class _Encoding:
    """Decodes sound and encodes it as AAC, in mono or stereo."""

    def __init__(self, output: OutputContainer, source: AudioStream) -> None:
        self._output = output
        rate = source.rate if source.rate in _AAC_RATES else 48_000
        self._stream = output.add_stream("aac", rate=rate)
        self._stream.layout = "mono" if source.channels == 1 else "stereo"

    def feed(self, packet: "av.Packet[Any]") -> None:
        try:
            frames: list[Any] = packet.decode()
        except av.error.FFmpegError as error:
            _log.debug("a packet of sound cannot be decoded: %s", error)
            return
        for frame in frames:
            self._output.mux(self._stream.encode(frame))

    def flush(self) -> None:
        self._output.mux(self._stream.encode(None))


def copy_sound(source: Path, output: OutputContainer, stack: ExitStack) -> SoundCopier | None:
    """Prepare to copy the sound of a video; None if it has none or cannot be opened.

    Args:
        source: path of the video, which stays open until `stack` is closed.
        output: an output container whose header is not yet written.
        stack: closes the source.
    """
    try:
        file = stack.enter_context(source.open("rb"))
        container = stack.enter_context(open_container(file))
    except (av.error.FFmpegError, OSError, ValueError):
        return None
    tracks: dict[int, _Track] = {}
    for stream in filter(_is_usual, container.streams.audio):
        fits = _fits(source, stream.index)
        tracks[stream.index] = _Copy(output, stream) if fits else _Encoding(output, stream)
    return SoundCopier(container, tracks) if tracks else None


def _is_usual(stream: AudioStream) -> bool:
    """Whether a stream can be decoded, at a rate in use: one of 1 Hz would grow 48,000-fold."""
    low, high = RATES
    return has_decoder(stream) and low <= (stream.rate or 0) <= high


def _fits(source: Path, index: int) -> bool:
    """Whether MP4 accepts an audio stream unchanged, determined by muxing one packet.

    The codec alone does not tell: MP4 refuses MP3 below 16 kHz, and PCM from AVI, which does not
    state its channel layout.
    """
    try:
        with (
            source.open("rb") as file,
            open_container(file) as container,
            av.open(io.BytesIO(), "w", format="mp4") as trial,
        ):
            sound = container.streams[index]
            copy = trial.add_stream_from_template(sound)
            packet = next(one for one in container.demux(sound) if one.size)
            packet.stream = copy
            trial.mux(packet)
    except (av.error.FFmpegError, OSError, ValueError, StopIteration) as error:
        _log.debug("sound is encoded: %s", error)
        return False
    return True


def _time_s(packet: "av.Packet[Any]") -> float:
    return float((packet.dts or 0) * packet.time_base)
