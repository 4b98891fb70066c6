"""What is exported of trained expression networks, and the cards beside it."""

from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

import onnxruntime  # noqa: E402
import torch.nn.functional as F  # noqa: E402

from mien.core.errors import InputError  # noqa: E402
from mien.models.expression import ExpressionClassifier  # noqa: E402
from mien.runtime.artifact import load_artifact, read_cards  # noqa: E402
from mien.runtime.session import open_session  # noqa: E402
from mien_lab.cli import app  # noqa: E402
from mien_lab.data.cleaning import clean  # noqa: E402
from mien_lab.data.faces import fer_faces, still_crops  # noqa: E402
from mien_lab.data.fer2013 import load_fer  # noqa: E402
from mien_lab.training import expression_export, heads  # noqa: E402
from mien_lab.training.expression import train_expression  # noqa: E402
from mien_lab.training.expression_export import OUTPUTS, export_expression  # noqa: E402
from mien_lab.training.expression_net import (  # noqa: E402
    SHAPES,
    ExpressionNet,
    MergedNet,
    trained_net,
)
from mien_lab.training.heads import fit_heads  # noqa: E402
from mien_lab.training.precision import pools_merged  # noqa: E402
from mien_lab.training.weight_files import (  # noqa: E402
    ParityError,
    trace,
    write_card,
)

pytestmark = pytest.mark.usefixtures("one_thread")


def test_exported_cards(exported_expression):
    *_, folder = exported_expression
    cards = {card.precision: card for card in read_cards(folder)}
    assert set(cards) == {"fp32", "int8"}
    for card in cards.values():
        assert (card.name, card.version) == ("expression", "9")
        assert card.number("temperature") != 1
        assert card.extra["heads"] == "fitted"
    assert cards["fp32"].extra == cards["int8"].extra


@pytest.mark.parametrize(("precision", "tolerance"), [("fp32", 5e-3), ("int8", 0.1)])
def test_exported_networks_agree_with_torch(exported_expression, precision, tolerance):
    net, crops, folder = exported_expression
    session = open_session("expression", precision=precision, threads=1, folder=folder)
    served = ExpressionClassifier(session).raw(crops)
    with torch.no_grad():
        trained = net(torch.from_numpy(crops)[:, None].float())._asdict()
    assert served.keys() == trained.keys()
    for name, values in trained.items():
        spread = float(values.std())
        difference = np.abs(served[name] - values.numpy()).mean()
        assert difference < tolerance * spread, name


def test_poolings_become_part_of_the_convolutions_behind_them(exported_expression, tmp_path):
    net, crops, _ = exported_expression
    trace(net, {"crops": torch.zeros(2, 1, 48, 48)}, OUTPUTS, tmp_path / "traced.onnx")
    before, after = onnx.load(tmp_path / "traced.onnx"), onnx.load(tmp_path / "traced.onnx")
    assert pools_merged(after) is after
    assert [sum(n.op_type == "AveragePool" for n in one.graph.node) for one in (before, after)] == [
        len(SHAPES["wide"]),
        0,
    ]
    expected, found = (
        onnxruntime.InferenceSession(
            one.SerializeToString(), providers=["CPUExecutionProvider"]
        ).run(["logits", "embedding"], {"crops": crops[:, None].astype(np.float32)})
        for one in (before, after)
    )
    for one, other in zip(expected, found, strict=True):
        assert np.abs(one - other).max() < 1e-3


@pytest.mark.parametrize(
    ("bound", "file"), [("PARITY", "expression.onnx"), ("INT8_PARITY", "expression-int8.onnx")]
)
def test_what_differs_from_the_trained_network_is_not_written(
    exported_expression, fer_folder, tmp_path, monkeypatch, bound, file
):
    *_, folder = exported_expression
    monkeypatch.setattr(expression_export, bound, -1.0)
    (tmp_path / file).write_text("weights in place")
    with pytest.raises(ParityError, match=f"{file} differs from the trained network by"):
        export_expression([folder.parent], fer_folder, tmp_path, version="9", calibration_faces=8)
    assert [path.name for path in tmp_path.iterdir()] == [file]
    assert (tmp_path / file).read_text() == "weights in place"


def test_the_command_exports_calibrated_weights(
    exported_expression, fer_folder, tmp_path, monkeypatch
):
    *_, folder = exported_expression
    monkeypatch.setattr(
        expression_export.export_expression,
        "__kwdefaults__",
        expression_export.export_expression.__kwdefaults__ | {"calibration_faces": 8},
    )
    options = ["--run", str(folder.parent)] * 2
    out = tmp_path / "new" / "weights"
    done = CliRunner().invoke(
        app, ["export", "--data", str(fer_folder), *options, "--out", str(out)]
    )
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in out.iterdir()) == [
        "expression-int8.json",
        "expression-int8.onnx",
        "expression.json",
        "expression.onnx",
    ]
    for card in read_cards(out):
        assert card.number("temperature") != 1
        assert load_artifact("expression", card.precision, out).card == card


