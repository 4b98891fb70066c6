import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from mien.runtime.artifact import read_cards  # noqa: E402
from mien_lab.training.weight_files import ship, write_card  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


def test_a_network_that_computes_something_else_does_not_ship(tmp_path):
    draft, target = tmp_path / "a.part", tmp_path / "a.onnx"
    target.write_bytes(b"before")
    for difference in (2e-3, 0.0):
        torch.onnx.export(torch.nn.ReLU(), (torch.zeros(2),), str(draft), dynamo=False)
        if difference:
            with pytest.raises(ValueError, match=r"a\.onnx differs .* by 0.002"):
                ship(draft, target, lambda path, worst=difference: worst, 1e-3)
            assert target.read_bytes() == b"before"
        else:
            ship(draft, target, lambda path: 0.0, 1e-3)
            assert target.read_bytes() != b"before"
        assert not draft.exists()


def test_a_card_has_the_checksum_of_its_file(exported_expression, tmp_path):
    *_, folder = exported_expression
    (card,) = (card for card in read_cards(folder) if card.precision == "int8")
    path = tmp_path / card.file
    path.write_bytes(b"other weights")
    write_card(path, card)
    (written,) = read_cards(tmp_path)
    assert written.sha256 != card.sha256
    assert written.labels == card.labels
