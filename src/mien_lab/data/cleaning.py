"""Selection of the FER2013 rows to train on, with a reason for each dropped row."""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mien.core.errors import InputError
from mien.models.expression import ExpressionClassifier
from mien_lab.data.duplicates import NEAR, find_copies, repeats
from mien_lab.data.faces import fer_faces, upright_crops
from mien_lab.data.fer2013 import Fer
from mien_lab.data.registration import (
    REGISTERED,
    descriptors_of,
    embed_crops,
    find_registered,
    registered_correlation,
)
from mien_lab.data.tables import numbered_rows, write_table

__all__ = [
    "LISTED",
    "Cleaning",
    "clean",
    "find_reframed",
    "public_rows",
    "read_copies",
    "write_copies",
    "write_drops",
]

log = logging.getLogger(__name__)

LISTED = Path(__file__).with_name("fer2013-copies.csv")
"""Pairs of FER2013 rows that show one photograph in different framings.

Training rows are listed with their copies in PublicTest or PrivateTest, PublicTest rows with those
in PrivateTest. Found by `mien-lab copies`, which takes minutes, and by an earlier search on crops
aligned by another detector's landmarks.
"""
COLUMNS = ("row", "copy_of", "correlation")
SLACK = 0.02
"""Tolerance on a listed correlation, which varies between machines."""
MOST = 0.9
"""Share of listed pairs that must be confirmed for the whole list to be accepted.

It is below 1 because 3 % of the published pairs, aligned by other landmarks, cannot be registered.
"""


@dataclass(frozen=True)
class Cleaning:
    """The result of cleaning.

    Attributes:
        rows: kept row numbers of Training.
        drops: row number and reason of each dropped row.
        copies: (m, 2) each dropped copy and the test row that it shows.
    """

    rows: npt.NDArray[np.intp]
    drops: tuple[tuple[int, str], ...]
    copies: npt.NDArray[np.intp]

    @property
    def copied(self) -> npt.NDArray[np.intp]:
        """The test rows that have a dropped copy, sorted and unique."""
        return np.unique(self.copies[:, 1])

    def counts(self) -> dict[str, int]:
        """Number of dropped rows by reason."""
        reasons = [reason for _, reason in self.drops]
        return {reason: reasons.count(reason) for reason in sorted(set(reasons))}


def clean(data: Fer, copies: Path | None = LISTED) -> Cleaning:
    """Drop blank and not-a-face rows, copies of PublicTest and PrivateTest, and repeated rows.

    Args:
        data: FER2013.
        copies: CSV of copies in another framing, verified before use; None finds only copies in
            the same framing.
    """
    training = data.rows("Training")
    reasons: dict[int, str] = {}
    for row in training[data.blank[training]]:
        reasons[int(row)] = "blank"
    for row in training[data.not_a_face[training]]:
        reasons.setdefault(int(row), "not a face")
    left = np.array([row for row in training if int(row) not in reasons], dtype=np.intp)
    found = find_copies(data.pixels, left, np.flatnonzero(data.split != "Training"))
    alike = found.correlation >= NEAR
    for row in left[alike]:
        reasons[int(row)] = "copy of a test image"
    listed = _listed(data, copies, "Training")
    for row in listed[:, 0]:
        reasons.setdefault(int(row), "copy of a test image in another framing")
    for number, first in enumerate(repeats(data.pixels[row].tobytes() for row in left)):
        if first != number:
            reasons.setdefault(int(left[number]), "repeated in training")
    rows = np.array([row for row in training if int(row) not in reasons], dtype=np.intp)
    pairs = np.concatenate([np.stack([left, found.match], axis=1)[alike], listed])
    return Cleaning(rows, tuple(sorted(reasons.items())), np.unique(pairs, axis=0))


def public_rows(data: Fer, copies: Path | None = LISTED) -> npt.NDArray[np.intp]:
    """Rows of PublicTest, used to fit constants, without copies of PrivateTest.

    Args:
        data: FER2013.
        copies: as for `clean`.
    """
    rows = data.rows("PublicTest")
    found = find_copies(data.pixels, rows, data.rows("PrivateTest"))
    listed = _listed(data, copies, "PublicTest")
    return rows[(found.correlation < NEAR) & ~np.isin(rows, listed[:, 0])]


