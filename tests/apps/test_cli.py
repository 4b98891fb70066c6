import csv
import io
import json
import os
import pty
import resource
import shutil
import signal
import sys
import threading
import time
from functools import partial
from pathlib import Path

import jsonschema
import numpy as np
import PIL.Image
import pyarrow.parquet
import pytest
from typer.testing import CliRunner

import mien as package
from mien.apps.cli import bench, main
from mien.apps.cli.main import app
from mien.pipeline.analyzer import Analyzer
from mien.pipeline.benchmark import benchmark
from mien.report.schema import document_schema, line_schema
from mien.report.tables import COLUMNS
from mien.runtime import artifact
from mien.runtime.processor import describe_processor
from mien.vision.stream import MediaStream

HEADER = (
    "source,frame,time_s,face,track_id,x,y,width,height,score,top,"
    "neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,"
    "valence,arousal,sentiment,uncertain"
)
FAST = ("--threads", 1)


def validated(document):
    jsonschema.Draft202012Validator(document_schema()).validate(document)
    return document


def empty_picture(path):
    PIL.Image.new("RGB", (60, 40), "grey").save(path)
    return path


@pytest.fixture
def mixed(tmp_path, portrait_file):
    """A folder with two good pictures, a clip cut off, an empty file and a text."""
    folder = tmp_path / "mixed"
    (folder / "deep" / "deeper").mkdir(parents=True)
    shutil.copy(portrait_file, folder / "a.jpg")
    empty_picture(folder / "deep" / "deeper" / "b.png")
    (folder / "empty.jpg").touch()
    (folder / "text.png").write_text("no picture at all")
    (folder / "notes.txt").write_text("left alone")
    (folder / ".hidden.jpg").write_text("left alone")
    return folder


@pytest.fixture
def clip(make_film, tmp_path):
    return make_film(tmp_path / "clip.mp4")


@pytest.fixture
def cut_clip(make_film, tmp_path):
    path = make_film(tmp_path / "cut.mkv", options={"cluster_time_limit": "300"})
    path.write_bytes(path.read_bytes()[:-1500])
    return path


# Forms


def test_json(mien, portrait_file):
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


def test_csv(mien, portrait_file, tmp_path):
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


def test_csv_without_a_face_is_a_header(mien, tmp_path):
    done = mien("analyze", empty_picture(tmp_path / "nobody.png"), "--format", "csv", *FAST)
    assert (done.code, done.out, done.err) == (0, HEADER + "\n", "")


def test_parquet(mien, portrait_file, tmp_path):
    out = tmp_path / "readings.parquet"
    done = mien("analyze", portrait_file, "--format", "parquet", "--out", out, *FAST)
    assert (done.code, done.out, done.err) == (0, "", "")
    table = pyarrow.parquet.read_table(out)
    assert ",".join(table.column_names) == HEADER
    assert table.num_rows == 1


def test_table(mien, portrait_file, clip, tmp_path):
    nobody = empty_picture(tmp_path / "nobody.png")
    done = mien("analyze", portrait_file, nobody, clip, *FAST)
    assert (done.code, done.err) == (0, "")
    assert "expression appears" in done.out
    assert "no face found" in done.out
    assert "20 frames to 1.90 s" in done.out
    for emotion in ("happiness", "neutral", "surprise", "sadness"):
        if emotion in done.out:
            break
    else:
        pytest.fail(done.out)


@pytest.mark.parametrize("form", ["json", "jsonl", "csv"])
def test_a_file_holds_what_would_be_printed(mien, portrait_file, tmp_path, form):
    out = tmp_path / f"readings.{form}"
    printed = mien("analyze", portrait_file, "--format", form, *FAST)
    written = mien("analyze", portrait_file, "--format", form, "--out", out, *FAST)
    assert (written.code, written.out, written.err) == (0, "", "")
    assert out.read_text() == printed.out
    assert [path.name for path in tmp_path.iterdir()] == [out.name]


