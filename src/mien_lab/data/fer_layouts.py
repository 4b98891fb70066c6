"""FER2013 and FER+ as samples, from the published CSV files or from FER+'s folders."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mien.core.errors import InputError
from mien.core.labels import EMOTIONS, Emotion
from mien_lab.data.fer2013 import FER_LABELS, load_fer, majority, read_challenge
from mien_lab.data.manifests import numbered_lines
from mien_lab.data.samples import Sample

__all__ = ["FERPLUS_FOLDERS", "is_fer2013", "is_ferplus", "read_fer2013", "read_ferplus"]

FERPLUS_FOLDERS = ("FER2013Train", "FER2013Valid", "FER2013Test")


def is_fer2013(folder: Path) -> bool:
    """Whether a folder holds FER2013's CSV file."""
    return any((folder / name).is_file() for name in ("fer2013.csv", "fer2013.csv.gz"))


def is_ferplus(folder: Path) -> bool:
    """Whether a folder holds one of FER+'s folders."""
    return any((folder / name / "label.csv").is_file() for name in FERPLUS_FOLDERS)


def read_fer2013(folder: Path) -> Iterator[Sample]:
    """FER2013 (Goodfellow et al., ICONIP 2013) with its own labels; see `read_challenge`."""
    pixels, labels, split = read_challenge(folder)
    return _rows(pixels, [FER_LABELS[label] for label in labels], split)


def read_ferplus(folder: Path) -> Iterator[Sample]:
    """FER+ (Barsoum et al., ICMI 2016) with majority labels.

    Read from the two CSV files, or from folders with a `label.csv` each. Rows without a majority
    for one of the eight emotions have no label.
    """
    if any((folder / name).is_dir() for name in FERPLUS_FOLDERS):
        yield from _ferplus_folders(folder)
        return
    data = load_fer(folder)
    best = majority(data.votes)
    labels = [EMOTIONS[label] if label >= 0 else None for label in best]
    yield from _rows(data.pixels, labels, data.split)


def _rows(
    pixels: npt.NDArray[np.uint8],
    labels: Sequence[Emotion | None],
    split: npt.NDArray[np.str_],
) -> Iterator[Sample]:
    for row, picture in enumerate(pixels):
        yield Sample(
            f"{row:05}",
            labels[row],
            split=str(split[row]),
            pixels=picture,
            framed=True,
            cropped=True,
        )


def _ferplus_folders(folder: Path) -> Iterator[Sample]:
    """`FER2013Test/label.csv`: name, box, and ten counts of votes, without a header."""
    for part in FERPLUS_FOLDERS:
        table = folder / part / "label.csv"
        for number, line in numbered_lines(table) if table.exists() else ():
            name, _, rest = line.partition(",")
            counts = re.sub(r'"[^"]*",', "", rest).split(",")
            if len(counts) != 10 or not all(count.strip().isdigit() for count in counts):
                raise InputError(f"row {number} of {table} does not end with ten counts of votes")
            best = int(majority(np.array([counts], dtype=np.int64))[0])
            label = EMOTIONS[best] if best >= 0 else None
            path = folder / part / name
            yield Sample(f"{part}/{name}", label, split=part, path=path, framed=True, cropped=True)
