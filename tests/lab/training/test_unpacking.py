"""Networks that are taken out of exported weights."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

torch = pytest.importorskip("torch")

from mien.core.errors import InputError, OutputError  # noqa: E402
from mien.runtime.session import open_session  # noqa: E402
from mien_lab.cli import app  # noqa: E402
from mien_lab.training.expression_export import export_expression  # noqa: E402
from mien_lab.training.expression_net import SHAPES, MergedNet, trained_net  # noqa: E402
from mien_lab.training.unpacking import unpack_expression  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def merged(exported_expression, settled_run, fer_folder, tmp_path_factory):
    """Crops, and the bare weights of two networks of different shapes."""
    _, crops, exported = exported_expression
    other = tmp_path_factory.mktemp("deep")
    settled_run(other, "deep", 1)
    folder = other / "weights"
    runs = [other, exported.parent]
    export_expression(runs, fer_folder, folder, version="1", bare=True, calibration_faces=8)
    return torch.from_numpy(crops)[:, None].float(), folder


def test_unpacked_networks_read_as_before_and_can_be_trained_on(merged, fer_folder, tmp_path):
    crops, weights = merged
    done = CliRunner().invoke(
        app,
        ["unpack", *map(str, ("--data", fer_folder, "--weights", weights, "--out", tmp_path))],
    )
    assert done.exit_code == 0, done.output
    runs = [Path(line) for line in done.output.split()]
    assert [run.name for run in runs] == ["1-deep", "2-wide"]
    nets = [trained_net(run) for run in runs]
    session = open_session("expression", precision="fp32", threads=1, folder=weights)
    served = session.run({"crops": crops.numpy()})
    with torch.no_grad():
        again = MergedNet(nets).eval()(crops)
        for name in ("embedding", "logits", "fer_logits"):
            assert getattr(again, name).numpy() == pytest.approx(served[name], abs=1e-4)
        for net in nets:
            calm = net(crops).embedding
            # What normalises by the batch at hand gives what it gave before, since faces are alike.
            trained = net.train()(crops).embedding
            assert (trained - calm).abs().mean() < 0.3 * calm.std()


def test_runs_that_are_there_and_other_shapes_are_refused(
    merged, fer_folder, tmp_path, monkeypatch
):
    _, weights = merged
    (tmp_path / "2-wide").mkdir()
    with pytest.raises(OutputError, match="2-wide exists; choose another folder"):
        unpack_expression(fer_folder, tmp_path, weights=weights, faces=8)
    assert [path.name for path in tmp_path.iterdir()] == ["2-wide"]
    monkeypatch.delitem(SHAPES, "deep")
    with pytest.raises(InputError, match=r"expression\.onnx holds a network of the stages"):
        unpack_expression(fer_folder, tmp_path / "new", weights=weights, faces=8)