@pytest.mark.parametrize("name", ["[bold]x[", "a[/b]", ":smile:", "{0}", "%s", "häßlich 顔"])
def test_odd_names(mien, tmp_path, name):
    path = empty_picture(tmp_path / (name.replace("/", "_") + ".png"))
    if "/" in name:
        folder = tmp_path / name.split("/")[0]
        folder.mkdir()
        path = path.rename(folder / (name.split("/")[1] + ".png"))
    table = mien("analyze", path, *FAST)
    assert (table.code, table.err) == (0, "")
    # Long paths fold over several lines.
    shown = "".join(line[:60].rstrip() for line in table.out.splitlines())
    assert path.name in shown or path.name in table.out
    document = json.loads(mien("analyze", path, "--format", "json", *FAST).out)
    assert document["items"][0]["source"] == str(path)


# Sources


@pytest.mark.parametrize("threads", [1, 2])
def test_folders_are_searched_recursively_and_failures_named(mien, mixed, threads):
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


@pytest.fixture
def decoded(monkeypatch):
    """Set once the first frame of b.png was decoded."""
    happened = threading.Event()
    decode = MediaStream.decode_first

    def decode_first(stream):
        decode(stream)
        if stream.media.source.endswith("b.png"):
            happened.set()

    monkeypatch.setattr(MediaStream, "decode_first", decode_first)
    return happened


def test_the_next_source_is_decoded_while_one_is_read(mien, tmp_path, monkeypatch, decoded):
    paths = [empty_picture(tmp_path / name) for name in ("a.png", "b.png", "c.png")]
    read = Analyzer.read_stream

    def read_stream(self, stream):
        assert decoded.wait(30)
        return read(self, stream)

    monkeypatch.setattr(Analyzer, "read_stream", read_stream)
    done = mien("analyze", *paths, "--format", "csv", "--threads", 2)
    assert (done.code, done.err) == (0, "")


def test_what_was_opened_ahead_is_closed(mien, tmp_path, monkeypatch, decoded):
    paths = [empty_picture(tmp_path / name) for name in ("a.png", "b.png", "c.png")]
    closed = set()
    close = MediaStream.close
    monkeypatch.setattr(
        MediaStream, "close", lambda self: (closed.add(Path(self.media.source).name), close(self))
    )

    def read_stream(self, stream):
        assert decoded.wait(30)
        raise KeyboardInterrupt

    monkeypatch.setattr(Analyzer, "read_stream", read_stream)
    assert mien("analyze", *paths, "--threads", 2).code != 0
    assert closed == {"a.png", "b.png"}


def test_a_source_that_stalls_does_not_hold_up_an_interruption(mien, tmp_path, monkeypatch):
    def read_stream(self, stream):
        raise KeyboardInterrupt

    def decode_first(stream):
        if stream.media.source.endswith("b.png"):
            gate.wait(60)

    gate = threading.Event()
    monkeypatch.setattr("mien.apps.cli.opening.PATIENCE_S", 0.1)
    monkeypatch.setattr(MediaStream, "decode_first", decode_first)
    monkeypatch.setattr(Analyzer, "read_stream", read_stream)
    begun = time.monotonic()
    try:
        done = mien("analyze", *map(empty_picture, (tmp_path / "a.png", tmp_path / "b.png")))
    finally:
        gate.set()
    assert done.code != 0
    assert time.monotonic() - begun < 30


def test_parquet_beside_bad_sources(mien, mixed, tmp_path):
    out = tmp_path / "x.parquet"
    assert mien("analyze", mixed, "--format", "parquet", "--out", out, *FAST).code == 1
    assert pyarrow.parquet.read_table(out).num_rows == 1


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
def test_nothing_found(mien, tmp_path, source, words):
    (tmp_path / "folder").mkdir()
    done = mien("analyze", tmp_path / source, "--format", "json", *FAST)
    assert done.code == 1
    (line,) = done.complaints
    assert words in line
    (item,) = validated(json.loads(done.out))["items"]
    assert words in item["error"]


