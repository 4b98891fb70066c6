"""No output replaces a source or another output."""

import json
import resource
from pathlib import Path

import PIL.Image
import pytest

FAST = ("--threads", 1)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("option", ["--out", "--events", "--report"])
@pytest.mark.parametrize("way", ["outright", "roundabout", "linked"])
def test_a_source_is_not_written_over(mien, picture, tmp_path, option, way):
    suffix = {"--out": ".jpg", "--events": ".csv", "--report": ".html"}[option]
    source = picture.rename(tmp_path / f"source{suffix}")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / source.name).symlink_to(source)
    target = {
        "outright": source,
        "roundabout": tmp_path / "sub" / ".." / source.name,
        "linked": tmp_path / "sub" / source.name,
    }[way]
    before = source.read_bytes()
    done = mien("analyze", source, "--format", "csv", option, target, *FAST)
    assert (done.code, done.out) == (2, "")
    (line,) = done.complaints
    assert f"results would replace {source}, which is to be read" in line
    assert source.read_bytes() == before


def test_a_source_in_a_folder_is_not_written_over(mien, picture, tmp_path):
    before = contents(tmp_path)
    done = mien("analyze", tmp_path, "--format", "csv", "--out", picture, *FAST)
    assert (done.code, contents(tmp_path)) == (2, before)


def test_a_film_that_is_played_is_not_written_over(mien, make_film, tmp_path):
    film = make_film(tmp_path / "film.csv", [0, 0.1], form="mp4")
    before = film.read_bytes()
    done = mien("live", film, "--record", film)
    assert (done.code, film.read_bytes()) == (2, before)


@pytest.mark.parametrize("first", ["--out", "--report"])
def test_two_results_do_not_share_a_file(mien, picture, tmp_path, first, monkeypatch):
    monkeypatch.chdir(tmp_path)
    target = tmp_path / ("x.csv" if first == "--out" else "x.html")
    second = ("--events", "./x.csv") if first == "--out" else ("--out", "./x.html")
    done = mien("analyze", picture, "--format", "csv", first, target, *second, *FAST)
    assert (done.code, done.out) == (2, "")
    assert "is named for two results; give each a file of its own" in done.complaints[0]
    assert not target.exists()


def test_devices_may_be_named_for_several_results(mien, picture, tmp_path):
    (tmp_path / "null.csv").symlink_to("/dev/null")
    options = ["--out", tmp_path / "null.csv", "--events", tmp_path / "null.csv"]
    assert mien("analyze", picture, "--format", "csv", *options, *FAST).code == 0


def items(done):
    return {Path(item["source"]).name for item in json.loads(done.out)["items"]}


@pytest.mark.parametrize("pattern", ["", "*.jpg", "**/*.jpg"])
def test_a_second_run_reads_no_annotated_picture_of_the_first(mien, picture, tmp_path, pattern):
    options = ["--annotate", tmp_path, "--format", "json", *FAST]
    for _ in range(2):
        done = mien("analyze", tmp_path / pattern, *options)
        assert (done.code, items(done)) == (0, {"a.jpg"})
    assert set(contents(tmp_path)) == {"a.jpg", "a.annotated.jpg"}
    # On other systems the name means nothing.
    done = mien("analyze", tmp_path / pattern, "--annotate", tmp_path / "out", *options[2:])
    assert items(done) == {"a.jpg", "a.annotated.jpg"}


def test_an_annotated_picture_that_is_named_outright_is_read_and_kept(mien, picture, tmp_path):
    mine = tmp_path / "a.annotated.jpg"
    PIL.Image.new("RGB", (30, 20), "red").save(mine)
    before = mine.read_bytes()
    done = mien("analyze", picture, mine, "--annotate", tmp_path, "--format", "json", *FAST)
    assert (done.code, items(done)) == (0, {"a.jpg", "a.annotated.jpg"})
    assert mine.read_bytes() == before
    assert "a-2.annotated.jpg" in contents(tmp_path)


def test_links_in_a_circle(mien, picture, tmp_path):
    (tmp_path / "b.jpg").symlink_to("c.jpg")
    (tmp_path / "c.jpg").symlink_to("b.jpg")
    options = ["--annotate", tmp_path / "out", "--format", "csv", *FAST]
    done = mien("analyze", tmp_path, *options)
    assert (done.code, len(done.complaints)) == (1, 2)
    assert set(contents(tmp_path / "out")) == {"a.annotated.jpg"}
    done = mien("analyze", picture, "--out", tmp_path / "b.jpg", *options)
    assert (done.code, done.err) == (0, "")
    assert (tmp_path / "b.jpg").read_text().startswith("source,")


@pytest.mark.parametrize("option", ["--annotate", "--out", "--events", "--report"])
@pytest.mark.parametrize("joint", ["", "="])
def test_an_empty_name_for_results(mien, picture, tmp_path, option, joint, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = [f"{option}="] if joint else [option, ""]
    done = mien("analyze", picture, "--format", "csv", *arguments, *FAST)
    assert (done.code, done.out) == (2, "")
    assert "it is empty" in done.err
    assert set(contents(tmp_path)) == {"a.jpg"}


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
    assert out.read_text() == "what was there before"
    kept = {f"x.partial.{form}"} if form in ("jsonl", "csv") else set()
    assert {path.name for path in out.parent.iterdir()} == {out.name} | kept
    assert all(f"{name})" in line for name in kept)


@pytest.mark.parametrize("out", [True, False])
def test_a_report_that_cannot_be_written_costs_no_other_result(
    process, portrait_file, tmp_path, out, validated
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
    assert set(rows.parent.iterdir()) == {events, rows.with_name("a.partial.jsonl")}
    assert events.read_text().startswith("source,track_id,expression")
