"""Tiny folders in the layout of FER2013 and FER+."""

import csv
import gzip
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

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


@pytest.fixture(scope="module")
def one_thread():
    """Threads of torch that wait for each other cost more than a few faces do."""
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