def test_a_table_of_failures_alone_is_empty(mien, tmp_path):
    done = mien("analyze", tmp_path / "none.jpg", *FAST)
    assert (done.code, done.out) == (1, "")


def test_a_film_cut_off_gives_its_frames_and_its_fault(mien, cut_clip, tmp_path):
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


def test_a_film_cut_off_in_the_table(mien, cut_clip):
    done = mien("analyze", cut_clip, *FAST)
    assert done.code == 1
    assert "broken off" in done.out


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


def test_readings_go_on_where_the_annotation_fails(mien, portrait_file, clip, tmp_path):
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


@pytest.mark.parametrize("arguments", [["analyze"], ["read", "x.jpg"], ["--colour"], ["info", "x"]])
def test_wrong_commands(mien, arguments):
    done = mien(*arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err


def test_help_and_version(mien):
    assert mien("--version").out == f"{package.__version__}\n"
    for command in ("analyze", "live", "info", "bench", "serve", "schema"):
        done = mien(command, "--help")
        assert done.code == 0
        assert "Usage" in done.out


# Output that cannot be written


@pytest.mark.parametrize("form", ["json", "jsonl", "csv", "parquet"])
def test_a_folder_for_the_file_that_does_not_exist(mien, portrait_file, tmp_path, form):
    out = tmp_path / "none" / f"x.{form}"
    done = mien("analyze", portrait_file, "--format", form, "--out", out, *FAST)
    assert (done.code, done.out) == (1, "")
    (line,) = done.complaints
    assert f"{out} cannot be written: its folder does not exist" in line


@pytest.mark.parametrize("option", ["--out", "--events"])
def test_a_name_that_is_too_long(mien, picture, tmp_path, option):
    target = tmp_path / f"{'x' * 252}.csv"
    done = mien("analyze", picture, "--format", "csv", option, target, *FAST)
    assert (done.code, done.out) == (1, "")
    (line,) = done.complaints
    assert "its name is too long; choose a shorter one" in line


@pytest.mark.parametrize("form", ["json", "jsonl", "csv", "parquet"])
def test_a_full_disk_leaves_no_half_file(process, clip, portrait_file, tmp_path, form):
    out = tmp_path / "out" / f"x.{form}"
    out.parent.mkdir()
    out.write_text("what was there before")
    sources = [clip] if form in ("json", "jsonl") else [portrait_file]
    done = process(
        "analyze", *sources, "--format", form, "--out", out, *FAST,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200)),
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, b"")
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith(f"mien: {out} cannot be written: the file would be larger")
    assert [path.name for path in out.parent.iterdir()] == [out.name]
    assert out.read_text() == "what was there before"


def test_a_full_disk_for_annotations(process, portrait_file, clip, tmp_path):
    done = process(
        "analyze", portrait_file, clip, "--format", "json", "--annotate", tmp_path / "out", *FAST,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (900, 900)),
    )  # fmt: skip
    assert done.returncode == 1
    items = validated(json.loads(done.stdout))["items"]
    assert [len(item["frames"]) for item in items] == [1, 20]
    assert len(done.stderr.decode().splitlines()) == 2
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("out", [True, False])
def test_a_report_that_cannot_be_written_costs_no_other_result(
    process, portrait_file, tmp_path, out
):
    html, document = tmp_path / "out" / "a.html", tmp_path / "out" / "a.json"
    html.parent.mkdir()
    results = ["--format", "json", "--out", document] if out else []
    done = process(
        "analyze", portrait_file, *results, "--report", html, *FAST,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000)),
    )  # fmt: skip
    assert done.returncode == 1
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith(f"mien: {html} cannot be written: the file would be larger")
    assert list(html.parent.iterdir()) == ([document] if out else [])
    if out:
        assert len(validated(json.loads(document.read_text()))["items"]) == 1
    else:
        assert b"happiness" in done.stdout


