import json
import os
from pathlib import Path

import jsonschema
import pytest

import mien as package
from mien.apps.cli import main
from mien.report.schema import document_schema, line_schema

FAST = ("--threads", 1)


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


# Streams


def test_stdout_is_utf8_whatever_the_locale(process, tmp_path, empty_picture):
    path = empty_picture(tmp_path / "顔é.png")
    for encoding in ("ascii", "latin-1"):
        environment = {"PYTHONIOENCODING": encoding}
        for form in ("json", "table"):
            done = process("analyze", path, "--format", form, *FAST, environment=environment)
            assert (done.returncode, done.stderr) == (0, b"")
            assert "顔é" in done.stdout.decode("utf-8").replace("\n", "")


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
    """As in `mien ... | head -0`, with an annotated clip half written."""
    command = running("analyze", clip, "--format", form, "--annotate", tmp_path / "out", *FAST)
    command.stdout.close()
    complaints = command.stderr.read()
    assert command.wait(110) == 1
    assert complaints == b""
    assert {path.name for path in (tmp_path / "out").iterdir()} <= {"clip.annotated.mp4"}
