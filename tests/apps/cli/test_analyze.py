import csv
import io
import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path

import jsonschema
import numpy as np
import PIL.Image
import pyarrow.parquet
import pytest
from typer.testing import CliRunner

from mien.apps.cli import analyze
from mien.apps.cli.main import app
from mien.report.schema import line_schema
from mien.report.tables import COLUMNS
from mien.runtime import artifact

HEADER = (
    "source,frame,time_s,face,track_id,x,y,width,height,score,top,"
    "neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,"
    "valence,arousal,sentiment,uncertain"
)
FAST = ("--threads", 1)


# Forms


def test_json(mien, portrait_file, validated):
    done = mien("analyze", portrait_file, "--format", "json", *FAST)
    assert (done.code, done.err) == (0, "")
    found = validated(json.loads(done.out))
    assert found["schema"] == "mien/1"
    assert set(found["model"]) >= {"detector", "refiner", "landmarks", "expression"}
    assert found["model"]["expression"]["precision"] == "int8"
    (item,) = found["items"]
    assert (item["source"], item["kind"]) == (str(portrait_file), "image")
    assert (item["width"], item["height"]) == (320, 288)
    assert len(item["frames"][0]["faces"]) == 1


def test_json_says_which_weights_were_used(mien, portrait_file):
    done = mien("analyze", portrait_file, "--format", "json", "--precision", "fp32", *FAST)
    cards = {(card.name, card.precision): card.sha256 for card in artifact.shipped_cards()}
    for name, model in json.loads(done.out)["model"].items():
        assert model["precision"] == "fp32"
        assert model["sha256"] == cards[name, "fp32"]


def test_jsonl(mien, portrait_file, clip):
    done = mien("analyze", portrait_file, clip, "--format", "jsonl", *FAST)
    assert (done.code, done.err) == (0, "")
    lines = [json.loads(line) for line in done.out.splitlines()]
    validator = jsonschema.Draft202012Validator(line_schema())
    for line in lines:
        validator.validate(line)
    assert [line["index"] for line in lines] == [0, *range(20)]


def test_csv(mien, portrait_file, tmp_path, empty_picture):
    nobody = empty_picture(tmp_path / "nobody, really.png")
    done = mien("analyze", nobody, portrait_file, "--format", "csv", *FAST)
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[0] == HEADER
    assert done.out.splitlines()[0] == ",".join(COLUMNS)
    (row,) = csv.DictReader(io.StringIO(done.out))
    assert row["source"] == str(portrait_file)
    assert row["uncertain"] in ("true", "false")
    assert row["track_id"] == ""
    assert sum(float(row[name]) for name in HEADER.split(",")[11:19]) == pytest.approx(1, abs=1e-3)


def test_csv_without_a_face_is_a_header(mien, tmp_path, empty_picture):
    done = mien("analyze", empty_picture(tmp_path / "nobody.png"), "--format", "csv", *FAST)
    assert (done.code, done.out, done.err) == (0, HEADER + "\n", "")


def test_parquet(mien, portrait_file, tmp_path):
    out = tmp_path / "readings.parquet"
    done = mien("analyze", portrait_file, "--format", "parquet", "--out", out, *FAST)
    assert (done.code, done.out, done.err) == (0, "", "")
    table = pyarrow.parquet.read_table(out)
    assert ",".join(table.column_names) == HEADER
    assert table.num_rows == 1


@pytest.mark.parametrize("form", ["json", "jsonl", "csv"])
def test_a_file_holds_what_would_be_printed(mien, portrait_file, tmp_path, form):
    out = tmp_path / f"readings.{form}"
    printed = mien("analyze", portrait_file, "--format", form, *FAST)
    written = mien("analyze", portrait_file, "--format", form, "--out", out, *FAST)
    assert (written.code, written.out, written.err) == (0, "", "")
    assert out.read_text() == printed.out
    assert [path.name for path in tmp_path.iterdir()] == [out.name]


# Sources


