"""Training configurations, runs and exported networks."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest


@contextmanager
def single_threaded() -> Iterator[None]:
    """Run torch on one thread, which is faster for a few faces."""
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@pytest.fixture(scope="module")
def one_thread():
    """See `single_threaded`."""
    with single_threaded():
        yield


@pytest.fixture(scope="session")
def expression_config(fer_folder: Path) -> Any:
    """Two epochs of two steps; the second epoch has larger crops."""
    pytest.importorskip("torch")
    from mien_lab.training.expression_config import ExpressionConfig

    return ExpressionConfig(
        fer_folder, epochs=2, batch=4, part=2, limit=8, seed=3, compile=False, average=0.9,
        sizes=((0.5, 32), (1.0, 40)),
    )  # fmt: skip


@pytest.fixture(scope="session")
def settled_run(fer_folder: Path) -> Callable[..., Any]:
    """Write a run of a random network with batch normalisation statistics from some faces.

    Takes the folder, a shape and a seed; returns the network and the crops.
    """
    torch = pytest.importorskip("torch")
    from mien_lab.data.faces import fer_faces, upright_crops
    from mien_lab.data.fer2013 import load_fer
    from mien_lab.training.expression_net import SHAPES, ExpressionNet

    def write(folder: Path, shape: str = "wide", seed: int = 0) -> Any:
        with single_threaded():
            torch.manual_seed(seed)
            net = ExpressionNet(stages=SHAPES[shape])
            crops = upright_crops(fer_faces(load_fer(fer_folder), np.arange(32)))
            for module in net.modules():
                if isinstance(module, torch.nn.BatchNorm2d):
                    module.momentum = 1.0
            net(torch.from_numpy(crops)[:, None].float())
        torch.save({"average": net.state_dict()}, folder / "last.pt")
        config = {"shape": shape, "faces_dir": None}
        (folder / "config.json").write_text(json.dumps(config))
        return net, crops

    return write


@pytest.fixture(scope="session")
def exported_expression(
    fer_folder: Path, settled_run: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory
) -> Any:
    """A random network with fitted heads, its crops, and the folder of its exported weights."""
    pytest.importorskip("onnx")
    from mien_lab.data.cleaning import clean
    from mien_lab.data.fer2013 import load_fer
    from mien_lab.training.expression_export import export_expression
    from mien_lab.training.expression_net import MergedNet
    from mien_lab.training.heads import fit_heads

    folder = tmp_path_factory.mktemp("export")
    net, crops = settled_run(folder)
    with single_threaded():
        weights = folder / "weights"
        export_expression([folder], fer_folder, weights, version="9", calibration_faces=8)
        net = MergedNet([net.eval()]).eval()
        data = load_fer(fer_folder)
        fit_heads(net, data, clean(data).rows)
    return net, crops, weights


@pytest.fixture
def load_checkpoint() -> Callable[[Path], Any]:
    """Read a checkpoint of any run."""
    torch = pytest.importorskip("torch")
    return lambda path: torch.load(path, weights_only=True)


@pytest.fixture
def break_off(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], None]:
    """Begin a training, by what starts it, that is interrupted after its first epoch."""
    pytest.importorskip("torch")
    from mien_lab.training.run import Run

    save = Run.save

    def save_and_stop(self: Run, state: dict[str, Any], figures: dict[str, Any]) -> None:
        save(self, state, figures)
        raise KeyboardInterrupt

    def begin(start: Callable[[], Any]) -> None:
        with monkeypatch.context() as patched:
            patched.setattr(Run, "save", save_and_stop)
            with pytest.raises(KeyboardInterrupt):
                start()

    return begin


@pytest.fixture
def interrupt(break_off: Callable[[Callable[[], Any]], None]) -> Callable[[Any, Path], None]:
    """Begin a training of the expression network that is interrupted after its first epoch."""
    from mien_lab.training.expression import train_expression

    return lambda config, folder: break_off(lambda: train_expression(config, folder))


@pytest.fixture
def read_curve() -> Callable[[Path], list[dict[str, Any]]]:
    """What the curve of a run says of each epoch, by its folder."""
    return lambda folder: [
        json.loads(line) for line in (folder / "curve.jsonl").read_text().splitlines()
    ]


@pytest.fixture
def trained() -> Callable[[int], Any]:
    """A network by its seed, in its learner, after one step."""
    torch = pytest.importorskip("torch")
    from mien_lab.training.learner import Learner

    def train(seed: int) -> Any:
        torch.manual_seed(seed)
        net = torch.nn.Linear(3, 1)
        learner = Learner(net, 0.5, torch.optim.AdamW(net.parameters()))
        learner.begin_step(0.1)
        learner.descend(net(torch.ones(1, 3)).sum(), 0, 0)
        return learner

    return train
