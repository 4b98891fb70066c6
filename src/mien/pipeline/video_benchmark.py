"""How fast films and live pictures are read here, and how much memory that takes.

The measured films are made here and show no real face: detector and follower do all their work, and
faces at fixed places are read whatever they find, so that figures depend on no footage.
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
from mien.pipeline.benchmark import PlacedDetector, placed_face, sample_image
from mien.pipeline.build import EDGE, Config, Parts, build_parts
from mien.pipeline.live import LiveReader, LiveReading
from mien.vision.camera import find_camera, open_camera
from mien.vision.media import open_media

__all__ = ["VideoFigures", "benchmark_video", "peak_rss_mb", "read_edge"]

WIDTH, HEIGHT, RATE = 1280, 720, 25
FRAMES = 100
FACE = 160.0
"""Side in pixels of the faces."""


@dataclass(frozen=True)
class VideoFigures:
    """What `benchmark_video` measures; None where this system does not tell.

    Attributes:
        one_face_fps: frames per second of a 1280x720 film with one face, decoding included.
        four_faces_fps: the same with four.
        one_face_times_real: the first, in multiples of 25 frames per second.
        four_faces_times_real: the second, likewise.
        plain_one_face_fps: each frame searched and read on its own, nothing at the same time.
        plain_four_faces_fps: the same with four faces.
        one_face_ratio: how many times faster than plain.
        four_faces_ratio: the same with four.
        live_p50_ms: median delay from when the encoded data of a picture have come in to its
            reading, decoding included.
        live_p95_ms: the delay that 95 % stay below.
        plain_live_p50_ms: the median where each picture is searched and read on its own.
        live_p50_ratio: how many times sooner a reading comes than that.
        drop_rate: share of live pictures that were dropped, at 25 per second.
        edge_fps: of a film with one face by the edge profile.
        edge_rss_mb: largest resident memory of a process that reads so.
        film_minutes: length of the film that memory was measured on.
        rss_mb: resident memory at its end.
        rss_slope_mb_per_hour: how memory grew with the film's hours in its second half.
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
        """Plain values, rounded."""
        return {
            name: None if value is None else round(value, 3) for name, value in asdict(self).items()
        }


def benchmark_video(*, frames: int = FRAMES, rounds: int = 3, minutes: float = 2.0) -> VideoFigures:
    """Measure films, live pictures and memory at 1280x720.

    Args:
        frames: of the film that is read.
        rounds: how often each speed is measured; the median counts.
        minutes: of looped film for memory; 120 for two hours.
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
    """A film of 1280x720 at 25 frames per second: structure that sways, and grain.

    Args:
        path: where to write it.
        frames: how many.
        in_order: whether they are sent in the order in which they are shown, as cameras do; films
            of cinemas and platforms send some early, for which those between have to wait.
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
    """Frames per second of the edge profile on a film with one face."""
    return _film_fps(_placed(build_parts(EDGE), 1), Path(film))


@dataclass(frozen=True)
class _PlacedFollower:
    """Follows with a real follower, then reports the faces where they were expected."""

    follower: Follower

    def follow(self, image: Image, expected: Sequence[Face]) -> list[Face]:
        self.follower.follow(image, expected)
        return [replace(face, score=1.0) for face in expected]


def _placed(parts: Parts, count: int) -> Parts:
    faces = []
    for number in range(count):
        left, top = 200.0 + number % 2 * 600, 80.0 + number // 2 * 320
        faces.append(placed_face(left, top, FACE))
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
    """Delays in milliseconds, and the share of pictures that were dropped.

    No reading is kept, for each keeps its picture: a hundred of them would stay in the memory of
    this process, which is measured afterwards.
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
    """Frames per second and largest resident memory in MB, of a process of its own."""
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
    """Resident memory in MB, sampled while a looped film of so many minutes is read."""
    total = round(minutes * 60 * RATE)
    samples: list[float] = []
    with closing(parts.sequence().read_all(_looped(film, total))) as pairs:
        for index, _ in enumerate(pairs):
            if index % max(total // 40, 1) == 0 and (now := _rss_mb()) is not None:
                samples.append(now)
    return samples


def _looped(film: Path, total: int) -> Iterator[Frame]:
    """One film of so many frames; opening it again must leave nothing behind.

    PyAV keeps a frame whose side data were read until garbage is collected. A long film has one
    such frame, and so must the short one that stands for it.
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
    """Growth over the second half, when all that is made once has been made."""
    half = rss[len(rss) // 2 :]
    if len(half) < 2:
        return 0.0
    hours = np.arange(len(half)) * minutes / 60 / len(rss)
    return float(np.polyfit(hours, half, 1)[0])


def _rss_mb() -> float | None:
    return _status_mb("VmRSS:")


def peak_rss_mb() -> float | None:
    """The largest resident memory of this process so far, in MB; None where Linux is not."""
    return _status_mb("VmHWM:")


def _status_mb(name: str) -> float | None:
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    for line in status.read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024 / 1e6
    return None
