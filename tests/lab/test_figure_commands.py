import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mien.core.errors import InputError
from mien_lab.cli import app
from mien_lab.figure_commands import CARDS, DOCUMENTS, add, write


def test_what_the_audit_writes_is_added_if_it_is_what_the_documents_say(
    shipped_figures, fer_folder, tmp_path
):
    pytest.importorskip("fairlearn")
    wrote, figures = tmp_path / "audit.json", tmp_path / "figures.json"
    options = ["audit", "--data", fer_folder, "--draws", 100, "--json", wrote]
    done = CliRunner().invoke(app, [*map(str, options)])
    assert done.exit_code == 0, done.output
    figures.write_text(json.dumps(shipped_figures))
    with pytest.raises(InputError, match=r"audit.json has n 6, but the documents describe 3153"):
        add([wrote], figures)
    shipped_figures = json.loads(json.dumps(shipped_figures))
    shipped_figures["crops"]["int8"]["PrivateTest"]["ferplus"]["n"] = 6
    figures.write_text(json.dumps(shipped_figures))
    add([wrote], figures)
    assert json.loads(figures.read_text())["audit"]["n"] == 6


def test_nothing_is_written_when_figures_are_missing(shipped_figures, tmp_path, monkeypatch):
    less = {name: found for name, found in shipped_figures.items() if name != "robustness"}
    pages = (
        "<!-- figures: precision -->\n<!-- end -->",
        "<!-- figures: robustness -->\n<!-- end -->",
    )
    before = dict.fromkeys(CARDS.values(), json.dumps({"extra": {}}))
    before |= dict(zip(DOCUMENTS, pages, strict=True))
    for place, text in before.items():
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text(text)
    (tmp_path / "figures.json").write_text(json.dumps(less))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="mien-lab robustness"):
        write(Path("figures.json"))
    assert {place: (tmp_path / place).read_text() for place in before} == before
