import json
from pathlib import Path

import pytest

from mien.core.errors import InputError
from mien_lab.evaluation.documents import BLOCK, fill, measured
from mien_lab.evaluation.shipped import added, weight_checksums
from mien_lab.figure_commands import CARDS, DOCUMENTS, FIGURES

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def figures():
    return json.loads((ROOT / FIGURES).read_text())


def test_the_figures_are_of_the_weights_that_ship(figures):
    assert figures["weights"] == weight_checksums()


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_documents_say_what_was_measured(document, figures):
    text = (ROOT / document).read_text()
    assert BLOCK.search(text)
    assert text == fill(text, figures), "run: mien-lab figures write"


@pytest.mark.parametrize("precision", CARDS)
def test_cards_say_what_was_measured(precision, figures):
    card = json.loads((ROOT / CARDS[precision]).read_text())
    assert card["extra"]["measured"] == measured(figures, precision), "run: mien-lab figures write"


def test_no_document_has_a_place_that_was_not_filled():
    for document in DOCUMENTS:
        assert "@@" not in (ROOT / document).read_text()


def test_figures_of_other_weights_are_not_added(figures):
    reader = {
        "sha256": figures["weights"]["expression-int8.onnx"],
        "relative_accuracy": 0.9,
        "relative_accuracy_interval": [0.88, 0.92],
        "relative_accuracy_by_corruption": {"blur": 0.8, "mask": 0.7},
    }
    damage = {"n": 30, "readers": {"mien": reader, "fer": reader}}
    grown = added(figures, damage, "damage.json")
    table = fill("<!-- figures: robustness -->\n<!-- end -->", grown)
    assert "| all kinds | **90.0 %** (88.0 % to 92.0 %) | **90.0 %** (88.0 % to 92.0 %) |" in table
    assert "| mask | 70.0 % | 70.0 % |" in table
    finding = {"n": 9, "sha256": reader["sha256"], "finding": {"text": "No gap found."}}
    page = fill("<!-- figures: audit -->\n<!-- end -->", added(grown, finding, "audit.json"))
    assert "No gap found. (n = 9)" in page
    assert added(figures, {"peers": {"fer": 1}}, "peers.json")["peers"] == {"fer": 1}
    for other in (
        finding | {"sha256": "0"},
        {"n": 3, "readers": {"mien": reader | {"sha256": ""}}},
    ):
        with pytest.raises(InputError, match="measured on other weights"):
            added(figures, other, "other.json")
    with pytest.raises(InputError, match=r"odd.json holds no figures"):
        added(figures, {}, "odd.json")


def test_a_figure_that_misses_its_goal_says_so(figures):
    page = "<!-- figures: verdict -->\nold\n<!-- end -->"
    figures = json.loads(json.dumps(figures))
    figures["crops"]["int8"]["PrivateTest"]["fer2013"]["accuracy"] = 0.5
    assert "FER2013 70.0 % (**missed**: 50.0 %)" in fill(page, figures)
    figures["crops"]["int8"]["PrivateTest"]["fer2013"]["accuracy"] = 0.71
    assert "FER2013 70.0 % (reached)" in fill(page, figures)
    figures["detector"]["mien"]["face_free"]["per_100"] = 1.25
    figures["detector"]["mien"]["portraits"]["recall"] = 0.995
    table = fill("<!-- figures: detector -->\n<!-- end -->", figures)
    assert "| 1.00 | 1.25 (missed) |" in table
    assert "| 99.0 % | 99.5 % |" in table


def test_only_blocks_are_touched(figures):
    page = "12.3 %\n<!-- figures: precision -->\nold\n<!-- end -->\n45.6 %\n"
    filled = fill(page, figures)
    assert filled.startswith("12.3 %\n<!-- figures: precision -->\nOn PublicTest")
    assert filled.endswith("<!-- end -->\n45.6 %\n")
    assert fill(filled, figures) == filled


def test_an_unknown_block_is_an_error(figures):
    with pytest.raises(InputError, match="accuracy"):
        fill("<!-- figures: luck -->\n<!-- end -->", figures)


def temporal(single, own, mean):
    """Figures of one set of clips; each way is accuracy, changes, median and mean delay."""
    names = ("accuracy", "changes_per_s", "delay_ms_median", "delay_ms_mean")
    more = {"recognised": 0.9, "true_changes_per_s": 0.47, "time_constant_s": 0.12}
    ways = ("single frames", "recurrent", "best moving average")
    return {
        way: dict(zip(names, values, strict=True)) | more
        for way, values in zip(ways, (single, own, mean), strict=True)
    }


def test_the_goals_of_the_recurrent_network_are_told():
    clean = temporal((0.85, 1.2, 0, 30), (0.86, 0.6, 0, 40), (0.85, 1, 0, 40))
    poor = temporal((0.70, 4.5, 0, 70), (0.76, 0.9, 40, 100), (0.73, 1.7, 45, 120))
    figures = {"temporal": {"PrivateTest": {"clean": clean, "poor": poor}}}
    figures["temporal"]["PublicTest"] = figures["temporal"]["PrivateTest"]
    page = (
        "<!-- figures: temporal -->\n<!-- end -->\n<!-- figures: temporal_verdict -->\n<!-- end -->"
    )
    filled = fill(page, figures)
    assert "| poor: **recurrent** | 76.0 % | 0.90 | 40 / 100 ms | 90 % |" in filled
    assert "| clean: best moving average (0.12 s) | 85.0 % |" in filled
    assert "missed" not in filled
    assert "5.0 times fewer" in filled
    clean["recurrent"]["accuracy"] = 0.84
    poor["recurrent"] |= {"accuracy": 0.74, "changes_per_s": 2.0, "delay_ms_mean": 130}
    assert fill(page, figures).count("**missed**") == 4
