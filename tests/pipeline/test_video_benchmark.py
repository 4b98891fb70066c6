import time
import weakref
from dataclasses import replace

import av
import numpy as np
import pytest

from mien.core.media import Frame, Media, MediaKind
from mien.core.types import FrameReading
from mien.pipeline import video_benchmark
from mien.pipeline.build import Config, build_parts
from mien.pipeline.live import LiveReading
from mien.pipeline.video_benchmark import benchmark_video, make_film
from mien.vision.display import Display
from mien.vision.media import open_media


@pytest.fixture(scope="module")
def figures():
    return benchmark_video(frames=12, rounds=1, minutes=0.02)


def test_speeds_are_positive_and_ratios_fit(figures):
    assert figures.one_face_fps > 0
    assert figures.four_faces_fps > 0
    assert figures.one_face_times_real == pytest.approx(figures.one_face_fps / 25)
    assert figures.one_face_ratio == pytest.approx(
        figures.one_face_fps / figures.plain_one_face_fps
    )


def test_delays_and_drops(figures):
    assert 0 < figures.live_p50_ms <= figures.live_p95_ms
    ratio = figures.plain_live_p50_ms / figures.live_p50_ms
    assert figures.live_p50_ratio == pytest.approx(ratio)
    assert 0 <= figures.drop_rate < 1


def test_memory_is_told_on_linux(figures):
    if video_benchmark.peak_rss_mb() is None:
        pytest.skip("only Linux tells")
    assert 50 < figures.edge_rss_mb < 1000
    assert figures.edge_fps > 0
    assert figures.rss_mb > 50
    assert figures.rss_slope_mb_per_hour is not None


def test_plain_values_have_the_promised_names(figures):
    names = figures.to_dict()
    for name in ("one_face_fps", "four_faces_fps", "live_p50_ms", "live_p95_ms", "drop_rate"):
        assert isinstance(names[name], float)
    assert "edge_rss_mb" in names


def test_live_delays_include_decoding(tmp_path, monkeypatch):
    convert = Display.image

    def slow(display, picture):
        time.sleep(0.3)
        return convert(display, picture)

    monkeypatch.setattr(Display, "image", slow)
    film = make_film(tmp_path / "camera.mp4", 3, in_order=True)
    parts = build_parts(Config())
    delays_ms, _ = video_benchmark._live(
        video_benchmark._placed(replace(parts, reader=parts.live), 1), film
    )
    assert min(delays_ms) >= 300


def test_live_pictures_are_not_kept(monkeypatch, tmp_path):
    kept = []

    class Reader:
        def __init__(self, *_, **__):
            pass

        def events(self):
            known = []
            for index in range(10):
                image = np.zeros((4, 4, 3), np.uint8)
                known.append(weakref.ref(image))
                reading = FrameReading(index, 0.0, ())
                media = Media("camera 0", MediaKind.CAMERA, 4, 4)
                yield LiveReading(media, Frame(image), reading, index / 1e3, 4 * index + 4, index)
                del image
                kept.append(sum(one() is not None for one in known))

    monkeypatch.setattr(video_benchmark, "LiveReader", Reader)
    film = tmp_path / "film.mp4"
    film.touch()
    delays_ms, dropped = video_benchmark._live(build_parts(Config()), film)
    assert delays_ms == pytest.approx(range(10))
    assert dropped == pytest.approx(9 / 40)
    assert max(kept) == 1


@pytest.mark.parametrize("in_order", [False, True])
def test_the_film_of_live_pictures_is_sent_in_the_order_in_which_it_is_shown(tmp_path, in_order):
    film = make_film(tmp_path / "film.mp4", 12, in_order=in_order)
    with av.open(str(film)) as container:
        stamps = [packet.pts for packet in container.demux(video=0) if packet.pts is not None]
    assert (stamps == sorted(stamps)) is in_order


def test_the_measured_film(tmp_path):
    with open_media(make_film(tmp_path / "film.mp4", 5)) as stream:
        assert (stream.media.width, stream.media.height) == (1280, 720)
        assert len(list(stream)) == 5
