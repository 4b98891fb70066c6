import pytest

from mien.core.errors import InputError
from mien_lab.evaluation import shipped
from mien_lab.evaluation.documents import ADDED, fill
from mien_lab.evaluation.shipped import added, kept

DAMAGE = {"layout": "fer+", "split": "PrivateTest", "n": 600}
FINDING = {
    "finding": {"text": "No gap found."}, "compared": "image conditions", "layout": "fer+",
    "split": "PrivateTest", "n": 3153,
}  # fmt: skip


def test_figures_of_other_weights_are_not_added(shipped_figures):
    reader = {
        "sha256": shipped_figures["weights"]["expression-int8.onnx"],
        "relative_accuracy": 0.9,
        "relative_accuracy_interval": [0.88, 0.92],
        "relative_accuracy_by_corruption": {"blur": 0.8, "mask": 0.7},
        "clean": {"accuracy": 0.86},
        "damaged": {"accuracy": 0.774},
    }
    damage = DAMAGE | {"readers": {"mien": reader, "fer": reader}}
    grown = added(shipped_figures, damage, "damage.json")
    table = fill("<!-- figures: robustness -->\n<!-- end -->", grown)
    assert "| accuracy, clean | 86.0 % | 86.0 % |\n| accuracy, damaged | 77.4 % |" in table
    assert (
        "| kept, all kinds | **90.0 %** (88.0 % to 92.0 %) | **90.0 %** (88.0 % to 92.0 %) |"
        in table
    )
    assert "| mask | 70.0 % | 70.0 % |" in table
    finding = FINDING | {"sha256": reader["sha256"]}
    page = fill("<!-- figures: audit -->\n<!-- end -->", added(grown, finding, "audit.json"))
    assert "No gap found. (n = 3,153)" in page
    finders = {name: shipped_figures["weights"][name] for name in ("detector.onnx", "refiner.onnx")}
    peers = {"peers": shipped_figures["peers"], "weights": finders}
    bare = {name: part for name, part in shipped_figures.items() if name != "peers"}
    assert added(bare, peers, "peers.json")["peers"] == shipped_figures["peers"]
    for other in (
        {"peers": shipped_figures["peers"]},
        peers | {"weights": finders | {"detector.onnx": "0"}},
        finding | {"sha256": "0"},
        damage | {"readers": {"mien": reader | {"sha256": ""}}},
    ):
        with pytest.raises(InputError, match="measured on other weights"):
            added(shipped_figures, other, "other.json")
    with pytest.raises(InputError, match=r"odd.json holds no figures"):
        added(shipped_figures, {}, "odd.json")


def test_what_was_added_stays_while_its_weights_ship(shipped_figures, caplog):
    sums = shipped_figures["weights"]
    finders = {name: sums[name] for name in ("detector.onnx", "refiner.onnx")}
    finding = FINDING | {"sha256": sums["expression-int8.onnx"]}
    bare = {name: part for name, part in shipped_figures.items() if name not in (*ADDED, "added")}
    peers = shipped_figures["peers"]
    before = added(bare, {"peers": peers, "weights": finders}, "peers.json")
    before = added(before, finding, "audit.json")
    before = added(before, {"measurements": []}, "speed.json")
    before = added(before, {"plain overlap": {}, "scenes": 1}, "tracking.json")
    assert kept(bare, before) == before
    assert not caplog.messages
    other = bare | {"weights": sums | {"expression-int8.onnx": "0"}}
    found = kept(other, before)
    assert found["peers"] == peers
    assert found["added"].keys() == {"peers", "tracking"}
    assert not {"audit", "speed"} & found.keys()
    assert "run `mien-lab audit --json`" in caplog.text
    assert "run `mien bench --json`" in caplog.text
    assert "peers" not in kept(bare, {"peers": {"fer": 1}})


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"layout": "folders"}, "has layout 'folders', but the documents describe 'fer\\+'"),
        ({"split": "PublicTest"}, "has split 'PublicTest', but"),
        ({"split": None}, "has split None, but the documents describe 'PrivateTest'; run `mien-"),
        ({"n": 24}, "has n 24, but"),
        ({"compared": "groups"}, "has compared 'groups', but the documents describe 'image cond"),
    ],
)
def test_figures_of_other_faces_than_the_documents_say_are_not_added(
    shipped_figures, change, sentence
):
    checksum = shipped_figures["weights"]["expression-int8.onnx"]
    finding = FINDING | {"sha256": checksum}
    reader = {"sha256": checksum, "clean": {"accuracy": 1}, "damaged": {"accuracy": 1}}
    damage = DAMAGE | {"readers": {"mien": reader | dict.fromkeys(shipped._KEPT)}}
    trade = FINDING | {"split": "PublicTest", "n": 3199, "sha256": checksum, "fitted_on": 9}
    trade["tradeoff"] = {}
    wrong = [finding] if "compared" in change else [finding, damage]
    for more in (finding, damage, trade):
        added(shipped_figures, more, "new.json")
    if change.keys() & {"n", "compared"}:
        wrong.append(trade)
    for more in wrong:
        with pytest.raises(InputError, match=f"new.json {sentence}"):
            added(shipped_figures, more | change, "new.json")


def test_peers_measured_on_other_faces_are_not_added(shipped_figures):
    sums = shipped_figures["weights"]
    peer = shipped_figures["peers"]["fer"]
    for change in ({"split": "PublicTest"}, {"ferplus": peer["ferplus"] | {"n": 7}}):
        more = {"peers": {"fer": peer | change}, "weights": {"": sums["detector.onnx"]}}
        with pytest.raises(InputError, match=r"the documents describe .*run `mien-lab peers`"):
            added(shipped_figures, more, "peers.json")
