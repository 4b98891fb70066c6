"""Small folders in the layout of FER2013 and FER+, drawn faces, videos and clips."""

import csv
import gzip
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
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
HEADER = ["score", "x", "y", "w", "h"] + [f"{name}_{axis}" for name in POINTS for axis in "xy"]
FIVE = np.array([[0.27, 0.375], [0.73, 0.375], [0.5, 0.59], [0.31, 0.75], [0.69, 0.75]], np.float32)
"""Landmarks of a drawn face (5, 2), relative to its box."""


@dataclass
class Row:
    """One row of both files; `code` is FER2013's label code."""

    pixels: npt.NDArray[np.uint8]
    code: int = 3
    split: str = "Training"
    votes: dict[str, int] = field(default_factory=lambda: {"happiness": 10})
    landmarks: npt.NDArray[np.float64] | None = None


def blob(seed: int) -> npt.NDArray[np.uint8]:
    """A smooth random picture of 48x48, different for each seed."""
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
    """Write the files of FER2013 and FER+, and the landmarks of rows that have them."""
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
    """Forty-eight rows: 36 of Training, six of PublicTest, six of PrivateTest."""
    return write_fer(tmp_path_factory.mktemp("fer"), some_rows(48))


@pytest.fixture
def write_rows(tmp_path: Path) -> Callable[..., Path]:
    """Write given rows; see `write_fer`."""
    return lambda rows, **options: write_fer(tmp_path / "rows", rows, **options)


@pytest.fixture
def row() -> type[Row]:
    """The class `Row`."""
    return Row


@pytest.fixture
def picture() -> Callable[[int], npt.NDArray[np.uint8]]:
    """Make a picture from a seed; see `blob`."""
    return blob


@pytest.fixture
def drawn() -> Callable[..., Any]:
    """Draw random logits (n, 8), and labels (n,) from their softmax, which is thus calibrated."""

    def draw(count: int, seed: int, sharpness: float = 2.0) -> Any:
        rng = np.random.default_rng(seed)
        logits = rng.normal(size=(count, 8)) * sharpness
        mass = softmax(logits).cumsum(axis=1)
        labels = (rng.random((count, 1)) > mass).sum(axis=1)
        return logits, np.minimum(labels, 7)

    return draw


@pytest.fixture
def calibration_error() -> Callable[..., float]:
    """The expected calibration error with fifteen bins, computed from its definition."""

    def error(probabilities: npt.NDArray[Any], labels: npt.NDArray[Any]) -> float:
        confidence, hit = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
        index = np.minimum((confidence * 15).astype(int), 14)
        members = [index == bin_ for bin_ in range(15) if (index == bin_).any()]
        return float(sum(abs(hit[m].mean() - confidence[m].mean()) * m.mean() for m in members))

    return error


