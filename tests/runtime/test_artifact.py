import json
import shutil

import pytest

from mien.core.errors import ArtifactError
from mien.runtime import artifact
from mien.runtime.artifact import (
    SHIPPED,
    Artifact,
    load_artifact,
    read_cards,
    shipped_cards,
    weights_folder,
)

MEGABYTE = 1_000_000


def is_one_sentence(error: BaseException) -> bool:
    text = str(error)
    return len(text) > 20 and "\n" not in text and not text.endswith(".")


@pytest.fixture
def weights(tmp_path):
    """A copy of the detector's weights and card alone."""
    for name in ("detector.json", "detector.onnx"):
        shutil.copy(weights_folder() / name, tmp_path / name)
    return tmp_path


def rewrite(folder, **fields):
    path = folder / "detector.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def refusal(*arguments, **options) -> str:
    with pytest.raises(ArtifactError) as caught:
        load_artifact(*arguments, **options)
    assert is_one_sentence(caught.value)
    return str(caught.value)


def test_shipped_weights_are_those_of_their_cards():
    cards = shipped_cards()
    found = {(card.name, card.precision) for card in cards}
    assert {("detector", "fp32"), ("expression", "fp32"), ("expression", "int8")} <= found
    for card in cards:
        artifact = load_artifact(card.name, card.precision)
        assert isinstance(artifact, Artifact)
        assert artifact.card == card


def test_shipped_weights_are_small_enough():
    sizes = {path.name: path.stat().st_size for path in weights_folder().glob("*.onnx")}
    assert sizes.keys() == {card.file for card in shipped_cards()}
    assert max(sizes.values()) <= 16 * MEGABYTE
    assert sum(sizes.values()) <= 30 * MEGABYTE


def test_the_weights_do_not_print_themselves():
    assert len(repr(load_artifact("detector"))) < 2000


@pytest.mark.parametrize("as_type", [str, lambda path: path])
def test_another_folder(weights, as_type):
    assert load_artifact("detector", folder=as_type(weights)).card == read_cards(weights)[0]


def test_unknown_name_and_precision():
    assert "bf16" in refusal("detector", "bf16")
    assert "'nose'" in refusal("nose")


def test_missing_folder(tmp_path):
    assert f"weights folder {tmp_path}/none does not exist" in refusal(
        "detector", folder=tmp_path / "none"
    )


def test_whoever_names_a_folder_is_not_told_to_reinstall(weights, monkeypatch):
    (weights / "detector.onnx").unlink()
    assert refusal("detector", folder=weights).endswith("that mien-lab wrote")
    monkeypatch.setattr(artifact, "weights_folder", lambda given=None: given or weights)
    assert refusal("detector").endswith("; reinstall mien")


def test_missing_file(weights):
    (weights / "detector.onnx").unlink()
    assert "detector.onnx cannot be read" in refusal("detector", folder=weights)


def test_missing_card(weights):
    (weights / "detector.json").unlink()
    assert "no fp32 weights named 'detector'" in refusal("detector", folder=weights)


@pytest.mark.parametrize("place", [0, 5000, -1])
def test_an_altered_byte(weights, place):
    path = weights / "detector.onnx"
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)
    assert "do not match their card" in refusal("detector", folder=weights)


@pytest.mark.parametrize("keep", [0, 1000])
def test_a_cut_file(weights, keep):
    path = weights / "detector.onnx"
    path.write_bytes(path.read_bytes()[:keep])
    assert "do not match their card" in refusal("detector", folder=weights)


@pytest.mark.parametrize(
    "text",
    ["", "not JSON", "[]", "null", "{}", '{"name": "detector"}', '{"name": "x", "colour": 1}'],
)
def test_a_malformed_card(weights, text):
    (weights / "detector.json").write_text(text)
    assert "model card" in refusal("detector", folder=weights)


def test_a_card_that_is_no_text(weights):
    (weights / "detector.json").write_bytes(b"\xff\xfe\x00\x80")
    assert "model card" in refusal("detector", folder=weights)


@pytest.mark.parametrize(
    "fields",
    [{"sha256": None}, {"file": 3}, {"extra": []}, {"input": "image"}, {"labels": {}}, {"more": 1}],
)
def test_a_card_with_fields_of_another_type(weights, fields):
    rewrite(weights, **fields)
    message = refusal("detector", folder=weights)
    assert "model card" in message
    assert next(iter(fields)) in message


def test_a_card_for_another_file(weights):
    rewrite(weights, file="other.onnx")
    assert "other.onnx cannot be read" in refusal("detector", folder=weights)


@pytest.mark.parametrize("value", [None, "1", True, [1]])
def test_figures_of_a_card(weights, value):
    rewrite(weights, extra={"threshold": 0.5, "odd": value})
    card = read_cards(weights)[0]
    assert card.number("threshold") == 0.5
    with pytest.raises(ArtifactError, match="no number 'odd'") as caught:
        card.number("odd")
    assert is_one_sentence(caught.value)


def test_weights_that_are_missing_from_the_package_are_named(tmp_path, monkeypatch):
    shutil.copytree(weights_folder(), tmp_path / "weights")
    monkeypatch.setattr(artifact, "weights_folder", lambda _=None: tmp_path / "weights")
    assert len(shipped_cards()) == len(SHIPPED)
    (tmp_path / "weights" / "temporal.json").unlink()
    with pytest.raises(ArtifactError, match=r"lacks the weights of temporal \(fp32\); "):
        shipped_cards()
