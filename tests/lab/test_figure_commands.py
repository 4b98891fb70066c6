import json
from pathlib import Path

import pytest

from mien.core.errors import InputError
from mien_lab.figure_commands import CARDS, DOCUMENTS, write


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
