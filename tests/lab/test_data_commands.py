"""`mien-lab data` from files to files, with the networks that ship."""

import csv
import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data
from typer.testing import CliRunner

pytest.importorskip("cleanlab")

from mien.core.errors import InputError, OutputError
from mien.core.labels import Emotion
from mien_lab.data import measurements
from mien_lab.data.collections import read_collection
from mien_lab.data.curation import write_manifest
from mien_lab.data.samples import Sample
from mien_lab.data_commands import app


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def rows(path):
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Whole photographs with all that can be wrong with them."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "images").mkdir()
    whole = skimage.data.astronaut()[:320, 40:400, ::-1]
    pictures = {
        "a.png": whole,
        "b.png": whole,
        "c.png": whole[:, ::-1],
        "blank.png": np.full((80, 80, 3), 200, np.uint8),
        "page.png": skimage.data.page(),
        "unlabelled.png": np.hstack([whole, whole]),
    }
    for name, pixels in pictures.items():
        assert cv2.imwrite(str(folder / "images" / name), pixels)
    table = [
        "image,label,split,subject", "a.png,happy,test,collins", "b.png,happy,train,collins",
        "c.png,happy,train,other", "blank.png,happy,train,", "page.png,fear,train,",
        "gone.png,fear,train,", "unlabelled.png,,train,",
    ]  # fmt: skip
    (folder / "manifest.csv").write_text("\n".join(table) + "\n")
    return folder


def test_inspect(folder, tmp_path):
    result = run(
        "inspect", "--data", folder, "--whole", "--findings", tmp_path / "f.csv",
        "--json", tmp_path / "f.json",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    figures = json.loads((tmp_path / "f.json").read_text())
    assert "{" not in result.stdout
    assert figures["samples"] == 7
    assert (figures["subjects"], figures["without_subject"]) == (2, 4)
    assert figures["balance"]["train"]["fear"] == 2
    assert "anger" in figures["empty_classes"]["train"]
    found = {(row["name"], row["reason"]): row["detail"] for row in rows(tmp_path / "f.csv")}
    assert found["b.png", "copy across splits"] == "of a.png in test: the same pixels"
    assert found["c.png", "copy across splits"].startswith("of a.png in test: perceptual hash")
    assert found["b.png", "subject in several splits"] == "collins is in test and train"
    assert found["blank.png", "blank"]
    assert found["page.png", "no face found"]
    assert "gone.png" in found["gone.png", "unreadable"]
    assert found["unlabelled.png", "no label"]


def test_clean_writes_lists_and_leaves_pictures(folder, tmp_path):
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    result = run(
        "clean", "--data", folder, "--whole", "--out", tmp_path / "kept.csv",
        "--drops", tmp_path / "drops.csv",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    drops = {row["name"]: row["reason"] for row in rows(tmp_path / "drops.csv")}
    assert drops == {
        "b.png": "copy across splits", "c.png": "copy across splits", "blank.png": "blank",
        "page.png": "no face found", "gone.png": "unreadable", "unlabelled.png": "no label",
    }  # fmt: skip
    (kept,) = read_collection(tmp_path / "kept.csv", whole=True)
    assert kept.path.resolve() == (folder / "images" / "a.png").resolve()
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_split_keeps_copies_together(tmp_path, picture):
    folder = tmp_path / "faces"
    for number in range(40):
        place = folder / ("happiness" if number % 2 else "fear")
        place.mkdir(parents=True, exist_ok=True)
        # Number 39 is number 1 again.
        assert cv2.imwrite(str(place / f"{number:02}.png"), picture(number % 38))
    out = tmp_path / "split.csv"
    options = ["--share", "train=0.75", "--share", "test=0.25", "--out", out]
    result = run("split", "--data", folder, *options)
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout[result.stdout.index("{") :])
    assert figures["without_subject"] == 40
    assert 8 <= sum(figures["balance"]["test"].values()) <= 12
    split = {row["image"][-6:]: row["split"] for row in rows(out)}
    assert len(split) == 40
    assert split["01.png"] == split["39.png"]
    assert split["00.png"] == split["38.png"]


def test_split_names_what_cannot_be_read(tmp_path, picture):
    for number in range(12):
        place = tmp_path / "faces" / ("happiness" if number % 2 else "fear")
        place.mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(str(place / f"{number:02}.png"), picture(number))
    (place / "99.png").write_text("no picture")
    options = ["--share", "train=0.5", "--share", "test=0.5", "--out", tmp_path / "split.csv"]
    result = run("split", "--data", tmp_path / "faces", *options)
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout[result.stdout.index("{") :])
    assert figures["unreadable"] == 1
    assert "happiness/99.png: " in result.stderr
    assert len(rows(tmp_path / "split.csv")) == 13


def test_a_split_that_is_not_there_is_refused_before_pictures_are_measured(
    folder, tmp_path, monkeypatch
):
    monkeypatch.setattr(measurements, "measure", lambda *_, **__: pytest.fail("measured"))
    result = run(
        "clean", "--data", folder, "--whole", "--only", "vault", "--out", tmp_path / "kept.csv",
        "--drops", tmp_path / "drops.csv",
    )  # fmt: skip
    assert isinstance(result.exception, InputError)
    assert "the collection has no split 'vault'; choose one of: test, train" in str(
        result.exception
    )


def test_a_manifest_names_links_and_not_what_they_point_at(tmp_path, picture):
    assert cv2.imwrite(str(tmp_path / "0.png"), picture(0))
    samples = []
    for label in ("happiness", "fear"):
        (tmp_path / "set" / label).mkdir(parents=True)
        link = tmp_path / "set" / label / "a.png"
        link.symlink_to(tmp_path / "0.png")
        samples.append(Sample(f"{label}/a.png", Emotion(label), path=link))
    write_manifest(tmp_path / "m.csv", samples)
    assert [row["image"] for row in rows(tmp_path / "m.csv")] == [
        "set/happiness/a.png",
        "set/fear/a.png",
    ]
    assert len(read_collection(tmp_path / "m.csv")) == 2


