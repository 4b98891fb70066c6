"""Which rows of FER2013 may be trained on, and why the others may not."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mien_lab.data.duplicates import NEAR, find_copies, repeats
from mien_lab.data.fer2013 import Fer

__all__ = ["Cleaning", "clean"]


@dataclass(frozen=True)
class Cleaning:
    """The outcome of cleaning.

    Attributes:
        rows: row numbers of Training that remain.
        drops: row number and reason of each dropped row.
    """

    rows: npt.NDArray[np.intp]
    drops: tuple[tuple[int, str], ...]

    def counts(self) -> dict[str, int]:
        """How many rows were dropped for each reason."""
        reasons = [reason for _, reason in self.drops]
        return {reason: reasons.count(reason) for reason in sorted(set(reasons))}


def clean(data: Fer) -> Cleaning:
    """Drop blank and not-a-face rows, copies of PublicTest and PrivateTest, and repeated rows."""
    training = data.rows("Training")
    reasons: dict[int, str] = {}
    for row in training[data.blank[training]]:
        reasons[int(row)] = "blank"
    for row in training[data.not_a_face[training]]:
        reasons.setdefault(int(row), "not a face")
    left = np.array([row for row in training if int(row) not in reasons], dtype=np.intp)
    copies = find_copies(data.pixels, left, np.flatnonzero(data.split != "Training"))
    for row in left[copies.correlation >= NEAR]:
        reasons[int(row)] = "copy of a test image"
    for number, first in enumerate(repeats(data.pixels[row].tobytes() for row in left)):
        if first != number:
            reasons.setdefault(int(left[number]), "repeated in training")
    rows = np.array([row for row in training if int(row) not in reasons], dtype=np.intp)
    return Cleaning(rows, tuple(sorted(reasons.items())))
