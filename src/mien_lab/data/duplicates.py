"""Copies of faces inside and across splits."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

__all__ = [
    "NEAR",
    "Copies",
    "alike_pairs",
    "copy_groups",
    "find_copies",
    "fingerprints",
    "joined",
    "repeats",
    "unit_vectors",
]

NEAR = 0.90
"""Correlation of 24x24 reductions from which two FER2013 faces count as one picture.

Of 24 random pairs between 0.90 and 0.94 looked at by eye, 22 were one photograph, with another
crop, watermark or exposure.
"""
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Copies:
    """For each row, the correlation with its best match and the row number of that match."""

    correlation: npt.NDArray[np.float32]
    match: npt.NDArray[np.intp]


def fingerprints(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Unit vectors of shape (n, 576) whose dot product is the correlation of two pictures."""
    small = [cv2.resize(p, (24, 24), interpolation=cv2.INTER_AREA) for p in pixels]
    return unit_vectors(small)


def unit_vectors(pictures: Sequence[npt.NDArray[np.generic]]) -> Floats:
    """Pictures of one size as unit vectors (n, d) of mean 0: a dot product is a correlation."""
    if not pictures:
        return np.zeros((0, 1), dtype=np.float32)
    vectors = np.array(pictures, dtype=np.float32).reshape(len(pictures), -1)
    vectors -= vectors.mean(axis=1, keepdims=True)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)
    return vectors


def find_copies(
    pixels: npt.NDArray[np.uint8],
    rows: npt.NDArray[np.intp],
    others: npt.NDArray[np.intp],
    *,
    block: int = 2048,
) -> Copies:
    """For each of `rows`, the most alike of `others` or their mirror images.

    Without any others, all correlations are 0.
    """
    query = fingerprints(pixels[rows])
    known = fingerprints(pixels[others]), fingerprints(pixels[others][:, :, ::-1])
    best = np.zeros(len(rows), dtype=np.float32)
    match = np.zeros(len(rows), dtype=np.intp)
    for start, alike in _products(query, *known, block=block) if len(others) else ():
        best[start : start + block] = alike.max(axis=1)
        # Rounded, since of others that are one picture the last bits would choose, and those
        # depend on how many threads multiply.
        match[start : start + block] = others[alike.round(5).argmax(axis=1)]
    return Copies(best, match)


def repeats(contents: Iterable[bytes | str]) -> Iterator[int]:
    """For each content, the number of the first that is the same: its own if it is new."""
    first: dict[bytes | str, int] = {}
    for number, content in enumerate(contents):
        yield first.setdefault(content, number)


def alike_pairs(
    upright: Floats, mirrored: Floats, least: float, *, block: int = 1024
) -> tuple[npt.NDArray[np.intp], Floats]:
    """Pairs of rows whose vectors, or one's and that of the other's mirror image, are alike.

    Every row is compared with every other, so the time grows with the square of their number:
    a minute or so for FER2013's 35,887.

    Args:
        upright: (n, d) vectors of pictures.
        mirrored: (n, d) vectors of their mirror images.
        least: least dot product of the two.
        block: rows that are compared at once, which bounds memory.

    Returns:
        (m, 2) row numbers, the smaller first, and (m,) dot products.
    """
    pairs, values = [np.zeros((0, 2), dtype=np.intp)], [np.zeros(0, dtype=np.float32)]
    for start, alike in _products(upright, upright, mirrored, block=block):
        first, second = np.nonzero(alike >= least)
        later = second > first + start
        first, second = first[later], second[later]
        pairs.append(np.stack([first + start, second], axis=1))
        values.append(alike[first, second])
    return np.concatenate(pairs), np.concatenate(values)


def copy_groups(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.intp]:
    """(n,) numbers, from 0 in order of appearance: one for all pictures joined by copies.

    Args:
        pixels: (n, 48, 48) faces of FER2013; see `NEAR`.
    """
    pairs, _ = alike_pairs(fingerprints(pixels), fingerprints(pixels[:, :, ::-1]), NEAR)
    return joined(pairs, len(pixels))


def joined(pairs: npt.NDArray[np.intp], count: int) -> npt.NDArray[np.intp]:
    """(count,) numbers, from 0 in order of appearance: one for all rows that pairs (m, 2) join."""
    links = coo_array((np.ones(len(pairs), np.int8), pairs.T), shape=(count, count))
    return np.asarray(connected_components(links, directed=False)[1], dtype=np.intp)


def _products(
    query: Floats, upright: Floats, mirrored: Floats, *, block: int
) -> Iterator[tuple[int, Floats]]:
    """Block by block the row it starts at, and the better dot products of both kinds."""
    for start in range(0, len(query), block):
        part = query[start : start + block]
        yield start, np.maximum(part @ upright.T, part @ mirrored.T)