def test_a_name_that_no_manifest_can_hold_is_refused_before_pictures_are_measured(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(measurements, "measure", lambda *_, **__: pytest.fail("measured"))
    place = tmp_path / "set" / "fear"
    place.mkdir(parents=True)
    try:
        Path(os.fsdecode(bytes(place) + b"/caf\xe9.png")).touch()
    except OSError:
        pytest.skip("this system has no such names")
    for command in (("split",), ("clean", "--drops", tmp_path / "drops.csv")):
        name, *others = command
        result = run(name, "--data", tmp_path / "set", "--out", tmp_path / "o.csv", *others)
        assert isinstance(result.exception, InputError), result.output
        assert r"set/fear/caf\udce9.png has a name that is not UTF-8" in str(result.exception)


def test_a_seed_that_cannot_be_is_refused_before_pictures_are_measured(folder, tmp_path):
    for seed in (-1, 2**32):
        result = run("split", "--data", folder, "--out", tmp_path / "o.csv", "--seed", seed)
        assert result.exit_code == 2, result.output


def test_shares_that_are_too_fine_are_refused_before_pictures_are_measured(
    folder, tmp_path, monkeypatch
):
    monkeypatch.setattr(measurements, "measure", lambda *_, **__: pytest.fail("measured"))
    result = run("split", "--data", folder, "--whole", "--out", tmp_path / "split.csv")
    assert isinstance(result.exception, InputError)
    assert "choose coarser shares" in str(result.exception)


def test_card(folder, tmp_path):
    drops = tmp_path / "drops.csv"
    drops.write_text("name,reason,detail\nx,blank,y\nz,blank,y\n")
    result = run(
        "card", "--data", folder, "--whole", "--out", tmp_path / "README.md", "--title", "Faces: 7",
        "--licence", "cc-by-4.0", "--limit", "One photographer.", "--drops", drops,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    text = (tmp_path / "README.md").read_text()
    front = text.split("---")[1].strip().splitlines()
    assert front[:2] == ['pretty_name: "Faces: 7"', 'license: "cc-by-4.0"']
    assert "- n<1K" in front
    assert "| happiness | 1 | 3 | 4 | 57.1% |" in text
    assert "| copy across splits | 2 |" in text
    assert "| perhaps a copy | 1 |" in text
    assert "7 samples; 2 subjects are named; 4 samples are without one." in text
    assert "- 4 samples name no subject: who is shown may be in several splits." in text
    assert "- One photographer.\n" in text
    assert "left out by `mien-lab data clean`: 2 (blank)." in text
    assert "## Motivation\n\nNot stated.\n" in text
    assert "2 samples are copies of samples in another split" in text


def test_outputs_are_not_replaced(folder, tmp_path):
    there = tmp_path / "there.csv"
    there.write_text("mine")
    for command in (
        ("inspect", "--findings", there),
        ("clean", "--out", there, "--drops", tmp_path / "d.csv"),
        ("split", "--out", there),
        ("card", "--out", there, "--title", "x"),
    ):
        name, *others = command
        result = run(name, "--data", folder, *others)
        assert isinstance(result.exception, OutputError), command
        assert "--overwrite" in str(result.exception)
    assert there.read_text() == "mine"


def test_tables_are_not_written_to_the_screen(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for command in (
        ("inspect", "--findings", "-"),
        ("clean", "--out", "kept.csv", "--drops", "-"),
        ("split", "--out", "-"),
        ("card", "--out", "-", "--title", "x"),
    ):
        name, *others = command
        result = run(name, "--data", folder, *others, "--overwrite")
        assert isinstance(result.exception, OutputError), command
    assert not list(tmp_path.iterdir())


def test_wrong_words(folder, tmp_path):
    outputs = ("--out", tmp_path / "o.csv", "--drops", tmp_path / "d.csv")
    result = run("clean", "--data", folder, *outputs, "--also", "ugly")
    assert isinstance(result.exception, InputError)
    assert "likely label error" in str(result.exception)
    result = run("split", "--data", folder, "--out", tmp_path / "o.csv", "--share", "train=0.8")
    assert "sum to 0.8" in str(result.exception)
    result = run("inspect", "--data", tmp_path / "nowhere")
    assert "is missing" in str(result.exception)


def test_one_picture_listed_in_two_splits_is_named(folder, tmp_path):
    table = "image,label,split\na.png,sad,train\na.png,sad,test\n"
    (tmp_path / "manifest.csv").write_text(table)
    result = run("inspect", "--data", tmp_path)
    assert "in two splits: a.png (train and test)" in str(result.exception)


def test_one_file_in_the_folders_of_two_splits_is_a_finding(tmp_path, picture):
    for number, place in enumerate(("train/fear", "test/fear", "train/anger", "test/anger")):
        (tmp_path / "set" / place).mkdir(parents=True)
        name = "same.png" if number < 2 else f"{number}.png"
        assert cv2.imwrite(str(tmp_path / "set" / place / name), picture(number // 2 + number % 2))
    cv2.imwrite(str(tmp_path / "set" / "test/fear/same.png"), picture(0))
    out = tmp_path / "f.csv"
    result = run("inspect", "--data", tmp_path / "set", "--findings", out)
    assert result.exit_code == 0, result.output
    found = {row["name"]: row["detail"] for row in rows(out) if row["reason"].startswith("copy")}
    assert found["train/fear/same.png"] == "of test/fear/same.png in test: the same pixels"
