"""Which pictures of a collection show one photograph: by pixels, by hash, by the face's details."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mien_lab.data.duplicates import alike_pairs, repeats
from mien_lab.data.measurements import Measurements
from mien_lab.data.registration import descriptors_of, find_registered

__all__ = ["Likeness", "find_likeness"]

HASH_BITS = 4
"""Most bits of 64 in which the perceptual hashes of two pictures of one photograph differ.

Of the 4.5 million pairs of 3,000 FER2013 test faces, 21 differ by no more, and the crops of all
correlate by 0.9; not each was looked at. Chosen on these very pairs.
"""


@dataclass(frozen=True)
class Likeness:
    """Which pictures of a collection are copies of each other.

    Attributes:
        same: (n,) for each row the first row with the same pixels; -1 for those that are blank or
            unreadable, which are not compared.
        near: for such a first row, the others whose pictures are nearly the same, and how.
    """

    same: npt.NDArray[np.intp]
    near: dict[int, dict[int, str]]

    def matches(self, row: int) -> Iterator[tuple[int, str]]:
        """All rows that show the same photograph, and how that is known; the surest first."""
        first = int(self.same[row])
        if first < 0:
            return
        for other in np.flatnonzero(self.same == first):
            if other != row:
                yield int(other), "the same pixels"
        for near, how in self.near.get(first, {}).items():
            for other in np.flatnonzero(self.same == near):
                yield int(other), how

    def edges(self) -> npt.NDArray[np.intp]:
        """(m, 2) pairs of rows that, followed, join all that are copies."""
        same = [(row, int(first)) for row, first in enumerate(self.same) if 0 <= first != row]
        near = [(one, other) for one, others in self.near.items() for other in others]
        return np.array(same + near, dtype=np.intp).reshape(-1, 2)


def find_likeness(measured: Measurements) -> Likeness:
    """Compare all pictures: pixels, perceptual hashes, and the details of faces.

    Mirror images count as copies. Nearly the same are pictures whose hashes differ by at most
    `HASH_BITS`, and those whose faces, laid over each other, correlate by `REGISTERED`.
    """
    same = np.array(list(repeats(measured.digests)), dtype=np.intp)
    same[measured.blank | (np.array(measured.digests, dtype=np.str_) == "")] = -1
    rows = np.flatnonzero(same == np.arange(len(same)))
    near: dict[int, dict[int, str]] = {}

    def note(pairs: npt.NDArray[np.intp], says: Sequence[str]) -> None:
        for (one, other), how in zip(pairs.tolist(), says, strict=True):
            near.setdefault(one, {}).setdefault(other, how)
            near.setdefault(other, {}).setdefault(one, how)

    hashes = measured.hashes[rows]
    bits = hashes.shape[2]
    pairs, values = alike_pairs(hashes[:, 0], hashes[:, 1], bits - 2 * HASH_BITS)
    says = [f"perceptual hash, {int(bits - value) // 2} of {bits} bits differ" for value in values]
    note(rows[pairs], says)

    faces = rows[measured.read[rows]]
    descriptors = descriptors_of(measured.crops, measured.embeddings)
    pairs, values = find_registered(measured.crops, descriptors, faces, faces)
    note(pairs, [f"the details of the faces correlate {value:.2f}" for value in values])
    return Likeness(same, near)