def test_patterns(mien, mixed):
    done = mien("analyze", mixed / "*.jpg", mixed / "**" / "b.*", "--format", "json", *FAST)
    sources = [item["source"] for item in json.loads(done.out)["items"]]
    assert sources == [f"{mixed}/a.jpg", f"{mixed}/empty.jpg", f"{mixed}/deep/deeper/b.png"]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("none.jpg", "does not exist"),
        ("*.none", "no file matches"),
        ("folder", "holds no picture or film"),
    ],
)
def test_nothing_found(mien, tmp_path, source, words, validated):
    (tmp_path / "folder").mkdir()
    done = mien("analyze", tmp_path / source, "--format", "json", *FAST)
    assert done.code == 1
    (line,) = done.complaints
    assert words in line
    (item,) = validated(json.loads(done.out))["items"]
    assert words in item["error"]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_a_name_that_is_no_utf8(process, tmp_path, validated, empty_picture):
    path = os.fsencode(tmp_path) + b"/\xff\xfe.png"
    empty_picture(tmp_path / "x.png").rename(os.fsdecode(path))
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.jpg")).touch()
    done = process("analyze", tmp_path, "--format", "json", *FAST)
    assert done.returncode == 1
    assert len(validated(json.loads(done.stdout))["items"]) == 2
    assert len(done.stderr.decode().splitlines()) == 1
    assert process("analyze", tmp_path, *FAST).returncode == 1
    outputs = [tmp_path / "out.json", tmp_path / "out.html"]
    files = ["--out", outputs[0], "--report", outputs[1]]
    done = process("analyze", tmp_path, "--format", "json", *files, *FAST)
    assert (done.returncode, done.stderr.count(b"\n")) == (1, 1)
    assert len(validated(json.loads(outputs[0].read_text()))["items"]) == 2
    assert r"\udcff.jpg" in outputs[1].read_text()


def test_every(mien, clip):
    done = mien("analyze", clip, "--format", "jsonl", "--every", 7, *FAST)
    assert [json.loads(line)["index"] for line in done.out.splitlines()] == [0, 7, 14]


def test_min_face_threshold_and_max_pixels(mien, portrait_file):
    for options in (("--min-face", 200), ("--threshold", 0.999)):
        done = mien("analyze", portrait_file, "--format", "csv", *options, *FAST)
        assert (done.code, done.out) == (0, HEADER + "\n")
    done = mien("analyze", portrait_file, "--format", "csv", "--max-pixels", 1000, *FAST)
    assert done.code == 1
    assert "--max-pixels" in done.err


def test_the_edge_profile(mien, portrait_file, monkeypatch):
    seen = []
    plain = analyze.Analyzer
    monkeypatch.setattr(analyze, "Analyzer", lambda config: seen.append(config) or plain(config))
    assert mien("analyze", portrait_file, "--edge", "--min-face", 5).code == 0
    (config,) = seen
    assert (config.precision, config.threads, config.search_size) == ("int8", 1, 320)
    assert config.min_face == 5


# Annotations


def test_annotated_pictures_and_clips(mien, portrait_file, clip, tmp_path):
    out = tmp_path / "deep" / "annotated"
    done = mien("analyze", portrait_file, clip, "--annotate", out, *FAST)
    assert (done.code, done.err) == (0, "")
    names = sorted(path.name for path in out.iterdir())
    assert names == ["clip.annotated.mp4", "portrait.annotated.jpg"]
    drawn = np.asarray(PIL.Image.open(out / "portrait.annotated.jpg"), float)
    plain = np.asarray(PIL.Image.open(portrait_file), float)
    assert drawn.shape == plain.shape
    assert np.abs(drawn - plain).mean() > 1