def draw_face(side: int, name: str = "face") -> Any:
    """See `drawn_face`."""
    from mien_lab.data.scenes import Picture

    image = np.full((side, side), 60, np.uint8)
    box = np.array([0.15, 0.05, 0.7, 0.9], np.float32) * side
    centre = (int(side / 2), int(side / 2))
    cv2.ellipse(image, centre, (int(0.35 * side), int(0.45 * side)), 0, 0, 360, (190,), -1)
    points = box[:2] + FIVE * box[2:]
    for x, y in points:
        cv2.circle(image, (int(x), int(y)), max(side // 20, 1), (20,), -1)
    return Picture(name, image, box[None], points[None], np.float32([0.95]))


def draw_texture(name: str) -> Any:
    """See `texture`."""
    from mien_lab.data.scenes import Picture

    image = np.random.default_rng(len(name)).integers(0, 255, (120, 160), dtype=np.uint8)
    nothing = np.zeros((0, 4), np.float32)
    return Picture(name, image, nothing, np.zeros((0, 5, 2), np.float32), np.zeros(0, np.float32))


@pytest.fixture
def drawn_face() -> Callable[..., Any]:
    """Draw a square picture with one face, with dark landmarks; takes its side and a name."""
    return draw_face


@pytest.fixture
def texture() -> Callable[[str], Any]:
    """Make a textured photograph without a face; takes its name."""
    return draw_texture


@pytest.fixture
def people() -> list[str]:
    """Names of portraits, with people of every part."""
    return [f"P{i}_0001.jpg" for i in range(99)]


@pytest.fixture
def data_dir(tmp_path: Path, people: list[str]) -> Path:
    """Portraits, everyday photographs and FER2013, in the layout for training the detector."""
    from mien_lab.data.scenes import Part, part_of, person_of

    def is_training(key: str) -> bool:
        return part_of(key) is Part.TRAIN

    portraits = [name for name in people if is_training(person_of(name))]
    photographs = [name for name in (f"s{i}.jpg" for i in range(99)) if is_training(name)]
    write_pictures(tmp_path / "faces", {name: draw_face(96) for name in portraits[:3]})
    write_pictures(
        tmp_path / "scenes", {photographs[0]: draw_face(128), photographs[1]: draw_texture("a")}
    )
    folder = tmp_path / "fer2013"
    folder.mkdir()
    small = draw_face(48)
    pixels = " ".join(str(value) for value in small.image.ravel())
    rows = [i for i in range(20) if is_training(f"fer2013/{i}")]
    with gzip.open(folder / "fer2013.csv.gz", "wt") as file:
        csv.writer(file).writerows(
            [["emotion", "pixels", "Usage"], *([0, pixels, "Training"] for _ in range(20))]
        )
    with (folder / "landmarks.csv").open("w") as file:
        csv.writer(file).writerows([["row", *HEADER], *([i, *label_row(small)] for i in rows)])
    return tmp_path


def label_row(picture: Any) -> list[float]:
    """The row of `faces.csv` for the face of a picture, without its name."""
    return [0.95, *picture.boxes[0].tolist(), *picture.points[0].ravel().tolist()]


def write_pictures(folder: Path, pictures: dict[str, Any]) -> None:
    """Write pictures by name, and `faces.csv` with their faces."""
    (folder / "images").mkdir(parents=True)
    with (folder / "faces.csv").open("w") as file:
        writer = csv.writer(file)
        writer.writerow(["image", *HEADER])
        for name, picture in pictures.items():
            cv2.imwrite(str(folder / "images" / name), picture.image)
            if len(picture.boxes):
                writer.writerow([name, *label_row(picture)])


@pytest.fixture
def sequences() -> Callable[..., Any]:
    """Make clips from labels (n, t), and one-hot predictions from predicted labels (n, t)."""
    pytest.importorskip("sklearn")
    from mien.models.temporal import CONTEXT_SIZE
    from mien_lab.data.sequences import Sequences

    def make(labels: Any, predicted: Any, step: float = 0.04) -> Any:
        labels = np.asarray(labels)
        count, length = labels.shape
        clips = Sequences(
            np.zeros((count, length, 4), np.float16),
            np.zeros((count, length, 8), np.float32),
            np.zeros((count, length, 8), np.float32),
            np.zeros((count, length, CONTEXT_SIZE), np.float32),
            np.tile(np.arange(length) * step, (count, 1)),
            np.eye(8, dtype=np.float32)[np.maximum(labels, 0)],
            labels,
        )
        return clips, np.eye(8)[np.asarray(predicted)]

    return make


@pytest.fixture
def film() -> Callable[..., None]:
    """Write a video of a still picture."""

    def write(path: Path, picture: npt.NDArray[np.uint8], frames: int = 6) -> None:
        height, width = (side // 2 * 2 for side in picture.shape[:2])
        with av.open(str(path), "w") as output:
            stream: Any = output.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            frame = np.ascontiguousarray(picture[:height, :width])
            for _ in range(frames):
                output.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
            output.mux(stream.encode(None))

    return write


@pytest.fixture(scope="session")
def shipped_figures() -> Any:
    """The figures of the shipped weights, from `docs/figures.json`."""
    return json.loads((Path(__file__).parents[2] / "docs" / "figures.json").read_text())
