import json

import mien as package
from mien.runtime import artifact


def test_info(mien):
    done = mien("info")
    assert (done.code, done.err) == (0, "")
    for card in artifact.shipped_cards():
        assert card.file in done.out
        assert card.sha256[:16] in done.out
    assert package.__version__ in done.out


def test_info_as_json(mien):
    found = json.loads(mien("info", "--json").out)
    assert found["version"] == package.__version__
    assert {model["file"] for model in found["models"]} == {
        card.file for card in artifact.shipped_cards()
    }
    defaults = [model["name"] for model in found["models"] if model["default"]]
    assert {"detector", "refiner", "landmarks", "expression"} <= set(defaults)
    assert found["threads"] >= 1
    assert found["providers"] == ["CPUExecutionProvider"]