def test_sources_of_one_name_do_not_overwrite_each_other(mien, portrait_file, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        shutil.copy(portrait_file, tmp_path / name)
    mien("analyze", tmp_path / "one", tmp_path / "two", "--annotate", tmp_path / "out", *FAST)
    assert len(list((tmp_path / "out").iterdir())) == 2


@pytest.mark.parametrize("letter", ["a", "é"])
def test_names_that_the_annotation_makes_too_long_are_cut(mien, portrait_file, tmp_path, letter):
    stem = letter * (250 // len(letter.encode()))
    for folder in (tmp_path / "one", tmp_path / "two"):
        folder.mkdir()
        shutil.copy(portrait_file, folder / f"{stem}.jpg")
    done = mien("analyze", tmp_path, "--annotate", tmp_path / "out", *FAST)
    assert (done.code, done.err) == (0, "")
    drawn = [path.name for path in (tmp_path / "out").iterdir()]
    assert len(drawn) == 2
    for name in drawn:
        assert name.startswith(letter * 100)
        assert name.endswith(".annotated.jpg")
        assert len(name.encode()) <= 255


def test_a_folder_that_is_a_file(mien, portrait_file, tmp_path):
    (tmp_path / "file").touch()
    done = mien("analyze", portrait_file, "--annotate", tmp_path / "file", *FAST)
    assert (done.code, done.out) == (1, "")
    assert "is a file, not a folder" in done.err


# Events and reports


def test_events_of_a_film(mien, make_film, tmp_path):
    film = make_film(tmp_path / "film.mp4")
    done = mien("analyze", film, "--events", tmp_path / "events.eaf", "--threads", 1)
    assert done.code == 0
    assert (tmp_path / "events.eaf").read_text().startswith("<?xml")
    done = mien("analyze", film, film, "--events", tmp_path / "events.csv", "--threads", 1)
    assert (tmp_path / "events.csv").read_text().startswith("source,track_id,expression,onset_s")


def test_events_of_another_form(mien, make_film, tmp_path):
    film = make_film(tmp_path / "film.mp4")
    done = mien("analyze", film, "--events", tmp_path / "events.txt")
    assert done.code == 2
    assert "must end in one of: .csv, .eaf" in done.complaints[0]


def test_report_of_films_and_photographs(mien, make_film, portrait_file, tmp_path):
    film = make_film(tmp_path / "film.mp4")
    bad = tmp_path / "bad.jpg"
    bad.write_text("no picture")
    target = tmp_path / "report.html"
    done = mien("analyze", film, portrait_file, bad, "--report", target, *FAST)
    assert done.code == 1
    page = target.read_text(encoding="utf-8")
    assert "1 photograph and 1 film" in page
    assert "portrait.jpg" in page
    assert "bad.jpg" in page


def test_report_of_another_form(mien, portrait_file, tmp_path):
    done = mien("analyze", portrait_file, "--report", tmp_path / "report.pdf")
    assert (done.code, "must end in one of: .html" in done.err) == (2, True)


# Wrong usage


@pytest.mark.parametrize(
    "options",
    [
        ["--format", "xml"],
        ["--format", "parquet"],
        ["--format", "table", "--out", "x.txt"],
        ["--out", "x.txt"],
        ["--every", "0"],
        ["--every", "two"],
        ["--min-face", "-1"],
        ["--min-face", "nan"],
        ["--threshold", "0"],
        ["--threshold", "1.5"],
        ["--threshold", "nan"],
        ["--precision", "bf16"],
        ["--threads", "0"],
        ["--max-pixels", "0"],
        ["--colour"],
    ],
)
def test_wrong_options(portrait_file, options, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["analyze", str(portrait_file), *options])
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr
    assert list(tmp_path.iterdir()) == []


# Interruptions


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interruption_leaves_no_half_file(running, make_film, tmp_path, end):
    film = make_film(tmp_path / "long.mp4", times=[i / 25 for i in range(3000)])
    out = tmp_path / "out"
    out.mkdir()
    options = ["--format", "csv", "--out", out / "x.csv", "--annotate", out]
    command = running("analyze", film, *options, *FAST)
    late = time.monotonic() + 60
    while not any(path.suffix == ".mp4" for path in out.iterdir()) and time.monotonic() < late:
        time.sleep(0.02)
    command.send_signal(end)
    printed, complaints = command.communicate(timeout=110)
    assert (command.returncode, printed) == (128 + end, b"")
    assert b"Traceback" not in complaints
    # Lines are kept under a name of their own.
    kept = out / "x.partial.csv"
    assert f"mien: what was written before is in {kept}" in complaints.decode().splitlines()
    assert list(out.iterdir()) == [kept]


# Weights


@pytest.fixture
def altered(tmp_path, monkeypatch):
    """The shipped weights with one byte of the network changed, in their place."""
    folder = tmp_path / "weights"
    shutil.copytree(artifact.weights_folder(), folder)
    path = folder / "expression-int8.onnx"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    monkeypatch.setattr(artifact, "weights_folder", lambda given=None: given or folder)
    return folder


def test_altered_weights(mien, portrait_file, altered):
    for arguments in (["analyze", portrait_file, "--format", "json"], ["info"], ["info", "--json"]):
        done = mien(*arguments)
        assert (done.code, done.out) == (1, "")
        (line,) = done.complaints
        assert "expression-int8.onnx do not match their card" in line
        assert "reinstall" in line


def test_missing_weights(mien, portrait_file, altered):
    (altered / "detector.onnx").unlink()
    done = mien("analyze", portrait_file)
    assert (done.code, done.out) == (1, "")
    assert "detector.onnx cannot be read" in done.err


def test_altered_weights_leave_no_file_and_no_folder(mien, portrait_file, altered, tmp_path):
    out = tmp_path / "x.csv"
    annotated = tmp_path / "annotated"
    options = ["--format", "csv", "--out", out, "--annotate", annotated]
    assert mien("analyze", portrait_file, *options).code == 1
    assert not out.exists()
    assert not annotated.exists()