def test_bare_weights_do_not_replace_the_packages_own(exported_expression, fer_folder):
    folder = str(exported_expression[2].parent)
    done = CliRunner().invoke(app, ["export", "--data", str(fer_folder), "--run", folder, "--bare"])
    assert isinstance(done.exception, InputError)
    assert "give a folder by --out" in str(done.exception)


def test_merged_networks_give_the_mean_of_their_logits():
    torch.manual_seed(0)
    nets = [ExpressionNet(8, ((8, 1),)).eval(), ExpressionNet(8, ((16, 2),)).eval()]
    crops = torch.rand(3, 1, 48, 48) * 255
    with torch.no_grad():
        apart = [net(crops) for net in nets]
        merged = MergedNet(nets).eval()(crops)
    assert torch.equal(merged.embedding, torch.cat([one.embedding for one in apart], 1))
    for name in ("logits", "fer_logits", "activation"):
        mean = sum(getattr(one, name) for one in apart) / 2
        torch.testing.assert_close(getattr(merged, name), mean, atol=1e-5, rtol=1e-5)


def test_runs_of_several_shapes_are_exported_as_one(expression_config, fer_folder, tmp_path):
    runs = [tmp_path / shape for shape in SHAPES]
    for shape, run in zip(SHAPES, runs, strict=True):
        train_expression(replace(expression_config, epochs=1, shape=shape), run)
    for names in (runs[:1], runs):
        files = export_expression(
            names, fer_folder, tmp_path / "weights", version="9", calibration_faces=8
        )
        assert set(files) == {"fp32", "int8"}
        net = MergedNet([trained_net(run) for run in names])
        data = load_fer(fer_folder)
        fit_heads(net.eval(), data, clean(data).rows)
        crops = torch.rand(2, 1, 48, 48) * 255
        with torch.no_grad():
            expected = net(crops)
        session = open_session("expression", precision="fp32", folder=tmp_path / "weights")
        got = session.run({"crops": crops.numpy()})
        for name, tensor in expected._asdict().items():
            assert got[name] == pytest.approx(tensor.numpy(), abs=5e-3)


def test_a_card_has_the_checksum_of_its_file(exported_expression, tmp_path):
    *_, folder = exported_expression
    (card,) = (card for card in read_cards(folder) if card.precision == "int8")
    path = tmp_path / card.file
    path.write_bytes(b"other weights")
    write_card(path, card)
    (written,) = read_cards(tmp_path)
    assert written.sha256 != card.sha256
    assert written.labels == card.labels


def test_both_heads_that_ship_are_blends_of_those_trained(exported_expression, fer_folder):
    fitted, crops, folder = exported_expression
    bare = MergedNet([trained_net(folder.parent)]).eval()
    faces = torch.from_numpy(crops)[:, None].float()
    with torch.no_grad():
        before, after = bare(faces), fitted(faces)
    said = torch.cat([before.logits, before.fer_logits, torch.ones(len(faces), 1)], dim=1)
    for name in ("logits", "fer_logits"):
        values = getattr(after, name)
        assert not torch.allclose(values, getattr(before, name), atol=1e-2)
        map_ = torch.linalg.lstsq(said, values, driver="gelsd").solution
        assert torch.allclose(said @ map_, values, atol=1e-3)
    assert torch.equal(after.embedding, before.embedding)
    assert torch.allclose(after.activation.mean(dim=(2, 3)), after.logits, atol=1e-4)


def test_what_ships_says_more_of_its_calibration_faces_than_what_was_trained(
    exported_expression, fer_folder
):
    fitted, _, folder = exported_expression
    data = load_fer(fer_folder)
    rows = data.rows("PublicTest")
    faces = torch.from_numpy(still_crops(fer_faces(data, rows))[:, 1])[:, None].float()
    losses = []
    for net in (MergedNet([trained_net(folder.parent)]).eval(), fitted):
        with torch.no_grad():
            losses.append(
                F.cross_entropy(net(faces).fer_logits, torch.from_numpy(data.labels[rows]).long())
            )
    assert losses[1] < losses[0]


def test_the_calibration_is_of_heads_that_were_not_fitted_to_its_faces(
    exported_expression, fer_folder, monkeypatch
):
    seen = []
    monkeypatch.setattr(heads, "cross_fitted", lambda said, *_, **__: said[:, :8] + 0.5)
    monkeypatch.setattr(heads, "calibration", lambda *given: seen.append(given) or {"given": 1.0})
    data = load_fer(fer_folder)
    folder = exported_expression[2].parent
    fitted = fit_heads(MergedNet([trained_net(folder)]).eval(), data, clean(data).rows, faces=8)
    assert fitted.keys() == {"occlusion_threshold", "given"}
    ((logits, labels, copies),) = seen
    assert np.allclose(logits.mean(axis=1), 0.5, atol=1e-4)
    assert len(logits) == len(labels) == len(copies) > 0
