"""Speed and memory of reading videos and live frames on this machine.

The measured videos are synthetic and show no real face: detector and follower do all their work,
and faces at fixed places are read whatever they find, so that figures do not depend on footage.
"""

import gc
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import numpy as np

from mien.core.media import Frame, Image
from mien.core.ports import Follower
from mien.core.types import Face
from mien.pipeline.benchmark import PlacedDetector, face_grid, sample_image
from mien.pipeline.build import EDGE, Config, Parts, build_parts
from mien.pipeline.live import LiveReader, LiveReading
from mien.vision.camera import find_camera, open_camera
from mien.vision.media import open_media

__all__ = ["VideoFigures", "benchmark_video", "peak_rss_mb", "read_edge"]

WIDTH, HEIGHT, RATE = 1280, 720, 25
FRAMES = 100
FACE = 160.0
"""Side length of the faces in pixels."""


@dataclass(frozen=True)
class VideoFigures:
    """Results of `benchmark_video`; None if the system does not provide a figure.

    The plain figures are a baseline that detects and reads each frame on its own, one stage at a
    time.

    Attributes:
        one_face_fps: frames per second on a 1280x720 video with one face, including decoding.
        four_faces_fps: the same with four faces.
        one_face_times_real: `one_face_fps` as a multiple of 25 frames per second.
        four_faces_times_real: `four_faces_fps` as a multiple of 25 frames per second.
        plain_one_face_fps: frames per second of the baseline with one face.
        plain_four_faces_fps: the same with four faces.
        one_face_ratio: speed relative to the baseline with one face.
        four_faces_ratio: the same with four faces.
        live_p50_ms: median latency in milliseconds from the arrival of a frame's encoded data to
            its reading, including decoding.
        live_p95_ms: 95th percentile of that latency.
        plain_live_p50_ms: median latency of the baseline.
        live_p50_ratio: median latency of the baseline relative to `live_p50_ms`.
        drop_rate: share of dropped live frames, at 25 frames per second.
        edge_fps: frames per second of the edge profile on a video with one face.
        edge_rss_mb: peak resident memory in MB of a process with the edge profile.
        film_minutes: duration of the video on which memory was measured.
        rss_mb: resident memory in MB at its end.
        rss_slope_mb_per_hour: growth of memory per hour of video, over its second half.
    """

    one_face_fps: float
    four_faces_fps: float
    one_face_times_real: float
    four_faces_times_real: float
    plain_one_face_fps: float
    plain_four_faces_fps: float
    one_face_ratio: float
    four_faces_ratio: float
    live_p50_ms: float
    live_p95_ms: float
    plain_live_p50_ms: float
    live_p50_ratio: float
    drop_rate: float
    edge_fps: float | None
    edge_rss_mb: float | None
    film_minutes: float
    rss_mb: float | None
    rss_slope_mb_per_hour: float | None

    def to_dict(self) -> dict[str, float | None]:
        """The fields by name, rounded to three places."""
        return {
            name: None if value is None else round(value, 3) for name, value in asdict(self).items()
        }


def benchmark_video(*, frames: int = FRAMES, rounds: int = 3, minutes: float = 2.0) -> VideoFigures:
    """Measure videos, live frames and memory at 1280x720.

    Args:
        frames: length of the video in frames.
        rounds: number of measurements of each speed, of which the median is taken.
        minutes: duration of the looped video for memory; 120 for two hours.
    """
    parts = build_parts(Config())
    with TemporaryDirectory() as folder:
        film = make_film(Path(folder) / "film.mp4", frames)
        fast = {n: _median(_film_fps, _placed(parts, n), film, rounds) for n in (1, 4)}
        plain = {n: _median(_plain_fps, _placed(parts, n), film, rounds) for n in (1, 4)}
        sent = make_film(Path(folder) / "camera.mp4", frames, in_order=True)
        live = _placed(replace(parts, reader=parts.live), 1)
        delays, dropped = _live(live, sent)
        plain_delays, _ = _live(replace(live, follower=None, temporal=None), sent)
        edge_fps, edge_rss = _edge(film)
        rss = _memory(_placed(parts, 1), film, minutes)
    live_p50_ms, plain_live_p50_ms = np.median(delays), np.median(plain_delays)
    return VideoFigures(
        one_face_fps=fast[1],
        four_faces_fps=fast[4],
        one_face_times_real=fast[1] / RATE,
        four_faces_times_real=fast[4] / RATE,
        plain_one_face_fps=plain[1],
        plain_four_faces_fps=plain[4],
        one_face_ratio=fast[1] / plain[1],
        four_faces_ratio=fast[4] / plain[4],
        live_p50_ms=float(live_p50_ms),
        live_p95_ms=float(np.percentile(delays, 95)),
        plain_live_p50_ms=float(plain_live_p50_ms),
        live_p50_ratio=float(plain_live_p50_ms / live_p50_ms),
        drop_rate=dropped,
        edge_fps=edge_fps,
        edge_rss_mb=edge_rss,
        film_minutes=minutes,
        rss_mb=rss[-1] if rss else None,
        rss_slope_mb_per_hour=_slope(rss, minutes) if rss else None,
    )


