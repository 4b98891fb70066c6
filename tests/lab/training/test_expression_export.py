"""What is exported of trained expression networks, and the cards beside it."""

from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from mien.core.errors import InputError  # noqa: E402
from mien.models.expression import ExpressionClassifier  # noqa: E402
from mien.runtime.artifact import load_artifact, read_cards  # noqa: E402
from mien.runtime.session import open_session  # noqa: E402
from mien_lab.cli import app  # noqa: E402
from mien_lab.data.cleaning import clean  # noqa: E402
from mien_lab.data.fer2013 import load_fer  # noqa: E402
from mien_lab.training import expression_export  # noqa: E402
from mien_lab.training.expression import train_expression  # noqa: E402
from mien_lab.training.expression_export import export_expression  # noqa: E402
from mien_lab.training.expression_net import SHAPES, MergedNet, trained_net  # noqa: E402
from mien_lab.training.heads import fit_heads  # noqa: E402
from mien_lab.training.weight_files import ParityError  # noqa: E402

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
