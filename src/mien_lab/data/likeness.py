"""Which pictures of a collection show one photograph: by pixels, by hash, by the face's details."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mien_lab.data.duplicates import alike_pairs, repeats
from mien_lab.data.measurements import Measurements
from mien_lab.data.registration import descriptors_of, find_registered

__all__ = ["Evidence", "Likeness", "Match", "find_likeness"]

HASH_BITS = 4
"""Most bits of 64 in which the perceptual hashes of two pictures of one photograph differ.

Of the 4.5 million pairs of 3,000 FER2013 test faces, 21 differ by no more, and the crops of all
correlate by 0.9; not each was looked at. Chosen on these very pairs.
"""


class Evidence(Enum):
    """What two pictures have in common, the surest first."""

    PIXELS = auto()
    HASH = auto()
    DETAILS = auto()


class Match(NamedTuple):
    """A row that seems to show the same photograph, and how that is known, in a few words."""

    row: int
    how: str
    evidence: Evidence


@dataclass(frozen=True)
class Likeness:
    """Which pictures of a collection are copies of each other.

    Attributes:
        same: (n,) for each row the first row with the same pixels; -1 for those that are blank or
            unreadable, which are not compared.
        near: for such a first row, the others whose pictures are nearly the same.
        beside: (m, 2) pairs of rows whose faces stand in one picture.
    """

    same: npt.NDArray[np.intp]
    near: dict[int, dict[int, Match]]
    beside: npt.NDArray[np.intp] = field(default_factory=lambda: np.zeros((0, 2), np.intp))

    def matches(self, row: int) -> Iterator[Match]:
        """All rows that seem to show the same photograph; the surest first."""
        first = int(self.same[row])
        if first < 0:
            return
        for other in np.flatnonzero(self.same == first):
            if other != row:
                yield Match(int(other), "the same pixels", Evidence.PIXELS)
        for near, match in self.near.get(first, {}).items():
            for other in np.flatnonzero(self.same == near):
                yield match._replace(row=int(other))

    def edges(self) -> npt.NDArray[np.intp]:
        """(m, 2) pairs of rows that, followed, join all that may show one photograph."""
        same = [(row, int(first)) for row, first in enumerate(self.same) if 0 <= first != row]
        near = [(one, other) for one, others in self.near.items() for other in others]
        pairs = np.array(same + near, dtype=np.intp).reshape(-1, 2)
        return np.concatenate([pairs, self.beside])


def find_likeness(measured: Measurements) -> Likeness:
    """Compare all pictures: pixels, perceptual hashes, and the details of faces.

    Mirror images count as copies. Nearly the same are pictures whose hashes differ by at most
    `HASH_BITS`, and those whose faces, laid over each other, correlate by `REGISTERED`. The latter
    was chosen on FER2013: of 2,185 pairs of LFW photographs of one person 13 correlate as much, up
    to 0.93, and nearly all are other photographs.
    """
    same = np.array(list(repeats(measured.digests)), dtype=np.intp)
    same[measured.blank | (np.array(measured.digests, dtype=np.str_) == "")] = -1
    rows = np.flatnonzero(same == np.arange(len(same)))
    near: dict[int, dict[int, Match]] = {}

    def note(pairs: npt.NDArray[np.intp], says: Sequence[str], evidence: Evidence) -> None:
        for (one, other), how in zip(pairs.tolist(), says, strict=True):
            near.setdefault(one, {}).setdefault(other, Match(other, how, evidence))
            near.setdefault(other, {}).setdefault(one, Match(one, how, evidence))

    hashes = measured.hashes[rows]
    bits = hashes.shape[2]
    pairs, values = alike_pairs(hashes[:, 0], hashes[:, 1], bits - 2 * HASH_BITS)
    says = [f"perceptual hash, {int(bits - value) // 2} of {bits} bits differ" for value in values]
    note(rows[pairs], says, Evidence.HASH)

    faces = rows[measured.read[rows]]
    descriptors = descriptors_of(measured.crops, measured.embeddings)
    pairs, values = find_registered(measured.crops, descriptors, faces, faces)
    says = [f"the details of the faces correlate {value:.2f}" for value in values]
    note(pairs, says, Evidence.DETAILS)
    firsts = list(repeats(measured.photographs))
    known = [row for row, name in enumerate(measured.photographs) if name]
    beside = [(row, firsts[row]) for row in known if firsts[row] != row]
    return Likeness(same, near, np.array(beside, dtype=np.intp).reshape(-1, 2))
