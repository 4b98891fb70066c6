"""What is printed for people, and where it cannot be."""

import json
import logging
import os
import sys

import numpy as np
import PIL.Image
import pytest

from mien.apps.cli.console import printable, speak_alone

FAST = ("--threads", 1)


@pytest.mark.parametrize(
    "arguments", [["--version"], ["schema"], ["info"], ["analyze"], ["analyze", "--format", "json"]]
)
def test_a_closed_stdout(process, picture, arguments):
    arguments = [*arguments, picture, *FAST] if "analyze" in arguments else arguments
    done = process(*arguments, preexec_fn=lambda: os.close(1))
    assert done.returncode == 1
    (line,) = done.stderr.decode().splitlines()
    assert line == (
        "mien: standard output cannot be written: it is closed; open it, or write to a file"
    )


def test_a_closed_stdout_does_not_matter_to_a_file(process, picture, tmp_path):
    def close():
        os.close(0)
        os.close(1)

    out = tmp_path / "x.csv"
    options = ["--format", "csv", "--out", out, *FAST]
    done = process("analyze", picture, *options, preexec_fn=close)
    assert (done.returncode, done.stderr) == (0, b"")
    assert out.read_text().startswith("source,frame")


def test_a_closed_stderr(process):
    done = process("analyze", "", preexec_fn=lambda: os.close(2))
    assert (done.returncode, done.stdout) == (2, b"")


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
    assert done.stderr.decode() == f"mien: {path} has 2 pages; only the first is read\n"


def test_what_is_logged_of_a_fault_has_its_trace(capsys):
    speak_alone()
    try:
        raise KeyError("here")
    except KeyError:
        logging.getLogger("mien.apps.web").exception("a film failed")
    line, *trace = capsys.readouterr().err.splitlines()
    assert line == "mien: a film failed"
    assert trace[-1] == "KeyError: 'here'"


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
