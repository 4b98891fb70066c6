# ruff: noqa: PT012 (that the whole block fails is what is tested)
import os
from pathlib import Path

import pytest

from mien.core.errors import OutputError
from mien.report.files import atomic, make_folder, write_text


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_file_appears_at_the_end(tmp_path):
    path = tmp_path / "a.txt"
    with atomic(path) as temporary:
        assert temporary.suffix == ".txt"
        assert temporary.parent == tmp_path
        temporary.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new"
    assert names(tmp_path) == ["a.txt"]


def test_what_is_flushed_may_be_written_to(tmp_path, monkeypatch):
    """Windows syncs only files opened for writing."""
    fcntl = pytest.importorskip("fcntl")
    modes = []
    monkeypatch.setattr(
        os, "fsync", lambda file: modes.append(fcntl.fcntl(file, fcntl.F_GETFL) & os.O_ACCMODE)
    )
    write_text(tmp_path / "a.txt", "new")
    assert modes == [os.O_RDWR]
    assert (tmp_path / "a.txt").read_text() == "new"


def test_failure_leaves_what_was_there(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), atomic(path) as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_interruption_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt), atomic(tmp_path / "a.txt") as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert names(tmp_path) == []


def test_a_pipe_that_breaks_meanwhile_is_not_the_fault_of_the_file(tmp_path):
    with pytest.raises(BrokenPipeError), atomic(tmp_path / "report.html"):
        raise BrokenPipeError(32, "Broken pipe")
    assert list(tmp_path.iterdir()) == []


def test_full_disk_leaves_nothing(tmp_path, small_disk):
    path = tmp_path / "a.bin"
    with pytest.raises(OutputError) as caught, small_disk(1000), atomic(path) as temporary:
        temporary.write_bytes(bytes(5000))
    assert str(path) in str(caught.value)
    assert names(tmp_path) == []


@pytest.mark.parametrize(("written", "kept"), [("1\n2\nhal", "1\n2\n"), ("hal", None), ("", None)])
def test_of_a_failure_whole_lines_are_kept_if_asked(tmp_path, written, kept):
    path = tmp_path / "a.csv"
    path.write_text("old\n")
    with pytest.raises(ZeroDivisionError), atomic(path, salvage=True) as temporary:
        temporary.write_text(written)
        raise ZeroDivisionError
    assert path.read_text() == "old\n"
    assert names(tmp_path) == (["a.csv"] if kept is None else ["a.csv", "a.partial.csv"])
    assert kept is None or (tmp_path / "a.partial.csv").read_text() == kept


def test_rows_of_a_long_run_are_visible_before_it_ends(tmp_path):
    (tmp_path / "a.partial.csv").write_text("of another run\n")
    with atomic(tmp_path / "a.csv", salvage=True) as temporary:
        assert names(tmp_path) == ["a.partial-2.csv", "a.partial.csv"]
        temporary.write_text("whole\n")
    assert names(tmp_path) == ["a.csv", "a.partial.csv"]
    assert (tmp_path / "a.partial.csv").read_text() == "of another run\n"


@pytest.mark.parametrize("salvage", [False, True])
def test_names_as_long_as_the_system_allows(tmp_path, salvage):
    path = tmp_path / ("é" * 125 + ".csv")
    with atomic(path, salvage=salvage) as temporary:
        temporary.write_text("whole\n")
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_full_device_says_what_to_do():
    with (
        pytest.raises(OutputError, match=r"/dev/full .* disk is full; free some space"),
        atomic("/dev/full") as temporary,
        temporary.open("w") as stream,
    ):
        stream.write("x")


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("none/a.txt", "folder does not exist"),
        ("folder", "is a folder; name a file"),
        ("file/a.txt", "not a folder"),
        ("x" * 300, "too long"),
    ],
)
def test_impossible_paths(tmp_path, path, words):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=words), atomic(tmp_path / path) as temporary:
        temporary.touch()


def test_links_are_written_through(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with atomic(tmp_path / "link") as temporary:
        temporary.write_text("new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_text() == "new"


def test_permissions_follow_the_mask_of_the_process(tmp_path):
    mask = os.umask(0o027)
    try:
        with atomic(tmp_path / "a.txt") as temporary:
            temporary.write_text("new")
    finally:
        os.umask(mask)
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == 0o640


def test_folders(tmp_path):
    assert make_folder(tmp_path / "a" / "b").is_dir()
    assert make_folder(tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="is a file, not a folder"):
        make_folder(tmp_path / "file")
    with pytest.raises(OutputError):
        make_folder(tmp_path / "file" / "b")


def test_what_is_replaced_keeps_its_permissions(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    path.chmod(0o600)
    write_text(path, "new")
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("new", 0o600)


def test_a_file_that_may_not_be_written_is_not_replaced(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    path.write_text("old")
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(OutputError, match="permission is denied"):
        write_text(path, "new")
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]
