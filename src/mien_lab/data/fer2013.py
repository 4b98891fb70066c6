"""FER2013 and FER+ as published: pixels, both sets of labels, the official splits."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from mien.core.errors import InputError
from mien.core.labels import EMOTIONS, Emotion
from mien_lab.data.face_labels import FaceLabel, face_label
from mien_lab.data.manifests import read_folders
from mien_lab.data.samples import split_rank
from mien_lab.data.tables import numbered_rows, read_table

__all__ = [
    "FER_LABELS",
    "Fer",
    "labels_given_votes",
    "load_fer",
    "majority",
    "read_challenge",
    "read_face_labels",
    "vote_distribution",
]

log = logging.getLogger(__name__)

FER_LABELS: tuple[Emotion, ...] = EMOTIONS[:7]
"""FER2013's seven labels, all but contempt, in the order of `EMOTIONS`."""

SPLITS = ("Training", "PublicTest", "PrivateTest")

_FER_CODES = (
    Emotion.ANGER,
    Emotion.DISGUST,
    Emotion.FEAR,
    Emotion.HAPPINESS,
    Emotion.SADNESS,
    Emotion.SURPRISE,
    Emotion.NEUTRAL,
)
_VOTE_COLUMNS = (*(emotion.value for emotion in EMOTIONS), "unknown", "nf")


@dataclass(frozen=True)
class Fer:
    """The rows of FER2013 with their FER+ votes.

    Attributes:
        pixels: (n, 48, 48) uint8 grey.
        labels: (n,) int64 FER2013 labels as indices into `FER_LABELS`.
        votes: (n, 10) int64 FER+ votes for the eight emotions, unknown, and not a face.
        split: (n,) str: Training, PublicTest or PrivateTest.
    """

    pixels: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    votes: npt.NDArray[np.int64]
    split: npt.NDArray[np.str_]

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.labels)

    def rows(self, split: str) -> npt.NDArray[np.intp]:
        """Row numbers of a split."""
        return np.flatnonzero(self.split == split)

    @property
    def blank(self) -> npt.NDArray[np.bool_]:
        """(n,) whether all pixels of a row are equal."""
        flat = self.pixels.reshape(len(self), -1)
        return np.asarray(flat.min(axis=1) == flat.max(axis=1))

    @property
    def not_a_face(self) -> npt.NDArray[np.bool_]:
        """(n,) whether more than half of the votes are for "not a face"."""
        return np.asarray(self.votes[:, 9] * 2 > self.votes.sum(axis=1))


def load_fer(folder: Path, *, voted: bool = True) -> Fer:
    """Read `fer2013.csv.gz` (or `.csv`) and `fer2013new.csv`.

    Rows of the two files are matched by position; FER+'s image names are not used. If `voted` is
    false, `fer2013new.csv` may be missing; all votes are then 0.

    Raises:
        InputError: if a file is missing, a row is not as published, or the files do not match.
    """
    pixels, labels, split = read_challenge(folder)
    votes_file = folder / "fer2013new.csv"
    if not votes_file.exists() and not voted:
        none = np.zeros((len(labels), len(_VOTE_COLUMNS)), dtype=np.int64)
        return Fer(pixels, labels, none, split)
    if not votes_file.exists():
        raise InputError(f"{votes_file} is missing; FER+ publishes it as fer2013new.csv")
    rows = list(numbered_rows(votes_file, ("usage",), *((name,) for name in _VOTE_COLUMNS)))
    if [row["usage"] for _, row in rows] != list(split):
        raise InputError(f"{votes_file} does not have the rows of the FER2013 file beside it")
    votes = [_counts(row, f"line {line} of {votes_file}") for line, row in rows]
    return Fer(
        pixels,
        labels,
        np.array(votes, dtype=np.int64).reshape(-1, len(_VOTE_COLUMNS)),
        split,
    )


def vote_distribution(votes: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """Vote distributions over the eight emotions, (n, 8) float32; rows without votes are 0.

    Emotions with a single vote are set to 0 as outliers, as by FER+'s authors (Barsoum et al.,
    "Training deep networks for facial expression recognition with crowd-sourced label
    distribution", ICMI 2016).
    """
    counts = np.where(votes > 1, votes, 0)[:, : len(EMOTIONS)].astype(np.float32)
    return np.asarray(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1.0))


