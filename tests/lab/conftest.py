"""Tiny folders in the layout of FER2013 and FER+, and networks trained on them or exported."""

import csv
import gzip
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from mien.models.calibration import softmax
from mien.vision.alignment import CANONICAL

VOTES = (
    "neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt",
    "unknown", "NF",
)  # fmt: skip
SPLITS = ("Training",) * 6 + ("PublicTest",) + ("PrivateTest",)
POINTS = ("right_eye", "left_eye", "nose", "right_mouth", "left_mouth")


@dataclass
class Row:
    """One row of both files; `code` is FER2013's own."""

    pixels: npt.NDArray[np.uint8]
    code: int = 3
    split: str = "Training"
    votes: dict[str, int] = field(default_factory=lambda: {"happiness": 10})
    landmarks: npt.NDArray[np.float64] | None = None


def blob(seed: int) -> npt.NDArray[np.uint8]:
    """A smooth picture of 48x48 unlike that of any other seed."""
    rng = np.random.default_rng(seed)
    small = rng.integers(20, 236, (6, 6)).astype(np.float32)
    return np.clip(cv2.resize(small, (48, 48), interpolation=cv2.INTER_CUBIC), 0, 255).astype(
        np.uint8
    )


def some_rows(count: int) -> list[Row]:
    """Rows of all labels and splits, most with landmarks."""
    rng = np.random.default_rng(count)
    rows = []
    for number in range(count):
        turn, size = rng.uniform(-0.3, 0.3), rng.uniform(0.8, 1.1)
        turned = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]) * size
        points = (CANONICAL - 24) @ turned + 24
        votes = {VOTES[number % 8]: 8, VOTES[(number + 1) % 8]: 2}
        rows.append(
            Row(
                blob(number),
                number % 7,
                SPLITS[number % len(SPLITS)],
                votes,
                None if number % 10 == 9 else points,
            )
        )
    return rows


def write_fer(folder: Path, rows: Sequence[Row], packed: bool = True) -> Path:
    """Write the files of FER2013, FER+ and, where a row has them, landmarks."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["emotion,pixels,Usage"]
    lines += [f"{row.code},{' '.join(map(str, row.pixels.ravel()))},{row.split}" for row in rows]
    text = "\n".join(lines) + "\n"
    if packed:
        with gzip.open(folder / "fer2013.csv.gz", "wt") as stream:
            stream.write(text)
    else:
        (folder / "fer2013.csv").write_text(text)
    with (folder / "fer2013new.csv").open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(["Usage", "Image name", *VOTES])
        for number, row in enumerate(rows):
            name = f"fer{number:07}.png"
            table.writerow([row.split, name, *(row.votes.get(vote, 0) for vote in VOTES)])
    with (folder / "landmarks.csv").open("w", newline="") as stream:
        table = csv.writer(stream)
        header = [f"{point}_{axis}" for point in POINTS for axis in "xy"]
        table.writerow(["row", "score", "x", "y", "w", "h", *header])
        for number, row in enumerate(rows):
            if row.landmarks is not None:
                table.writerow([number, 0.9, 1, 2, 40, 44, *row.landmarks.ravel().tolist()])
    return folder


@pytest.fixture(scope="session")
def fer_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty-eight rows: 36 to train on, six and six to test on."""
    return write_fer(tmp_path_factory.mktemp("fer"), some_rows(48))


@pytest.fixture
def write_rows(tmp_path: Path) -> Callable[..., Path]:
    """Write rows of one's own; see `write_fer`."""
    return lambda rows, **options: write_fer(tmp_path / "rows", rows, **options)


@pytest.fixture
def row() -> type[Row]:
    """What a row is made of."""
    return Row


@pytest.fixture
def picture() -> Callable[[int], npt.NDArray[np.uint8]]:
    """A picture by its seed; see `blob`."""
    return blob


@pytest.fixture
def drawn() -> Callable[..., Any]:
    """So many logits (n, 8) by a seed, and labels (n,) drawn from exactly their softmax."""

    def draw(count: int, seed: int, sharpness: float = 2.0) -> Any:
        rng = np.random.default_rng(seed)
        logits = rng.normal(size=(count, 8)) * sharpness
        mass = softmax(logits).cumsum(axis=1)
        labels = (rng.random((count, 1)) > mass).sum(axis=1)
        return logits, np.minimum(labels, 7)

    return draw


@pytest.fixture
def calibration_error() -> Callable[..., float]:
    """The expected calibration error over fifteen bins, by its definition."""

    def error(probabilities: npt.NDArray[Any], labels: npt.NDArray[Any]) -> float:
        confidence, hit = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
        index = np.minimum((confidence * 15).astype(int), 14)
        members = [index == bin_ for bin_ in range(15) if (index == bin_).any()]
        return float(sum(abs(hit[m].mean() - confidence[m].mean()) * m.mean() for m in members))

    return error


@contextmanager
def single_threaded() -> Iterator[None]:
    """Threads of torch that wait for each other cost more than a few faces do."""
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
    """Two epochs of two steps, the second with larger crops."""
    pytest.importorskip("torch")
    from mien_lab.training.expression_config import ExpressionConfig

    return ExpressionConfig(
        fer_folder, epochs=2, batch=4, part=2, limit=8, seed=3, compile=False, average=0.9,
        sizes=((0.5, 32), (1.0, 40)),
    )  # fmt: skip


@pytest.fixture(scope="session")
def settled_run(fer_folder: Path) -> Callable[..., Any]:
    """Write a run of a network of random weights whose normalisation has seen some faces.

    Takes the folder, a shape and a seed; gives the network and the faces.
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
    """A network of random weights whose normalisation has seen the faces; they; its export."""
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
def interrupt(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any, Path], None]:
    """Begin a training of the expression network that is interrupted after its first epoch."""
    pytest.importorskip("torch")
    from mien_lab.training.expression import train_expression
    from mien_lab.training.run import Run

    save = Run.save

    def save_and_stop(self: Run, state: dict[str, Any], figures: dict[str, Any]) -> None:
        save(self, state, figures)
        raise KeyboardInterrupt

    def begin(config: Any, folder: Path) -> None:
        with monkeypatch.context() as patched:
            patched.setattr(Run, "save", save_and_stop)
            with pytest.raises(KeyboardInterrupt):
                train_expression(config, folder)

    return begin


@pytest.fixture
def read_curve() -> Callable[[Path], list[dict[str, Any]]]:
    """What the curve of a run says of each epoch, by its folder."""
    return lambda folder: [
        json.loads(line) for line in (folder / "curve.jsonl").read_text().splitlines()
    ]