def test_the_file_that_is_full_is_the_one_that_is_named(process, clip, tmp_path):
    rows, events = tmp_path / "out" / "a.jsonl", tmp_path / "out" / "e.csv"
    rows.parent.mkdir()
    done = process(
        "analyze", clip, "--format", "jsonl", "--out", rows, "--events", events, *FAST,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)),
    )  # fmt: skip
    assert done.returncode == 1
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith(f"mien: {rows} cannot be written")
    assert list(rows.parent.iterdir()) == [events]
    assert events.read_text().startswith("source,track_id,expression")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize(
    "arguments",
    [["schema"], ["info"], ["analyze", "--format", "json"], ["analyze"], ["analyze", "--annotate"]],
)
def test_a_full_disk_behind_stdout(process, portrait_file, arguments, tmp_path):
    if "--annotate" in arguments:
        arguments = [*arguments, tmp_path / "out"]
    if "analyze" in arguments:
        arguments = [*arguments, portrait_file]
    with Path("/dev/full").open("w") as full:
        done = process(*arguments, stdout=full)
    assert done.returncode == 1
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("mien: standard output cannot be written: the disk is full")


def test_a_fault_of_another_file_is_none_of_stdout(mien, monkeypatch):
    def fault():
        raise PermissionError(13, "Permission denied", "/elsewhere")

    monkeypatch.setattr(main, "document_schema", fault)
    done = mien("schema")
    assert done.code == 1
    assert done.complaints == ["mien: /elsewhere cannot be used: Permission denied"]


@pytest.mark.parametrize("form", ["json", "jsonl", "csv", "table"])
def test_a_reader_that_goes_away(running, clip, form, tmp_path):
    """The way of `mien ... | head -0`, with an annotated clip half done."""
    command = running("analyze", clip, "--format", form, "--annotate", tmp_path / "out", *FAST)
    command.stdout.close()
    complaints = command.stderr.read()
    assert command.wait(110) == 1
    assert complaints == b""
    assert {path.name for path in (tmp_path / "out").iterdir()} <= {"clip.annotated.mp4"}


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
    assert list(out.iterdir()) == []


# Streams


def test_stdout_is_utf8_whatever_the_locale(process, tmp_path):
    path = empty_picture(tmp_path / "顔é.png")
    for encoding in ("ascii", "latin-1"):
        environment = {"PYTHONIOENCODING": encoding}
        for form in ("json", "table"):
            done = process("analyze", path, "--format", form, *FAST, environment=environment)
            assert (done.returncode, done.stderr) == (0, b"")
            assert "顔é" in done.stdout.decode("utf-8").replace("\n", "")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_a_name_that_is_no_utf8(process, tmp_path):
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


def test_the_bar_of_a_terminal_leaves_stdout_alone(running, clip, portrait_file):
    ours, theirs = pty.openpty()
    sources = [portrait_file, clip, "none.jpg"]
    command = running(
        "analyze", *sources, "--format", "json", *FAST,
        stderr=theirs, environment={"TERM": "xterm"},
    )  # fmt: skip
    os.close(theirs)
    seen = []
    # A full terminal would block the command.
    thread = threading.Thread(target=lambda: seen.extend(_drain(ours)))
    thread.start()
    printed = command.stdout.read()
    assert command.wait(110) == 1
    thread.join(10)
    os.close(ours)
    assert len(validated(json.loads(printed))["items"]) == 3
    text = b"".join(seen).decode()
    assert "none.jpg does not exist" in text
    assert "sources" in text


