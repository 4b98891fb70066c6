import csv
import json
import resource
import signal

import jsonschema
import pytest

from mien.pipeline.live import LiveReader, Notice
from mien.report.schema import line_schema


@pytest.fixture
def film(make_film, tmp_path):
    return make_film(tmp_path / "film.mp4", times=[0, 0.2, 0.4])


def test_lines_of_json(mien, film):
    done = mien("live", film, "--jsonl", "--threads", 1)
    assert done.code == 0
    lines = [json.loads(line) for line in done.out.splitlines()]
    assert 1 <= len(lines) <= 3
    for line in lines:
        jsonschema.Draft202012Validator(line_schema()).validate(line)
    assert "pictures read" in done.complaints[-1]
    assert "dropped" in done.complaints[-1]


@pytest.mark.parametrize("form", ["jsonl", "json", "csv"])
def test_readings_are_recorded(mien, film, tmp_path, form):
    target = tmp_path / f"readings.{form}"
    done = mien("live", film, "--edge", "--record", target)
    assert done.code == 0
    text = target.read_text()
    if form == "csv":
        assert next(csv.reader(text.splitlines()))[0] == "source"
    elif form == "json":
        assert json.loads(text)["items"][0]["frames"]
    else:
        assert json.loads(text.splitlines()[0])["faces"] == []


def test_an_unknown_recording_form(mien, film, tmp_path):
    done = mien("live", film, "--record", tmp_path / "a.mp4")
    assert done.code == 2
    assert "must end in one of" in done.complaints[0]
    assert not (tmp_path / "a.mp4").exists()


def test_no_camera(mien):
    done = mien("live", "97", "--jsonl")
    assert done.code == 1
    (line,) = done.complaints
    assert "camera 97 cannot be opened" in line


def test_a_failed_start_leaves_no_partial_record(mien, tmp_path):
    assert mien("live", "97", "--record", tmp_path / "a.csv").code == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("form", ["jsonl", "json", "csv", "parquet"])
def test_an_end_before_the_first_picture_keeps_the_record_there_was(
    mien, film, tmp_path, monkeypatch, form
):
    monkeypatch.setattr(LiveReader, "events", lambda reader: (event for event in ()))
    target = tmp_path / "out" / f"a.{form}"
    target.parent.mkdir()
    target.write_text("of yesterday")
    done = mien("live", film, "--jsonl", "--threads", 1, "--record", target)
    assert done.code == 1
    assert done.complaints == ["mien: ended before the first picture; nothing is recorded"]
    assert target.read_text() == "of yesterday"
    assert list(target.parent.iterdir()) == [target]


def test_notices_reach_a_log_while_the_terminal_shows_the_view(mien, film, monkeypatch):
    monkeypatch.setattr(LiveReader, "events", lambda reader: (yield Notice("no picture")))
    # Rich then takes standard output for a terminal.
    monkeypatch.setenv("FORCE_COLOR", "1")
    done = mien("live", film, "--threads", 1)
    assert done.complaints == ["mien: no picture"]


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_control_c_ends_with_everything_written(running, make_film, tmp_path, end):
    film = make_film(tmp_path / "long.mp4", times=[i / 10 for i in range(900)])
    target = tmp_path / "readings.jsonl"
    process = running("live", film, "--jsonl", "--threads", "1", "--record", target)
    seen = [process.stdout.readline() for _ in range(3)]
    process.send_signal(end)
    lines = [*seen, *process.stdout.readlines()]
    complaints = process.stderr.read()
    assert process.wait(timeout=60) == 0, complaints
    read = [json.loads(line)["index"] for line in lines]
    assert read == sorted(set(read))
    assert target.read_bytes() == b"".join(lines)
    assert b"pictures read" in complaints
    assert b"Traceback" not in complaints


def test_a_pipe_that_closes_leaves_the_recording(running, make_film, tmp_path):
    film = make_film(tmp_path / "long.mp4", times=[i / 10 for i in range(900)])
    target = tmp_path / "readings.jsonl"
    process = running("live", film, "--jsonl", "--threads", "1", "--record", target)
    seen = [process.stdout.readline() for _ in range(3)]
    process.stdout.close()
    complaints = process.stderr.read()
    process.wait(timeout=60)
    assert target.read_bytes().startswith(b"".join(seen)), complaints
    assert b"Traceback" not in complaints


def test_a_record_that_cannot_be_written_costs_nothing_else(process, film, tmp_path):
    target = tmp_path / "out" / "a.json"
    target.parent.mkdir()
    done = process(
        "live", film, "--jsonl", "--threads", 1, "--record", target,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300)),
    )  # fmt: skip
    assert done.returncode == 1
    lines = done.stderr.decode().splitlines()
    assert any(line.startswith(f"mien: {target} cannot be written") for line in lines)
    assert not any("standard output" in line for line in lines)
    assert 1 <= len(done.stdout.splitlines()) <= 3
    assert list(target.parent.iterdir()) == []


def test_of_a_record_that_a_full_disk_breaks_off_whole_rows_are_kept(process, make_film, tmp_path):
    film = make_film(tmp_path / "film.mp4", times=[n / 20 for n in range(40)])
    target, kept = tmp_path / "day.jsonl", tmp_path / "day.partial.jsonl"
    done = process(
        "live", film, "--jsonl", "--threads", 1, "--record", target,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)),
    )  # fmt: skip
    assert done.returncode == 1
    assert f"(what was written before is in {kept})" in done.stderr.decode()
    assert not target.exists()
    lines = kept.read_bytes().splitlines(keepends=True)
    assert lines == done.stdout.splitlines(keepends=True)[: len(lines)]
    assert 3 < len(lines) < len(done.stdout.splitlines())


def test_a_film_that_breaks_off_says_so_in_the_record(mien, make_film, tmp_path):
    whole = make_film(tmp_path / "a.mkv", times=[n / 10 for n in range(20)])
    film, target = tmp_path / "cut.mkv", tmp_path / "a.json"
    film.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    done = mien("live", film, "--jsonl", "--threads", 1, "--record", target)
    assert done.code == 1
    (item,) = json.loads(target.read_text())["items"]
    assert "is cut off" in item["error"]
    assert "is cut off" in json.loads(done.out.splitlines()[-1])["error"]
