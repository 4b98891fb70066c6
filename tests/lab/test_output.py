import json

import pytest

from mien_lab.output import write_figures

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
