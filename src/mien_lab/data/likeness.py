"""Which pictures of a collection show the same photograph: by pixels, by hash, by the face."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mien_lab.data.duplicates import NEAR, alike_pairs, fingerprints, repeats
from mien_lab.data.measurements import Measurements

__all__ = ["Likeness", "find_likeness"]

HASH_BITS = 4
"""Most bits of 64 in which the perceptual hashes of two pictures of one photograph differ.

Of the 4.5 million pairs of 3,000 FER2013 test faces, 21 differ by no more, and all correlate by
`NEAR`; not each was looked at. Chosen on these very pairs.
"""
EMBEDDING = 0.98
"""Cosine of the expression network's embeddings from which two crops are compared in pixels.

Alone it says little: of the same pairs 434 reach it, since people who smile alike do. Of the 49
whose aligned crops also correlate by `NEAR`, the 21 that neither the hash nor the whole pictures
tell were looked at: 20 are one photograph. The other 28 are presumed to be. Both together find 49
of the 73 copies that happened to be seen, so their recall is at most that. Chosen on these pairs.
"""

Floats = npt.NDArray[np.float32]


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
    """Compare all pictures: pixels, perceptual hashes, and embeddings of faces with their crops.

    Mirror images count as copies. Nearly the same are pictures whose hashes differ by at most
    `HASH_BITS`, and those whose embeddings reach `EMBEDDING` while their crops correlate by `NEAR`.
    """
    same = np.array(list(repeats(measured.digests)), dtype=np.intp)
    same[measured.blank | (np.array(measured.digests, dtype=np.str_) == "")] = -1
    rows = np.flatnonzero(same == np.arange(len(same)))
    near: dict[int, dict[int, str]] = {}

    def note(pairs: npt.NDArray[np.intp], says: Sequence[str]) -> None:
        for (one, other), how in zip(rows[pairs].tolist(), says, strict=True):
            near.setdefault(one, {}).setdefault(other, how)
            near.setdefault(other, {}).setdefault(one, how)

    hashes = measured.hashes[rows]
    bits = hashes.shape[2]
    pairs, values = alike_pairs(hashes[:, 0], hashes[:, 1], bits - 2 * HASH_BITS)
    note(pairs, [f"perceptual hash, {int(bits - v) // 2} of {bits} bits differ" for v in values])

    faces = measured.embeddings[rows]
    pairs, values = alike_pairs(faces[:, 0], faces[:, 1], EMBEDDING)
    correlation = _crop_correlation(measured.crops[rows], pairs)
    sure = correlation >= NEAR
    note(
        pairs[sure],
        [
            f"embedding {value:.3f}, crops correlate {crop:.2f}"
            for value, crop in zip(values[sure], correlation[sure], strict=True)
        ],
    )
    return Likeness(same, near)


def _crop_correlation(crops: npt.NDArray[np.uint8], pairs: npt.NDArray[np.intp]) -> Floats:
    """(m,) correlation of the crops of pairs, or of one with the other's mirror image."""
    upright, mirrored = fingerprints(crops), fingerprints(crops[:, :, ::-1])
    one, other = pairs[:, 0], pairs[:, 1]
    plain = np.einsum("ij,ij->i", upright[one], upright[other])
    return np.asarray(np.maximum(plain, np.einsum("ij,ij->i", upright[one], mirrored[other])))
