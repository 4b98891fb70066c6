"""Copies within a collection, by equal pixels, perceptual hash and registration of the faces."""

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
"""Maximum Hamming distance, of 64 bits, between perceptual hashes of copies.

Of the 4.5 million pairs of 3,000 FER2013 test faces, 21 are within it; the crops of all of them
correlate by 0.9, but not each was inspected. The value was chosen on these same pairs.
"""


class Evidence(IntEnum):
    """Evidence that two pictures are copies, the strongest first."""

    PIXELS = auto()
    HASH = auto()
    DETAILS = auto()


class Match(NamedTuple):
    """A row that probably shows the same photograph, and the evidence.

    `value` is the Hamming distance of the hashes, or the correlation after registration.
    """

    row: int
    evidence: Evidence
    value: float = 0.0

    @property
    def how(self) -> str:
        """A short description of the evidence."""
        if self.evidence is Evidence.PIXELS:
            return "the same pixels"
        if self.evidence is Evidence.HASH:
            return f"perceptual hash, {self.value:.0f} of {HASH_SIDE**2} bits differ"
        return f"the registered faces correlate by {self.value:.2f}"


@dataclass(frozen=True)
class Likeness:
    """Copies and near-duplicates among the pictures of a collection.

    Attributes:
        same: (n,) for each row the first row with equal pixels; -1 for blank or unreadable rows,
            which are not compared.
        near: (m, 2) near-duplicate pairs of such first rows, each pair once.
        evidence: (m,) integer `Evidence` of each pair.
        values: (m,) `Match.value` of each pair.
        beside: (k, 2) pairs of rows with faces from one picture.
    """

    same: Rows
    near: Rows = field(default_factory=lambda: np.zeros((0, 2), np.intp))
    evidence: Rows = field(default_factory=lambda: np.zeros(0, np.intp))
    values: npt.NDArray[np.floating] = field(default_factory=lambda: np.zeros(0))
    beside: Rows = field(default_factory=lambda: np.zeros((0, 2), np.intp))

    def matches(self, row: int) -> Iterator[Match]:
        """The rows that probably show the same photograph, sorted by evidence, then by row."""
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
        """Edges (m, 2) of the graph whose components are the rows of possibly one photograph."""
        copies = np.flatnonzero((self.same >= 0) & (self.same != np.arange(len(self.same))))
        same = np.stack([copies, self.same[copies]], axis=1)
        return np.concatenate([same, self.near, self.beside])

    def _alike(self, first: int) -> list[int]:
        """All rows with the pixels of a first row, including itself."""
        order, starts = self._groups
        rows: list[int] = order[starts[first] : starts[first + 1]].tolist()
        return rows

    @cached_property
    def _groups(self) -> tuple[Rows, Rows]:
        """Rows sorted by their first row, and the start of each group in that order."""
        order = np.argsort(self.same, kind="stable")
        return order, np.searchsorted(self.same[order], np.arange(len(self.same) + 1))

    @cached_property
    def _neighbours(self) -> tuple[Rows, Rows, Rows]:
        """Adjacency of `near` in both directions: end rows, their order, start of each row."""
        begins, ends = np.concatenate([self.near, self.near[:, ::-1]]).T
        order = np.lexsort((ends, np.tile(self.evidence, 2), begins))
        return ends, order, np.searchsorted(begins[order], np.arange(len(self.same) + 1))


def find_likeness(measured: Measurements) -> Likeness:
    """Find copies and near-duplicates; mirror images count as copies.

    Near-duplicates have hashes within `HASH_BITS`, or faces that correlate by at least `REGISTERED`
    after registration. The latter threshold was chosen on FER2013: of 2,185 pairs of LFW
    photographs of one person, 13 exceed it, up to 0.93, and nearly all of these are different
    photographs.
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
    # Hash pairs come first, so that a pair found twice keeps the stronger evidence.
    kept = np.unique(pairs[:, 0] * len(same) + pairs[:, 1], return_index=True)[1]
    kinds = [Evidence.HASH.value, Evidence.DETAILS.value]
    evidence = np.repeat(kinds, [len(hashed), len(registered)])
    values = np.concatenate([(bits - products) // 2, correlations])
    firsts = list(repeats(measured.photographs))
    known = [row for row, name in enumerate(measured.photographs) if name]
    beside = [(row, firsts[row]) for row in known if firsts[row] != row]
    together = np.array(beside, dtype=np.intp).reshape(-1, 2)
    return Likeness(same, pairs[kept], evidence[kept], values[kept], together)
