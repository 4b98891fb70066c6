"""Factories of films and readings that tests of several layers share."""

import io
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import hypothesis
import numpy as np
import numpy.typing as npt
import PIL.Image
import pytest
import skimage.data

from mien.core.labels import EMOTIONS, Emotion
from mien.core.media import Image
from mien.core.scores import Scores
from mien.core.types import Box, Doubt, Face, Landmarks, Reading
from mien.pipeline.analyzer import Analyzer

Film = Callable[..., Path]
MakeReading = Callable[..., Reading]

CLOCK = Fraction(1, 90_000)

# A busy machine makes a first example slow; what must be fast is measured by the bench.
hypothesis.settings.register_profile("mien", deadline=None)
hypothesis.settings.load_profile("mien")


def pattern(index: int, width: int = 64, height: int = 48) -> npt.NDArray[np.uint8]:
    """A picture whose top left quarter is red and whose blue tells the index."""
    image = np.zeros((height, width, 3), np.uint8)
    image[: height // 2, : width // 2, 0] = 250
    image[:, :, 2] = index * 8 % 256
    return image


def _write_film(
    target: Path | io.BytesIO,
    times: Iterable[float] = tuple(i / 10 for i in range(20)),
    size: tuple[int, int] = (64, 48),
    rotation: int = 0,
    sound: str | None = None,
    layout: str = "mono",
    form: str | None = None,
    options: dict[str, str] | None = None,
    codec: str = "libx264",
    encoding: dict[str, str] | None = None,
    clock: Fraction = CLOCK,
    aspect: Fraction | None = None,
) -> Any:
    stem = str(target) if isinstance(target, Path) else target
    with av.open(stem, "w", format=form, options=options or {}) as output:
        preset = {"preset": "ultrafast"} if codec == "libx264" else {}
        video: Any = output.add_stream(codec, options=preset | (encoding or {}))
        video.width, video.height, video.pix_fmt = *size, "yuv420p"
        video.codec_context.time_base = video.time_base = clock
        video.codec_context.sample_aspect_ratio = aspect or Fraction(1)
        if rotation:
            video.set_display_rotation(rotation)
        audio: Any = output.add_stream(sound, rate=8000) if sound else None
        if audio is not None:
            audio.layout = layout
        last = 0.0
        for index, time_s in enumerate(times):
            picture = av.VideoFrame.from_ndarray(pattern(index, *size), format="rgb24")
            picture.pts, picture.time_base = round(time_s / clock), clock
            output.mux(video.encode(picture))
            last = time_s
        output.mux(video.encode(None))
        if audio is not None:
            samples = (np.sin(np.arange(int(8000 * (last + 0.1))) / 5) * 9000).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(samples[np.newaxis], format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = 8000, 0, Fraction(1, 8000)
            output.mux(audio.encode(frame))
            output.mux(audio.encode(None))
    return target


@pytest.fixture
def make_film() -> Callable[..., Any]:
    """Write a film of known pictures and times; see `_write_film` for the arguments."""
    return _write_film


@pytest.fixture
def growing_film(tmp_path: Path) -> bytes:
    """A film of 64x48 that goes on in 320x240."""
    # Long enough for the header to be read from the small part alone.
    small, large = (
        _write_film(tmp_path / f"{size[0]}.h264", [n / 10 for n in range(count)], size=size)
        for count, size in ((400, (64, 48)), (3, (320, 240)))
    )
    return small.read_bytes() + large.read_bytes()


@pytest.fixture
def make_reading() -> MakeReading:
    """Build a reading of a face in a box of (x, y, width, height)."""

    def make(
        box: Sequence[float] = (10, 10, 40, 50),
        top: Emotion = Emotion.HAPPINESS,
        probability: float = 0.9,
        doubt: Doubt | None = None,
        track_id: int | None = None,
    ) -> Reading:
        x, y, width, height = map(float, box)
        points = np.array([(0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.8), (0.65, 0.8)])
        face = Face(
            Box(x, y, width, height),
            0.98,
            Landmarks.from_array(points * (width, height) + (x, y)),
        )
        rest = (1 - probability) / (len(EMOTIONS) - 1)
        scores = Scores(tuple(probability if e is top else rest for e in EMOTIONS))
        return Reading(face, scores, (top,), doubt, None, track_id)

    return make


@pytest.fixture(scope="session")
def astronaut() -> Image:
    """A portrait of 512x512 that scikit-image carries (NASA, public domain)."""
    return skimage.data.astronaut()


@pytest.fixture(scope="session")
def portrait(astronaut: Image) -> Image:
    """The part of the astronaut with her face, 288x320, hair and shoulders around it."""
    return np.ascontiguousarray(astronaut[:288, 80:400])


@pytest.fixture(scope="session")
def portrait_file(portrait: Image, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The portrait as a JPEG."""
    path: Path = tmp_path_factory.mktemp("media") / "portrait.jpg"
    PIL.Image.fromarray(portrait).save(path, quality=95)
    return path


@pytest.fixture(scope="session")
def analyzer() -> Analyzer:
    """An analyzer with the shipped weights, one thread."""
    return Analyzer(threads=1)
