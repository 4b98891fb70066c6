"""Terminal output, and what must not reach the terminal."""

import json
import logging
import os
import pty
import sys
import threading

import numpy as np
import PIL.Image
import pytest

from mien.apps.cli.console import printable, route_logging_to_stderr

FAST = ("--threads", 1)


def tiff(path, **options):
    noise = np.random.default_rng(0).integers(0, 255, (80, 80, 3), np.uint8)
    PIL.Image.fromarray(noise).save(path, "TIFF", **options)
    return path


def test_warnings_of_libraries_are_not_told(process, tmp_path):
    path = tiff(tmp_path / "cut.tif")
    path.write_bytes(path.read_bytes()[:100])
    done = process("analyze", path, *FAST)
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith(f"mien: {path} is ")
    done = process("analyze", path, *FAST, environment={"PYTHONWARNINGS": "default"})
    assert b"UserWarning" in done.stderr


def test_what_is_logged_is_told_like_all_else(process, tmp_path):
    path = tiff(tmp_path / "pages.tif", save_all=True, append_images=[PIL.Image.new("RGB", (9, 9))])
    done = process("analyze", path, *FAST)
    assert done.returncode == 0
    assert done.stderr.decode() == f"mien: {path} has several pages; only the first is read\n"


def test_what_is_logged_of_a_fault_has_its_trace(capsys):
    route_logging_to_stderr()
    try:
        raise KeyError("here")
    except KeyError:
        logging.getLogger("mien.apps.web").exception("a film failed")
    line, *trace = capsys.readouterr().err.splitlines()
    assert line == "mien: a film failed"
    assert trace[-1] == "KeyError: 'here'"


def test_nothing_but_failures_on_stderr(process, portrait_file):
    done = process("analyze", portrait_file, "--format", "csv", *FAST)
    assert (done.returncode, done.stderr) == (0, b"")


ODD = "\x1b[2J\x07\u202egpj\u200b\n.png"
SHOWN = r"\x1b[2J\x07\u202egpj\u200b\n.png"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_names_do_not_steer_the_terminal(mien, picture):
    odd = picture.rename(picture.with_name(ODD))
    done = mien("analyze", odd, *FAST)
    assert done.out.splitlines()[1].startswith(f"{SHOWN} ")
    done = mien("analyze", odd.with_name("\x1bc.jpg"), *FAST)
    assert r"\x1bc.jpg does not exist" in done.err
    document = mien("analyze", odd, "--format", "json", *FAST).out
    assert json.loads(document)["items"][0]["source"] == str(odd)


def test_what_people_write_is_shown_as_it_is():
    for text in ("häßlich 顔", "a b\u00a0c", "émoi 🙂", r"a\b"):
        assert printable(text) == text
    assert printable("\udcff\ud83d") == r"\udcff\ud83d"


@pytest.mark.parametrize("name", ["[bold]x[", "a[/b]", ":smile:", "{0}", "%s", "häßlich 顔"])
def test_odd_names(mien, tmp_path, name, empty_picture):
    path = empty_picture(tmp_path / (name.replace("/", "_") + ".png"))
    if "/" in name:
        folder = tmp_path / name.split("/")[0]
        folder.mkdir()
        path = path.rename(folder / (name.split("/")[1] + ".png"))
    table = mien("analyze", path, *FAST)
    assert (table.code, table.err) == (0, "")
    # Long paths wrap over several lines.
    shown = "".join(line[:60].rstrip() for line in table.out.splitlines())
    assert path.name in shown or path.name in table.out
    document = json.loads(mien("analyze", path, "--format", "json", *FAST).out)
    assert document["items"][0]["source"] == str(path)


def _drain(descriptor):
    while True:
        try:
            data = os.read(descriptor, 4096)
        except OSError:
            return
        if not data:
            return
        yield data


def test_the_bar_of_a_terminal_leaves_stdout_alone(running, clip, portrait_file, validated):
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
