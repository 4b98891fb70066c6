"""A manual clock; images as arrays, files and frames."""

import io
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import PIL.Image
import pytest

from mien.core.media import Frame
from mien.vision.media import open_media


class Clock:
    """Replaces the module `time`; sleeping only advances the clock."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    """A manual clock."""
    return Clock()


@pytest.fixture
def noise() -> Callable[..., npt.NDArray[np.uint8]]:
    """A random image with a fixed seed."""

    def make(height: int = 40, width: int = 60, channels: int = 3) -> npt.NDArray[np.uint8]:
        shape = (height, width, channels) if channels > 1 else (height, width)
        return np.random.default_rng(0).integers(0, 255, shape, dtype=np.uint8)

    return make


@pytest.fixture
def encoded() -> Callable[..., bytes]:
    """Encode a Pillow image in a format."""

    def write(picture: PIL.Image.Image, form: str, **options: Any) -> bytes:
        stream = io.BytesIO()
        picture.save(stream, form, **options)
        return stream.getvalue()

    return write


@pytest.fixture
def only() -> Callable[..., Frame]:
    """The only frame of a medium."""

    def read(source: Any, **options: Any) -> Frame:
        with open_media(source, **options) as stream:
            frames = list(stream)
        assert len(frames) == 1
        return frames[0]

    return read


@pytest.fixture
def collect() -> Callable[[Iterable[Frame], list[Frame]], list[Frame]]:
    """Append frames to a list, which keeps them if reading is cut off."""

    def read(stream: Iterable[Frame], frames: list[Frame]) -> list[Frame]:
        for frame in stream:
            frames.append(frame)
        return []

    return read


@pytest.fixture
def is_one_sentence() -> Callable[[BaseException], bool]:
    """Whether the message of an error is one sentence."""

    def check(error: BaseException) -> bool:
        text = str(error)
        return len(text) > 20 and "\n" not in text and not text.endswith(".")

    return check
