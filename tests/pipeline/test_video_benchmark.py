import pytest

from mien.pipeline import video_benchmark
from mien.pipeline.video_benchmark import benchmark_video, make_film
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


def test_the_measured_film(tmp_path):
    with open_media(make_film(tmp_path / "film.mp4", 5)) as stream:
        assert (stream.media.width, stream.media.height) == (1280, 720)
        assert len(list(stream)) == 5
