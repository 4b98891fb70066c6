"""What is printed for people, and where it cannot be."""

import os

import PIL.Image
import pytest

FAST = ("--threads", 1)


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "a.png"
    PIL.Image.new("RGB", (60, 40), "grey").save(path)
    return path


@pytest.mark.parametrize(
    "arguments", [["--version"], ["schema"], ["info"], ["analyze"], ["analyze", "--format", "json"]]
)
def test_a_closed_stdout(process, picture, arguments):
    arguments = [*arguments, picture, *FAST] if "analyze" in arguments else arguments
    done = process(*arguments, preexec_fn=lambda: os.close(1))
    assert done.returncode == 1
    (line,) = done.stderr.decode().splitlines()
    assert line == ("mien: standard output cannot be written: it is closed; name a file with --out")


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