def read_copies(path: Path) -> npt.NDArray[np.intp]:
    """Read a list of copies, (m, 2): a row and the test row that it shows.

    Raises:
        InputError: if the file is missing, lacks a column, or a line does not hold two row numbers.
    """
    pairs = []
    for line, listed in numbered_rows(path, ("row",), ("copy_of",)):
        pair = listed["row"], listed["copy_of"]
        if not all(number.isdecimal() for number in pair):
            raise InputError(
                f"line {line} of {path} does not name two rows of FER2013; correct it, or make the "
                "list anew by `mien-lab copies`"
            )
        pairs.append([int(number) for number in pair])
    return np.array(pairs, dtype=np.intp).reshape(-1, 2)


def write_copies(
    path: Path, pairs: npt.NDArray[np.intp], correlations: npt.NDArray[np.float32]
) -> None:
    """Write a list for `read_copies`: each row with the test row of highest correlation.

    Raises:
        OutputError: if the file cannot be written; nothing is left under its name.
    """
    best: dict[int, tuple[float, int]] = {}
    for (row, other), value in zip(pairs.tolist(), correlations.tolist(), strict=True):
        best[row] = max(best.get(row, (0.0, 0)), (value, other))
    rows = ([row, other, f"{value:.3f}"] for row, (value, other) in sorted(best.items()))
    write_table(path, COLUMNS, rows)


def write_drops(path: Path, cleaning: Cleaning) -> None:
    """Write a CSV of the dropped rows: row, reason and, for copies, a test row that it shows.

    Raises:
        OutputError: if the file cannot be written; nothing is left under its name.
    """
    shown = dict(reversed(cleaning.copies.tolist()))
    rows = ([row, reason, shown.get(row, "")] for row, reason in cleaning.drops)
    write_table(path, ["row", "reason", "copy_of"], rows)


def find_reframed(
    data: Fer, classifier: ExpressionClassifier
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float32]]:
    """Find rows that show a test photograph in another framing, among those otherwise kept.

    Training is compared with both test splits, PublicTest with PrivateTest: about a million pairs,
    which takes about eight minutes.

    Args:
        data: FER2013.
        classifier: its embeddings only select candidate pairs.

    Returns:
        (m, 2) the row and the test row, and (m,) the correlation after registration.
    """
    crops = upright_crops(fer_faces(data, np.arange(len(data))))
    embeddings, _ = embed_crops(crops, np.flatnonzero(~data.blank), classifier)
    descriptors = descriptors_of(crops, embeddings)
    tests = np.flatnonzero((data.split != "Training") & ~data.blank)
    private = tests[data.split[tests] == "PrivateTest"]
    found = [
        find_registered(crops, descriptors, clean(data, None).rows, tests),
        find_registered(crops, descriptors, public_rows(data, None), private),
    ]
    return np.concatenate([pairs for pairs, _ in found]), np.concatenate([how for _, how in found])


def _listed(data: Fer, copies: Path | None, split: str) -> npt.NDArray[np.intp]:
    """The listed pairs of a split, verified: the list may belong to another edition of the data."""
    pairs = np.zeros((0, 2), np.intp) if copies is None else read_copies(copies)
    known: npt.NDArray[np.intp] = pairs[(pairs < len(data)).all(axis=1)]
    shown = ("PublicTest", "PrivateTest") if split == "Training" else ("PrivateTest",)
    known = known[(data.split[known[:, 0]] == split) & np.isin(data.split[known[:, 1]], shown)]
    if not len(known):
        return np.zeros((0, 2), dtype=np.intp)
    one, other = (upright_crops(fer_faces(data, known[:, side])) for side in (0, 1))
    sure = [
        max(registered_correlation(a, b), registered_correlation(a, b[:, ::-1]))
        >= REGISTERED - SLACK
        for a, b in zip(one, other, strict=True)
    ]
    if np.mean(sure) >= MOST:
        return known
    log.warning(
        "%d of %d listed copies are not copies here: these rows differ from the published "
        "FER2013; write a list for them with mien-lab copies, in place of mien_lab/data/%s",
        len(sure) - sum(sure),
        len(sure),
        LISTED.name,
    )
    return np.asarray(known[np.array(sure, dtype=np.bool_)])
