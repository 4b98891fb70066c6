import json
from pathlib import Path

import pytest

from mien.core.errors import InputError
from mien_lab.evaluation.documents import ADDED, BLOCK, fill, measured
from mien_lab.evaluation.shipped import weight_checksums
from mien_lab.figure_commands import CARDS, DOCUMENTS

ROOT = Path(__file__).parents[3]


def test_the_figures_are_of_the_weights_that_ship(shipped_figures):
    assert shipped_figures["weights"] == weight_checksums()


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_documents_say_what_was_measured(document, shipped_figures):
    text = (ROOT / document).read_text()
    assert BLOCK.search(text)
    assert text == fill(text, shipped_figures), "run: mien-lab figures write"


@pytest.mark.parametrize("precision", CARDS)
def test_cards_say_what_was_measured(precision, shipped_figures):
    card = json.loads((ROOT / CARDS[precision]).read_text())
    found = measured(shipped_figures, precision)
    assert card["extra"]["measured"] == found, "run: mien-lab figures write"


def test_no_document_has_a_place_that_was_not_filled():
    for document in DOCUMENTS:
        assert "@@" not in (ROOT / document).read_text()


@pytest.mark.parametrize("part", ADDED)
def test_missing_figures_are_named_with_their_command(shipped_figures, part):
    page = f"<!-- figures: {'accuracy' if part == 'peers' else part} -->\n<!-- end -->"
    less = {name: found for name, found in shipped_figures.items() if name != part}
    with pytest.raises(InputError, match=f"figures of {part}; run `{ADDED[part]} --json`"):
        fill(page, less)
    with pytest.raises(InputError, match="of temporal; run `mien-lab figures measure`"):
        fill("<!-- figures: temporal -->\n<!-- end -->", {})
    with pytest.raises(InputError, match="of crops; run `mien-lab figures measure`"):
        measured({}, "int8")


def test_a_figure_that_misses_its_goal_says_so(shipped_figures):
    page = "<!-- figures: verdict -->\nold\n<!-- end -->"
    figures = json.loads(json.dumps(shipped_figures))
    figures["crops"]["int8"]["PrivateTest"]["fer2013"]["accuracy"] = 0.5
    assert "FER2013 70.0 % (**missed**: 50.0 %)" in fill(page, figures)
    figures["crops"]["int8"]["PrivateTest"]["fer2013"]["accuracy"] = 0.71
    assert "FER2013 70.0 % (reached)" in fill(page, figures)
    figures["detector"]["mien"]["face_free"]["per_100"] = 1.25
    figures["detector"]["mien"]["portraits"]["recall"] = 0.995
    table = fill("<!-- figures: detector -->\n<!-- end -->", figures)
    assert "| 1.00 | 1.25 (missed) |" in table
    assert "| 99.0 % | 99.5 % |" in table


def test_only_blocks_are_touched(shipped_figures):
    page = "12.3 %\n<!-- figures: precision -->\nold\n<!-- end -->\n45.6 %\n"
    filled = fill(page, shipped_figures)
    assert filled.startswith("12.3 %\n<!-- figures: precision -->\nOn PublicTest")
    assert filled.endswith("<!-- end -->\n45.6 %\n")
    assert fill(filled, shipped_figures) == filled


def test_an_unknown_block_is_an_error(shipped_figures):
    with pytest.raises(InputError, match="accuracy"):
        fill("<!-- figures: luck -->\n<!-- end -->", shipped_figures)
