import json
from functools import partial

import pytest

from mien.apps.cli import bench
from mien.pipeline.benchmark import benchmark
from mien.pipeline.video_benchmark import VideoFigures
from mien.runtime.processor import describe_processor


@pytest.fixture
def short(monkeypatch):
    monkeypatch.setattr(bench, "benchmark", partial(benchmark, threads=(1,), faces=(1,)))


def test_bench_as_json(mien, short):
    done = mien("bench", "--json", "--seconds", 0.05, "--no-peers")
    assert (done.code, done.err) == (0, "")
    found = json.loads(done.out)
    assert found["cores"] >= 1
    assert found["processor"] == describe_processor()
    parts = [(row["part"], row["precision"], row["faces"]) for row in found["measurements"]]
    assert parts == [
        ("detector", "", 0),
        ("expression", "fp32", 1), ("pipeline", "fp32", 1),
        ("expression", "int8", 1), ("pipeline", "int8", 1),
    ]  # fmt: skip
    assert all(0 < row["low_ms"] <= row["high_ms"] for row in found["measurements"])


def test_bench_as_a_table(mien, short):
    done = mien("bench", "--seconds", 0.05, "--no-peers")
    assert (done.code, done.err) == (0, "")
    assert "median" in done.out
    assert "pipeline" in done.out
    assert "cores" in done.out


def test_bench_of_films_as_json(mien, monkeypatch):
    names = list(VideoFigures.__dataclass_fields__)
    monkeypatch.setattr(
        bench, "benchmark_video", lambda minutes: VideoFigures(*[minutes] * len(names))
    )
    found = json.loads(mien("bench", "--video", "--json", "--minutes", 3).out)
    assert found["video"] == dict.fromkeys(names, 3.0)
    assert "one_face_fps" in mien("bench", "--video").out
