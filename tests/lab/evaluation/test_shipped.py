import pytest

from mien.core.errors import InputError
from mien_lab.evaluation.documents import ADDED, fill
from mien_lab.evaluation.shipped import added, kept


def test_figures_of_other_weights_are_not_added(shipped_figures):
    reader = {
        "sha256": shipped_figures["weights"]["expression-int8.onnx"],
        "relative_accuracy": 0.9,
        "relative_accuracy_interval": [0.88, 0.92],
        "relative_accuracy_by_corruption": {"blur": 0.8, "mask": 0.7},
        "clean": {"accuracy": 0.86},
        "damaged": {"accuracy": 0.774},
    }
    damage = {"n": 30, "readers": {"mien": reader, "fer": reader}}
    grown = added(shipped_figures, damage, "damage.json")
    table = fill("<!-- figures: robustness -->\n<!-- end -->", grown)
    assert "| accuracy, clean | 86.0 % | 86.0 % |\n| accuracy, damaged | 77.4 % |" in table
    assert (
        "| kept, all kinds | **90.0 %** (88.0 % to 92.0 %) | **90.0 %** (88.0 % to 92.0 %) |"
        in table
    )
    assert "| mask | 70.0 % | 70.0 % |" in table
    finding = {"n": 9, "sha256": reader["sha256"], "finding": {"text": "No gap found."}}
    page = fill("<!-- figures: audit -->\n<!-- end -->", added(grown, finding, "audit.json"))
    assert "No gap found. (n = 9)" in page
    finders = {name: shipped_figures["weights"][name] for name in ("detector.onnx", "refiner.onnx")}
    peers = {"peers": {"fer": 1}, "weights": finders}
    assert added(shipped_figures, peers, "peers.json")["peers"] == {"fer": 1}
    for other in (
        {"peers": {"fer": 1}},
        peers | {"weights": finders | {"detector.onnx": "0"}},
        finding | {"sha256": "0"},
        {"n": 3, "readers": {"mien": reader | {"sha256": ""}}},
    ):
        with pytest.raises(InputError, match="measured on other weights"):
            added(shipped_figures, other, "other.json")
    with pytest.raises(InputError, match=r"odd.json holds no figures"):
        added(shipped_figures, {}, "odd.json")


def test_what_was_added_stays_while_its_weights_ship(shipped_figures, caplog):
    sums = shipped_figures["weights"]
    finders = {name: sums[name] for name in ("detector.onnx", "refiner.onnx")}
    finding = {"n": 9, "sha256": sums["expression-int8.onnx"], "finding": {"text": "None."}}
    bare = {name: part for name, part in shipped_figures.items() if name not in (*ADDED, "added")}
    before = added(bare, {"peers": {"fer": 1}, "weights": finders}, "peers.json")
    before = added(before, finding, "audit.json")
    before = added(before, {"measurements": []}, "speed.json")
    before = added(before, {"plain overlap": {}, "scenes": 1}, "tracking.json")
    assert kept(bare, before) == before
    assert not caplog.messages
    other = bare | {"weights": sums | {"expression-int8.onnx": "0"}}
    found = kept(other, before)
    assert found["peers"] == {"fer": 1}
    assert found["added"].keys() == {"peers", "tracking"}
    assert not {"audit", "speed"} & found.keys()
    assert "run `mien-lab audit --json`" in caplog.text
    assert "run `mien bench --json`" in caplog.text
    assert "peers" not in kept(bare, {"peers": {"fer": 1}})