def make_film(path: Path, frames: int, *, in_order: bool = False) -> Path:
    """Write a video of 1280x720 at 25 frames per second: a swaying texture with grain.

    Args:
        path: file to write.
        frames: number of frames.
        in_order: whether to encode without B-frames, so that frames arrive in display order as from
            a camera.

    Returns:
        `path`.
    """
    options = {"preset": "veryfast"} | ({"bf": "0"} if in_order else {})
    rng = np.random.default_rng(0)
    base = np.tile(sample_image(), (2, 2, 1))[:HEIGHT, :WIDTH].astype(np.int16)
    grain = rng.integers(-6, 7, (HEIGHT + 8, WIDTH, 1)).astype(np.int16)
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=RATE, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for index in range(frames):
            sway = round(3 * np.sin(index / 8))
            picture = np.roll(base, sway, axis=1) + grain[index % 8 : index % 8 + HEIGHT]
            image = np.clip(picture, 0, 255).astype(np.uint8)
            output.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        output.mux(stream.encode(None))
    return path


def read_edge(film: str) -> float:
    """Frames per second of the edge profile on a video with one face."""
    return _film_fps(_placed(build_parts(EDGE), 1), Path(film))


@dataclass(frozen=True)
class _PlacedFollower:
    """Runs a real follower, then returns the faces at their expected places."""

    follower: Follower

    def follow(self, image: Image, expected: Sequence[Face]) -> list[Face]:
        self.follower.follow(image, expected)
        return [replace(face, score=1.0) for face in expected]


def _placed(parts: Parts, count: int) -> Parts:
    faces = face_grid(count, FACE, columns=2, corner=(200, 80), step=(600, 320))
    placed = parts.reader
    coarse = None if placed.coarse is None else PlacedDetector(placed.coarse, faces)
    reader = replace(placed, detector=PlacedDetector(placed.detector, faces), coarse=coarse)
    follower = None if parts.follower is None else _PlacedFollower(parts.follower)
    return replace(parts, reader=reader, follower=follower)


def _film_fps(parts: Parts, film: Path) -> float:
    began = time.perf_counter()
    with open_media(film) as stream, closing(parts.sequence().read_all(stream)) as pairs:
        count = sum(1 for _ in pairs)
    return count / (time.perf_counter() - began)


def _plain_fps(parts: Parts, film: Path) -> float:
    reader = replace(parts.reader, zooms=(1.0,))
    began = time.perf_counter()
    with open_media(film) as stream:
        count = len([reader.read(frame).index for frame in stream])
    return count / (time.perf_counter() - began)


def _median(
    measure: Callable[[Parts, Path], float], parts: Parts, film: Path, rounds: int
) -> float:
    return statistics.median(measure(parts, film) for _ in range(rounds))


def _live(parts: Parts, film: Path) -> tuple[list[float], float]:
    """Latencies in milliseconds, and the share of dropped frames.

    Readings are not kept, since each refers to its frame: a hundred of them would occupy memory
    that is measured afterwards.
    """
    camera = find_camera(str(film))
    reader = LiveReader(lambda: open_camera(camera), parts.sequence(), retry=False)
    delays_ms, dropped = [], 0.0
    with closing(reader.events()) as events:
        for event in events:
            if isinstance(event, LiveReading):
                delays_ms.append(event.delay_s * 1e3)
                dropped = event.dropped / event.received
    return delays_ms, dropped


def _edge(film: Path) -> tuple[float | None, float | None]:
    """Frames per second and peak resident memory in MB, of a separate process."""
    code = (
        "import sys; from mien.pipeline.video_benchmark import peak_rss_mb, read_edge; "
        "print(read_edge(sys.argv[1]), peak_rss_mb() or '')"
    )
    done = subprocess.run(  # noqa: S603 our own code in the interpreter that runs
        [sys.executable, "-c", code, str(film)], capture_output=True, text=True, check=False
    )
    words = done.stdout.split()
    values = [float(word) for word in words] if done.returncode == 0 else []
    return (values[0] if values else None), (values[1] if len(values) > 1 else None)


def _memory(parts: Parts, film: Path, minutes: float) -> list[float]:
    """Samples of resident memory in MB while a looped video of `minutes` is read."""
    total = round(minutes * 60 * RATE)
    samples: list[float] = []
    with closing(parts.sequence().read_all(_looped(film, total))) as pairs:
        for index, _ in enumerate(pairs):
            if index % max(total // 40, 1) == 0 and (now := _rss_mb()) is not None:
                samples.append(now)
    return samples


def _looped(film: Path, total: int) -> Iterator[Frame]:
    """The frames of a video in a loop, `total` in all.

    PyAV keeps a frame whose side data were read until garbage collection. A long video has one
    such frame; collecting before each pass makes the loop behave like one.
    """
    count = 0
    while count < total:
        gc.collect()
        with open_media(film) as stream:
            for frame in stream:
                yield Frame(frame.image, count, count / RATE)
                count += 1
                if count == total:
                    return


def _slope(rss: list[float], minutes: float) -> float:
    """Growth in MB per hour over the second half, when everything has been allocated once."""
    half = rss[len(rss) // 2 :]
    if len(half) < 2:
        return 0.0
    hours = np.arange(len(half)) * minutes / 60 / len(rss)
    return float(np.polyfit(hours, half, 1)[0])


def _rss_mb() -> float | None:
    return _status_mb("VmRSS:")


def peak_rss_mb() -> float | None:
    """Peak resident memory of this process so far in MB; None if not on Linux."""
    return _status_mb("VmHWM:")


def _status_mb(name: str) -> float | None:
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    for line in status.read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024 / 1e6
    return None
