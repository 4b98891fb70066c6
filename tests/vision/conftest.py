"""A clock that only moves when it is told to; pictures as arrays, files and frames."""

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
    """Stands in for the module `time`; sleeping takes no time."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    """A clock of the test's own."""
    return Clock()


@pytest.fixture
def noise() -> Callable[..., npt.NDArray[np.uint8]]:
    """A picture in which no pixel tells of another, the same each time."""

    def make(height: int = 40, width: int = 60, channels: int = 3) -> npt.NDArray[np.uint8]:
        shape = (height, width, channels) if channels > 1 else (height, width)
        return np.random.default_rng(0).integers(0, 255, shape, dtype=np.uint8)

    return make


@pytest.fixture
def encoded() -> Callable[..., bytes]:
    """The bytes of a Pillow image in a form."""

    def write(picture: PIL.Image.Image, form: str, **options: Any) -> bytes:
        stream = io.BytesIO()
        picture.save(stream, form, **options)
        return stream.getvalue()

    return write


@pytest.fixture
def only() -> Callable[..., Frame]:
    """The frame of a medium that has one."""

    def read(source: Any, **options: Any) -> Frame:
        with open_media(source, **options) as stream:
            frames = list(stream)
        assert len(frames) == 1
        return frames[0]

    return read


@pytest.fixture
def collect() -> Callable[[Iterable[Frame], list[Frame]], list[Frame]]:
    """Put frames into a list that has them even if reading breaks off."""

    def read(stream: Iterable[Frame], frames: list[Frame]) -> list[Frame]:
        for frame in stream:
            frames.append(frame)
        return []

    return read


@pytest.fixture
def is_one_sentence() -> Callable[[BaseException], bool]:
    """Whether an error says what is wrong as errors of mien do."""

    def check(error: BaseException) -> bool:
        text = str(error)
        return len(text) > 20 and "\n" not in text and not text.endswith(".")

    return check
