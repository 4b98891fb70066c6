import os
from pathlib import Path

import pytest

from mien.core.errors import MienError
from mien.vision.sources import find_sources


def test_folders_are_searched_recursively_in_order(tmp_path):
    for name in ("b.JPG", "a/c.png", "a/notes.txt", ".hidden/d.png", ".e.png", "z/f.mp4"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    found = find_sources([tmp_path])
    assert [path.relative_to(tmp_path).as_posix() for path in found.paths] == [
        "b.JPG",
        "a/c.png",
        "z/f.mp4",
    ]
    assert found.failures == []


def test_files_patterns_and_repetitions(tmp_path):
    for name in ("a.jpg", "b.jpg", "c.odd", "[x].png"):
        (tmp_path / name).touch()
    folder = str(tmp_path)
    found = find_sources([f"{folder}/c.odd", f"{folder}/*.jpg", f"{folder}/[x].png", folder])
    assert [path.name for path in found.paths] == ["c.odd", "a.jpg", "b.jpg", "[x].png"]


def test_patterns_over_folders(tmp_path):
    (tmp_path / "one" / "two").mkdir(parents=True)
    (tmp_path / "one" / "two" / "a.jpg").touch()
    assert [p.name for p in find_sources([f"{tmp_path}/*"]).paths] == ["a.jpg"]
    assert [p.name for p in find_sources([f"{tmp_path}/**/*.jpg"]).paths] == ["a.jpg"]


def test_what_cannot_be_found_is_reported_and_the_rest_kept(tmp_path, monkeypatch, is_one_sentence):
    good = tmp_path / "good"
    good.mkdir()
    (good / "a.jpg").touch()
    (tmp_path / "empty").mkdir()
    locked = good / "locked"
    locked.mkdir()
    scandir = os.scandir

    def refuse(path):
        if os.fspath(path) == str(locked):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    pattern = f"{tmp_path}/**/a.png"
    paths = [tmp_path / "gone.jpg", tmp_path / "empty", good, f"{tmp_path}/*.gif", locked, pattern]
    found = find_sources(paths)
    assert [path.name for path in found.paths] == ["a.jpg"]
    sentences = [str(error) for _, error in found.failures]
    for words in ("does not exist", "holds no picture", "Permission denied", "no file matches"):
        assert any(words in sentence for sentence in sentences), words
    assert len(sentences) == 6
    assert (
        sentences[-1]
        == f"folder {locked} cannot be read (Permission denied); check its permissions"
    )
    assert all(
        isinstance(error, MienError) and is_one_sentence(error) for _, error in found.failures
    )


def test_pipes_in_folders_and_patterns_are_passed_over(tmp_path):
    (tmp_path / "a.jpg").touch()
    (tmp_path / "gone.jpg").symlink_to("nowhere.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")
    for source in (tmp_path, tmp_path / "*.jpg", tmp_path / "**"):
        found = find_sources([source])
        assert [path.name for path in found.paths] == ["a.jpg", "gone.jpg"]


def test_patterns_do_not_follow_links_to_folders(tmp_path, monkeypatch):
    for name in ("a.jpg", "one/b.jpg", "one/[two]/c.jpg", ".hidden/d.jpg"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    for name in ("loop", "round", "one/again"):
        (tmp_path / name).symlink_to(tmp_path)
    names = ["a.jpg", "b.jpg", "c.jpg"]
    monkeypatch.chdir(tmp_path)
    for pattern in ("**/*.jpg", "**", "**/**/*.jpg", f"{tmp_path}/**/?.jpg", f"{tmp_path}/l*/**"):
        assert sorted(path.name for path in find_sources([pattern]).paths) == names, pattern
    assert [path.name for path in find_sources(["**/one/*.jpg"]).paths] == ["b.jpg"]
    assert [path.name for path in find_sources(["**/[[]two]/**/*"]).paths] == ["c.jpg"]


def test_a_file_is_read_once_however_it_is_spelled(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.jpg").touch()
    (tmp_path / "b.jpg").symlink_to("a.jpg")
    spellings = ["a.jpg", "./a.jpg", tmp_path / "a.jpg", "sub/../a.jpg", "*.jpg", tmp_path]
    assert find_sources(spellings).paths == [Path("a.jpg"), Path("b.jpg")]


@pytest.mark.parametrize("address", ["http://example.com/x.jpg", "https://example.com/x?a=[1]"])
def test_addresses_are_to_be_downloaded(address):
    ((name, error),) = find_sources([address]).failures
    assert (name, str(error)) == (
        address,
        f"{address} does not exist; download it first; cameras and streams are for `mien live`",
    )
