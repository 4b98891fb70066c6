import json
from pathlib import Path

import pytest

from mien.core.errors import OutputError
from mien_lab.output import refuse_existing, require_writable, write_figures

FIGURES = {"accuracy": 0.5, "delay": None}


@pytest.mark.parametrize("text", [None, "half of them"])
def test_a_file_gets_the_figures_and_the_screen_their_text(tmp_path, capsys, text):
    write_figures(FIGURES, tmp_path / "figures.json", text)
    assert json.loads((tmp_path / "figures.json").read_text()) == FIGURES
    assert capsys.readouterr().out == ("" if text is None else text + "\n")


@pytest.mark.parametrize(("output", "text"), [("-", None), ("-", "half of them"), (None, None)])
def test_the_screen_gets_the_figures(capsys, output, text):
    write_figures(FIGURES, output, text)
    assert json.loads(capsys.readouterr().out) == FIGURES


def test_the_screen_gets_the_text_alone(capsys):
    write_figures(FIGURES, text="half of them")
    assert capsys.readouterr().out == "half of them\n"


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("text", [None, "half of them"])
def test_what_is_no_json_is_not_written(tmp_path, capsys, value, text):
    for output in (tmp_path / "figures.json", "-", None):
        with pytest.raises(ValueError, match="not JSON compliant"):
            write_figures({"accuracy": value}, output, text)
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr().out == ""


def test_outputs_that_cannot_be_written_are_refused(tmp_path, monkeypatch):
    there = tmp_path / "there.json"
    there.write_text("{}")
    require_writable(there, tmp_path / "new.csv", "-", None, "/dev/null", "/dev/null")
    with pytest.raises(OutputError, match="is a folder; name a file"):
        require_writable(tmp_path)
    for refuse in (require_writable, refuse_existing):
        with pytest.raises(OutputError, match="- does not mean stdout here; name a file"):
            refuse("-", Path("-"))
    with pytest.raises(OutputError, match=r"no folder .*there\.json"):
        require_writable(there / "new.csv")
    with pytest.raises(OutputError, match=r"there\.json is named for two outputs"):
        require_writable(there, tmp_path / "new.csv", tmp_path / "." / "there.json")
    monkeypatch.setattr("os.access", lambda *_: False)
    for path in (tmp_path / "new.csv", there):
        with pytest.raises(OutputError, match="may not be written to; choose another folder"):
            require_writable(path)


def test_outputs_that_would_be_lost_are_refused(tmp_path):
    (tmp_path / "there.csv").write_text("mine")
    new = tmp_path / "new.csv"
    refuse_existing(new, None)
    refuse_existing(tmp_path / "there.csv", overwrite=True)
    with pytest.raises(OutputError, match=r"there is no folder .*nowhere"):
        refuse_existing(tmp_path / "nowhere" / "new.csv", overwrite=True)
    with pytest.raises(OutputError, match=r"there.csv exists; name another file, or pass"):
        refuse_existing(new, tmp_path / "there.csv")
    with pytest.raises(OutputError, match="two outputs"):
        refuse_existing(new, tmp_path / "." / "new.csv")
    with pytest.raises(OutputError, match="named as a picture"):
        refuse_existing(tmp_path / "face.JPG", overwrite=True)


def test_figures_are_written_whole_or_not_at_all(tmp_path, monkeypatch):
    target = tmp_path / "figures.json"
    target.write_text("before")

    def full(path, text, **_):
        path.write_bytes(text[:9].encode())
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_text", full)
    with pytest.raises(OutputError, match="the disk is full"):
        write_figures(FIGURES, target)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["before"]
