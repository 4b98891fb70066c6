"""How fast the parts and the whole are on this machine."""

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from mien.core.media import Frame, Image
from mien.core.ports import Detector
from mien.core.types import Box, Face, Landmarks
from mien.pipeline.build import Config, build
from mien.vision.alignment import CANONICAL, CROP_SIZE

__all__ = [
    "Measurement",
    "PlacedDetector",
    "benchmark",
    "measure",
    "placed_face",
    "sample_image",
    "summarize",
]

WIDTH, HEIGHT = 640, 480
FACE = 96.0
"""Side in pixels of the faces that are read in the measured pictures."""


@dataclass(frozen=True)
class Measurement:
    """Times of one part under one setting, in milliseconds per call.

    Attributes:
        part: "detector", "expression", "pipeline", or the name of a peer.
        precision: of the expression network, or "" where it plays no part.
        threads: of one call.
        faces: read in one call.
        median_ms: the median.
        low_ms: the 10th percentile.
        high_ms: the 90th percentile.
        per_second: calls per second at the median.
    """

    part: str
    precision: str
    threads: int
    faces: int
    median_ms: float
    low_ms: float
    high_ms: float
    per_second: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def benchmark(
    *,
    threads: tuple[int, ...] = (1, 2),
    faces: tuple[int, ...] = (1, 4, 16),
    seconds: float = 1.0,
    config: Config | None = None,
) -> Iterator[Measurement]:
    """Measure detector, expression network and pipeline at 640x480, a setting at a time.

    The pipeline searches the picture with the real detector and then reads as many faces as asked
    for at fixed places, so that its time depends on no photograph.

    Args:
        threads: numbers of threads.
        faces: numbers of faces.
        seconds: to spend on each setting.
        config: what else the pipeline is built with.
    """
    image = sample_image()
    for count in threads:
        for precision in ("fp32", "int8"):
            reader = build(replace(config or Config(), precision=precision, threads=count))
            if precision == "fp32":
                times = measure(lambda r=reader: r.detector.detect(image), seconds)  # type: ignore[misc]
                yield summarize("detector", "", count, 0, times)
            for number in faces:
                crops = np.zeros((number, CROP_SIZE, CROP_SIZE), dtype=np.uint8)
                times = measure(
                    lambda r=reader, c=crops: r.classifier.classify(c),  # type: ignore[misc]
                    seconds,
                )
                yield summarize("expression", precision, count, number, times)
            for number in faces:
                whole = replace(reader, detector=PlacedDetector(reader.detector, _faces(number)))
                frame = Frame(image)
                times = measure(lambda w=whole, f=frame: w.read(f), seconds)  # type: ignore[misc]
                yield summarize("pipeline", precision, count, number, times)


def measure(call: Callable[[], object], seconds: float, least: int = 5) -> list[float]:
    """Times in milliseconds of repeated calls, after two that do not count."""
    call()
    call()
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < least or time.perf_counter() < end:
        start = time.perf_counter()
        call()
        times.append((time.perf_counter() - start) * 1e3)
    return times


def sample_image() -> Image:
    """A picture of 640x480 with structure and without a face, (480, 640, 3) uint8 RGB."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float64)
    waves = np.sin(x / 37) * np.cos(y / 23) + np.sin((x + y) / 61)
    grey = ((waves + 2) / 4 * 255).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)


def summarize(
    part: str, precision: str, threads: int, faces: int, times: list[float]
) -> Measurement:
    """The measurement that times in milliseconds give."""
    tenths = statistics.quantiles(times, n=10, method="inclusive")
    median = statistics.median(times)
    return Measurement(part, precision, threads, faces, median, tenths[0], tenths[-1], 1e3 / median)


@dataclass(frozen=True)
class PlacedDetector:
    """Searches with a real detector, then reports faces at fixed places."""

    detector: Detector
    faces: list[Face]

    def detect(self, image: Image) -> list[Face]:
        """The faces, once the picture was searched."""
        self.detector.detect(image)
        return self.faces


def _faces(count: int) -> list[Face]:
    """Faces in rows over the sample picture."""
    per_row = int(WIDTH // (FACE + 16))
    faces = []
    for number in range(count):
        left = 8 + (number % per_row) * (FACE + 16)
        top = 8 + (number // per_row) * (FACE + 16)
        faces.append(placed_face(left, top, FACE))
    return faces


def placed_face(left: float, top: float, side: float) -> Face:
    """A face that stands upright in its box."""
    points = CANONICAL / CROP_SIZE * side + np.array([left, top])
    return Face(Box(left, top, side, side), 1.0, Landmarks.from_array(points))