def majority(votes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Majority labels by FER+'s eight-class protocol, (n,); -1 for rows without one.

    Counts of 1 are set to 0. A row has a label if an emotion has more than half of the remaining
    votes.
    """
    counts = np.where(votes > 1, votes, 0)
    best = counts.argmax(axis=1)
    clear = counts.max(axis=1) * 2 > counts.sum(axis=1)
    return np.where(clear & (best < len(EMOTIONS)), best, -1)


def labels_given_votes(
    data: Fer, rows: npt.NDArray[np.intp], fitted_on: npt.NDArray[np.intp] | None = None
) -> npt.NDArray[np.float32]:
    """P(FER2013 label | FER+ votes), (n, 7) float32 in the order of `FER_LABELS`.

    Estimated by multinomial logistic regression from vote shares to labels, fitted on the rows
    `fitted_on`, by default on `rows` themselves.

    Raises:
        InputError: if the rows to fit on have fewer than two labels.
    """
    fitted_on = rows if fitted_on is None else fitted_on
    if len(np.unique(data.labels[fitted_on])) < 2:
        raise InputError(
            "the rows to train on have fewer than two FER2013 labels; check the files, and by "
            "`mien-lab clean` which rows are dropped"
        )
    votes = data.votes.astype(np.float64)
    shares = votes / np.maximum(votes.sum(axis=1, keepdims=True), 1.0)
    model = LogisticRegression(C=10.0, max_iter=500).fit(shares[fitted_on], data.labels[fitted_on])
    chances = np.zeros((len(rows), len(FER_LABELS)), dtype=np.float32)
    chances[:, model.classes_] = model.predict_proba(shares[rows])
    return chances


def read_challenge(
    folder: Path,
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64], npt.NDArray[np.str_]]:
    """Read pixels (n, 48, 48), labels (n,) and split (n,) from `fer2013.csv.gz` or `.csv`.

    Without such a file, pictures in folders such as `train/angry/*.jpg` are read, in the order of
    their paths. The split is taken from the file name, as in `PublicTest_16131911.jpg`, else from
    the folder. A folder `test` is then PrivateTest; if there is no validation folder, a warning
    says that it may hold both test splits.

    Raises:
        InputError: if there is neither, or a row or picture is not as published.
    """
    packed, plain = folder / "fer2013.csv.gz", folder / "fer2013.csv"
    if not packed.exists() and not plain.exists():
        return _read_folders(folder)
    pixels: list[npt.NDArray[np.uint8]] = []
    labels: list[int] = []
    split: list[str] = []
    path = packed if packed.exists() else plain
    for line, row in numbered_rows(path, ("emotion",), ("pixels",), ("usage",)):
        place = f"line {line} of {path}"
        pixels.append(_face(row["pixels"], place))
        labels.append(_code(row["emotion"], place))
        split.append(_usage(row["usage"], place))
    return (
        np.array(pixels, dtype=np.uint8).reshape(-1, 48, 48),
        np.array(labels, dtype=np.int64),
        np.array(split, dtype=np.str_),
    )


def _read_folders(
    folder: Path,
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64], npt.NDArray[np.str_]]:
    samples = [sample for sample in read_folders(folder) if sample.split]
    if not samples:
        raise InputError(
            f"{folder} holds neither fer2013.csv.gz nor fer2013.csv, nor pictures in folders such "
            "as train/angry"
        )
    pixels = np.zeros((len(samples), 48, 48), dtype=np.uint8)
    labels, split = [], []
    unsure = False
    for row, sample in enumerate(samples):
        rank = split_rank(sample.split)
        if rank >= len(SPLITS) or sample.label not in FER_LABELS:
            raise InputError(
                f"{sample.path} is in no split or shows none of FER2013's seven expressions; "
                "measure it with --layout folders"
            )
        image = sample.load()
        if image.shape[:2] != pixels.shape[1:]:
            raise InputError(f"{sample.path} is not of 48x48 pixels, as all of FER2013 are")
        pixels[row] = image if image.ndim == 2 else image.mean(axis=2).round()
        labels.append(FER_LABELS.index(sample.label))
        split.append(SPLITS[-1 - rank])
        unsure = unsure or (rank == 0 and "private" not in sample.split.lower())
    if unsure and "PublicTest" not in split:
        log.warning(
            "%s has no folder for validation, and no names such as PublicTest_1.jpg: half of test "
            "may be pictures that the shipped heads were fitted on, which would make figures on "
            "it too good",
            folder,
        )
    return pixels, np.array(labels, dtype=np.int64), np.array(split, dtype=np.str_)


def _code(text: str, place: str) -> int:
    if text not in {str(code) for code in range(len(_FER_CODES))}:
        known = ", ".join(f"{code} ({emotion})" for code, emotion in enumerate(_FER_CODES))
        raise InputError(f"{place} has the emotion {text!r}; FER2013's are: {known}")
    return FER_LABELS.index(_FER_CODES[int(text)])


def _usage(text: str, place: str) -> str:
    if text not in SPLITS:
        raise InputError(f"{place} has the Usage {text!r}; FER2013's are: {', '.join(SPLITS)}")
    return text


def _counts(row: Mapping[str, str], place: str) -> list[int]:
    counts = [row[name] for name in _VOTE_COLUMNS]
    if not all(count.isdecimal() for count in counts):
        raise InputError(f"{place} does not hold ten counts of votes; download it again")
    return [int(count) for count in counts]


def _face(text: str, place: str) -> npt.NDArray[np.uint8]:
    try:
        pixels = np.fromstring(text, dtype=np.int64, sep=" ")
    except ValueError:
        pixels = np.zeros(0, dtype=np.int64)
    if pixels.size != 48 * 48 or pixels.min() < 0 or pixels.max() > 255:
        raise InputError(
            f"{place} does not hold the 48x48 pixels of a face, 0 to 255; download it again"
        )
    return pixels.astype(np.uint8)


def read_face_labels(folder: Path, count: int) -> dict[int, FaceLabel]:
    """Boxes and landmarks of FER2013 rows from `landmarks.csv`, by row; empty without the file.

    The file is not part of the published data; only the face networks are trained on it.

    Raises:
        InputError: if it names a row that is not below `count`, lacks a column, or holds a value
            that is not a number.
    """
    path = folder / "landmarks.csv"
    if not path.exists():
        return {}
    rows = read_table(path, ("row",))
    known = {str(number): number for number in range(count)}
    if others := [row["row"] for row in rows if row["row"] not in known]:
        raise InputError(f"{path} is of row {others[0]}, which the FER2013 file does not have")
    return {known[row["row"]]: face_label(row, path) for row in rows}
