"""A source or an annotated copy that fails does not affect other sources."""

import json
import resource

import pyarrow.parquet
import pytest
from rich.progress import Progress

from mien.apps.cli.run import _steps
from mien.core.types import FrameReading
from mien.vision.media import open_media

FAST = ("--threads", 1)


@pytest.mark.parametrize("threads", [1, 2])
def test_folders_are_searched_recursively_and_failures_named(mien, mixed, threads, validated):
    done = mien("analyze", mixed, "--format", "json", "--threads", threads)
    assert done.code == 1
    items = {item["source"]: item for item in validated(json.loads(done.out))["items"]}
    names = {name.removeprefix(f"{mixed}/") for name in items}
    assert names == {"a.jpg", "deep/deeper/b.png", "empty.jpg", "text.png"}
    assert [name for name, item in items.items() if "error" in item] == [
        f"{mixed}/empty.jpg",
        f"{mixed}/text.png",
    ]
    assert len(done.complaints) == 2
    for line, name in zip(done.complaints, ("empty.jpg", "text.png"), strict=True):
        assert line.startswith("mien: ")
        assert line.count(name) == 1
    assert "is empty" in done.complaints[0]


@pytest.mark.parametrize("form", ["table", "jsonl", "csv"])
def test_good_sources_are_read_beside_bad_ones(mien, mixed, form):
    done = mien("analyze", mixed, "--format", form, *FAST)
    assert done.code == 1
    assert "a.jpg" in done.out
    assert len(done.complaints) == 2


def test_parquet_beside_bad_sources(mien, mixed, tmp_path):
    out = tmp_path / "x.parquet"
    assert mien("analyze", mixed, "--format", "parquet", "--out", out, *FAST).code == 1
    assert pyarrow.parquet.read_table(out).num_rows == 1


def test_a_film_cut_off_gives_its_frames_and_its_fault(mien, cut_clip, tmp_path, validated):
    done = mien("analyze", cut_clip, "--format", "json", "--annotate", tmp_path / "out", *FAST)
    assert done.code == 1
    (item,) = validated(json.loads(done.out))["items"]
    assert 5 < len(item["frames"]) < 20
    assert "cut off" in item["error"]
    (line,) = done.complaints
    assert str(cut_clip) in line
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["cut.annotated.mp4"]
    again = mien("analyze", tmp_path / "out", "--format", "json", *FAST)
    assert again.code == 0
    assert len(json.loads(again.out)["items"][0]["frames"]) == len(item["frames"])


def test_readings_go_on_where_the_annotation_fails(mien, portrait_file, clip, tmp_path, validated):
    out = tmp_path / "out"
    (out / "portrait.annotated.jpg").mkdir(parents=True)
    (out / "clip.annotated.mp4").mkdir()
    done = mien("analyze", portrait_file, clip, "--annotate", out, "--format", "json", *FAST)
    assert done.code == 1
    first, second = validated(json.loads(done.out))["items"]
    assert len(first["frames"][0]["faces"]) == 1
    assert len(second["frames"]) == 20
    assert len(done.complaints) == 2
    for line, name in zip(done.complaints, ("portrait", "clip"), strict=True):
        assert f"{name}.annotated" in line
        assert "cannot be written" in line


def test_a_full_disk_for_annotations(process, portrait_file, clip, tmp_path, validated):
    done = process(
        "analyze", portrait_file, clip, "--format", "json", "--annotate", tmp_path / "out", *FAST,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (900, 900)),
    )  # fmt: skip
    assert done.returncode == 1
    items = validated(json.loads(done.stdout))["items"]
    assert [len(item["frames"]) for item in items] == [1, 20]
    assert len(done.stderr.decode().splitlines()) == 2
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("start_s", [0, 5])
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.flv"])
def test_progress_is_of_frames_or_else_of_seconds(make_film, tmp_path, name, start_s):
    film = make_film(tmp_path / name, [start_s + i / 10 for i in range(20)])
    with open_media(film) as stream, Progress(disable=True) as bar:
        task = bar.add_task("film", total=None)
        step = _steps(bar, task, stream.media, 1)
        times = [frame.time_s for frame in stream]
        for index, time_s in enumerate(times):
            step(FrameReading(index, time_s, ()))
        (done,) = bar.tasks
        if name == "a.mp4":
            assert done.completed == done.total == len(times)
        else:
            assert done.completed == pytest.approx(1.9)
            assert 1.9 <= done.total < 2.1
