"""Which pictures of a collection show one photograph: by pixels, by hash, by the face's details."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum, auto
from functools import cached_property
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from mien_lab.data.duplicates import alike_pairs, repeats
from mien_lab.data.measurements import HASH_SIDE, Measurements
from mien_lab.data.registration import descriptors_of, find_registered

__all__ = ["Evidence", "Likeness", "Match", "find_likeness"]

Rows: TypeAlias = npt.NDArray[np.intp]

HASH_BITS = 4
"""Most bits of 64 in which the perceptual hashes of two pictures of one photograph differ.

Of the 4.5 million pairs of 3,000 FER2013 test faces, 21 differ by no more, and the crops of all
correlate by 0.9; not each was looked at. Chosen on these very pairs.
"""


class Evidence(IntEnum):
    """What two pictures have in common, the surest first."""

    PIXELS = auto()
    HASH = auto()
    DETAILS = auto()


class Match(NamedTuple):
    """A row that seems to show the same photograph, and how that is known.

    `value` is how many bits of the hashes differ, or how the details correlate.
    """

    row: int
    evidence: Evidence
    value: float = 0.0

    @property
    def how(self) -> str:
        """How it is known, in a few words."""
        if self.evidence is Evidence.PIXELS:
            return "the same pixels"
        if self.evidence is Evidence.HASH:
            return f"perceptual hash, {self.value:.0f} of {HASH_SIDE**2} bits differ"
        return f"the details of the faces correlate {self.value:.2f}"


@dataclass(frozen=True)
class Likeness:
    """Which pictures of a collection are copies of each other.

    Attributes:
        same: (n,) for each row the first row with the same pixels; -1 for those that are blank or
            unreadable, which are not compared.
        near: (m, 2) pairs of such first rows whose pictures are nearly the same, each pair once.
        evidence: (m,) the value of the `Evidence` of each pair.
        values: (m,) the `value` of its `Match`.
        beside: (k, 2) pairs of rows whose faces stand in one picture.
    """

    same: Rows
    near: Rows = field(default_factory=lambda: np.zeros((0, 2), np.intp))
    evidence: Rows = field(default_factory=lambda: np.zeros(0, np.intp))
    values: npt.NDArray[np.floating] = field(default_factory=lambda: np.zeros(0))
    beside: Rows = field(default_factory=lambda: np.zeros((0, 2), np.intp))

    def matches(self, row: int) -> Iterator[Match]:
        """All rows that seem to show the same photograph; the surest first, then in their order."""
        first = int(self.same[row])
        if first < 0:
            return
        for other in self._alike(first):
            if other != row:
                yield Match(other, Evidence.PIXELS)
        ends, order, starts = self._neighbours
        for index in order[starts[first] : starts[first + 1]].tolist():
            pair = index % len(self.near)
            match = Match(0, Evidence(self.evidence[pair]), float(self.values[pair]))
            for other in self._alike(int(ends[index])):
                yield match._replace(row=other)

    def edges(self) -> Rows:
        """(m, 2) pairs of rows that, followed, join all that may show one photograph."""
        copies = np.flatnonzero((self.same >= 0) & (self.same != np.arange(len(self.same))))
        same = np.stack([copies, self.same[copies]], axis=1)
        return np.concatenate([same, self.near, self.beside])

    def _alike(self, first: int) -> list[int]:
        """The rows with the pixels of a first one, itself among them."""
        order, starts = self._groups
        rows: list[int] = order[starts[first] : starts[first + 1]].tolist()
        return rows

    @cached_property
    def _groups(self) -> tuple[Rows, Rows]:
        """All rows in the order of the first ones with their pixels, and where each begins."""
        order = np.argsort(self.same, kind="stable")
        return order, np.searchsorted(self.same[order], np.arange(len(self.same) + 1))

    @cached_property
    def _neighbours(self) -> tuple[Rows, Rows, Rows]:
        """The other ends of all pairs, read both ways, their order, and where each row begins."""
        begins, ends = np.concatenate([self.near, self.near[:, ::-1]]).T
        order = np.lexsort((ends, np.tile(self.evidence, 2), begins))
        return ends, order, np.searchsorted(begins[order], np.arange(len(self.same) + 1))


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

    hashes = measured.hashes[rows]
    bits = hashes.shape[2]
    hashed, products = alike_pairs(hashes[:, 0], hashes[:, 1], bits - 2 * HASH_BITS)

    faces = rows[measured.read[rows]]
    descriptors = descriptors_of(measured.crops, measured.embeddings)
    registered, correlations = find_registered(measured.crops, descriptors, faces, faces)

    pairs = np.sort(np.concatenate([rows[hashed], registered]), axis=1)
    # Of a pair found twice the first stays, by the surer evidence.
    kept = np.unique(pairs[:, 0] * len(same) + pairs[:, 1], return_index=True)[1]
    kinds = [Evidence.HASH.value, Evidence.DETAILS.value]
    evidence = np.repeat(kinds, [len(hashed), len(registered)])
    values = np.concatenate([(bits - products) // 2, correlations])
    firsts = list(repeats(measured.photographs))
    known = [row for row, name in enumerate(measured.photographs) if name]
    beside = [(row, firsts[row]) for row in known if firsts[row] != row]
    together = np.array(beside, dtype=np.intp).reshape(-1, 2)
    return Likeness(same, pairs[kept], evidence[kept], values[kept], together)
