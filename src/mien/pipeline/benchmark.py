"""Speed of the detector, the expression network and the pipeline on this machine."""

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import product
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
    "face_grid",
    "measure",
    "sample_image",
    "summarize",
]

WIDTH, HEIGHT = 640, 480
FACE = 96.0
"""Side length in pixels of the faces in the measured images."""


@dataclass(frozen=True)
class Measurement:
    """Time per call of one component under one setting.

    Attributes:
        part: "detector", "expression", "pipeline", or the name of a peer.
        precision: of the expression network, or "" if it is not used.
        threads: number of threads per call.
        faces: number of faces per call.
        median_ms: median in milliseconds.
        low_ms: 10th percentile in milliseconds.
        high_ms: 90th percentile in milliseconds.
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
        """The fields by name, ready for JSON."""
        return asdict(self)


def benchmark(
    *,
    threads: tuple[int, ...] = (1, 2),
    faces: tuple[int, ...] = (1, 4, 16),
    seconds: float = 1.0,
    config: Config | None = None,
) -> Iterator[Measurement]:
    """Measure detector, expression network and pipeline at 640x480, one setting at a time.

    The pipeline runs the real detector and then reads the given number of faces at fixed places,
    so that its time does not depend on a photograph.

    Args:
        threads: numbers of threads to measure with.
        faces: numbers of faces to measure with.
        seconds: time spent on each setting.
        config: other options of the pipeline.
    """
    frame = Frame(sample_image())
    for count, precision in product(threads, ("fp32", "int8")):
        reader = build(replace(config or Config(), precision=precision, threads=count))
        if precision == "fp32":
            times = measure(partial(reader.detector.detect, frame.image), seconds)
            yield summarize("detector", "", count, 0, times)
        for number in faces:
            crops = np.zeros((number, CROP_SIZE, CROP_SIZE), dtype=np.uint8)
            times = measure(partial(reader.classifier.classify, crops), seconds)
            yield summarize("expression", precision, count, number, times)
        for number in faces:
            places = face_grid(number, FACE, columns=5, corner=(8, 8), step=(112, 112))
            whole = replace(reader, detector=PlacedDetector(reader.detector, places))
            times = measure(partial(whole.read, frame), seconds)
            yield summarize("pipeline", precision, count, number, times)


def measure(call: Callable[[], object], seconds: float, least: int = 5) -> list[float]:
    """Times in milliseconds of repeated calls, after two warm-up calls.

    Args:
        call: called without arguments.
        seconds: total time to spend.
        least: minimum number of calls.
    """
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
    """A textured image without a face, (480, 640, 3) uint8 RGB."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float64)
    waves = np.sin(x / 37) * np.cos(y / 23) + np.sin((x + y) / 61)
    grey = ((waves + 2) / 4 * 255).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)


def summarize(
    part: str, precision: str, threads: int, faces: int, times: list[float]
) -> Measurement:
    """Median and percentiles of times in milliseconds."""
    tenths = statistics.quantiles(times, n=10, method="inclusive")
    median = statistics.median(times)
    return Measurement(part, precision, threads, faces, median, tenths[0], tenths[-1], 1e3 / median)


@dataclass(frozen=True)
class PlacedDetector:
    """Runs a real detector, then returns faces at fixed places."""

    detector: Detector
    faces: list[Face]

    def detect(self, image: Image) -> list[Face]:
        """Run the detector on the image and return the fixed faces."""
        self.detector.detect(image)
        return self.faces


def face_grid(
    count: int, side: float, *, columns: int, corner: tuple[float, float], step: tuple[float, float]
) -> list[Face]:
    """Upright frontal faces in rows, with a score of 1.

    Args:
        count: number of faces.
        side: side length of their boxes in pixels.
        columns: number of faces per row.
        corner: (x, y) of the first face's top left corner in pixels.
        step: (x, y) distance from face to face in pixels.
    """
    faces = []
    for number in range(count):
        left = corner[0] + number % columns * step[0]
        top = corner[1] + number // columns * step[1]
        points = CANONICAL / CROP_SIZE * side + np.array([left, top])
        faces.append(Face(Box(left, top, side, side), 1.0, Landmarks.from_array(points)))
    return faces