def test_rows_on_a_terminal_have_no_bar_between_them(running, clip, portrait_file):
    ours, theirs = pty.openpty()
    command = running(
        "analyze", portrait_file, clip, "--format", "csv", *FAST,
        stdout=theirs, stderr=theirs, environment={"TERM": "xterm"},
    )  # fmt: skip
    os.close(theirs)
    seen = []
    thread = threading.Thread(target=lambda: seen.extend(_drain(ours)))
    thread.start()
    assert command.wait(110) == 0
    thread.join(10)
    os.close(ours)
    lines = b"".join(seen).decode().splitlines()
    assert lines[0].startswith("source,frame,time_s")
    assert {line.count(",") for line in lines} == {lines[0].count(",")}


def test_no_bar_where_colours_are_forced(process, clip):
    done = process("analyze", clip, "--format", "csv", *FAST, environment={"FORCE_COLOR": "1"})
    assert (done.returncode, done.stderr) == (0, b"")


def _drain(descriptor):
    while True:
        try:
            data = os.read(descriptor, 4096)
        except OSError:
            return
        if not data:
            return
        yield data


def test_nothing_but_failures_on_stderr(process, portrait_file):
    done = process("analyze", portrait_file, "--format", "csv", *FAST)
    assert (done.returncode, done.stderr) == (0, b"")


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
        assert "expression-int8.onnx are not those of their card" in line
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


# Other commands


@pytest.mark.parametrize(("option", "schema"), [(None, document_schema), ("--jsonl", line_schema)])
def test_schema(mien, option, schema):
    done = mien("schema", *filter(None, [option]))
    assert (done.code, done.err) == (0, "")
    found = json.loads(done.out)
    assert found == schema()
    jsonschema.Draft202012Validator.check_schema(found)


def test_the_printed_schema_fits_what_is_printed(process, portrait_file):
    schema = json.loads(process("schema").stdout)
    document = json.loads(process("analyze", portrait_file, "--format", "json").stdout)
    jsonschema.Draft202012Validator(schema).validate(document)
    document["items"][0]["frames"][0]["faces"][0]["top"] = "joy"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema).validate(document)


def test_info(mien):
    done = mien("info")
    assert (done.code, done.err) == (0, "")
    for card in artifact.shipped_cards():
        assert card.file in done.out
        assert card.sha256[:16] in done.out
    assert package.__version__ in done.out


def test_info_as_json(mien):
    found = json.loads(mien("info", "--json").out)
    assert found["version"] == package.__version__
    assert {model["file"] for model in found["models"]} == {
        card.file for card in artifact.shipped_cards()
    }
    defaults = [model["name"] for model in found["models"] if model["default"]]
    assert {"detector", "refiner", "landmarks", "expression"} <= set(defaults)
    assert found["threads"] >= 1
    assert found["providers"] == ["CPUExecutionProvider"]


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


def test_bench_of_films_as_json(mien, monkeypatch):
    from mien.apps.cli import bench
    from mien.pipeline.video_benchmark import VideoFigures

    names = list(VideoFigures.__dataclass_fields__)
    monkeypatch.setattr(
        bench, "benchmark_video", lambda minutes: VideoFigures(*[minutes] * len(names))
    )
    found = json.loads(mien("bench", "--video", "--json", "--minutes", 3).out)
    assert found["video"] == dict.fromkeys(names, 3.0)
    assert "one_face_fps" in mien("bench", "--video").out


def test_the_edge_profile(mien, portrait_file, monkeypatch):
    from mien.apps.cli import analyze

    seen = []
    plain = analyze.Analyzer
    monkeypatch.setattr(analyze, "Analyzer", lambda config: seen.append(config) or plain(config))
    assert mien("analyze", portrait_file, "--edge", "--min-face", 5).code == 0
    (config,) = seen
    assert (config.precision, config.threads, config.search_size) == ("int8", 1, 320)
    assert config.min_face == 5


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


@pytest.mark.parametrize("start_s", [0, 5])
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.flv"])
def test_progress_is_of_frames_or_else_of_seconds(make_film, tmp_path, name, start_s):
    from rich.progress import Progress

    from mien.apps.cli.run import _steps
    from mien.core.types import FrameReading
    from mien.vision.media import open_media

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
