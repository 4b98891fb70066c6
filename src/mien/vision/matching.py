"""Which boxes of a frame are which of those that were expected there.

By overlap and distance, by size, and by how alike the faces in them look; after what the camera did
is taken off.
"""

import numpy as np
import numpy.typing as npt

from mien.vision.geometry import iou_matrix

__all__ = ["OTHER_LOOK", "SAME_LOOK", "UNKNOWN_LOOK", "match"]

UNKNOWN_LOOK = 0.6
"""What two faces count as alike where no crop is given: between one face's and two faces' value."""
SAME_LOOK = 0.8
"""Faces this much alike may be one although it jumped, as when the camera was jerked."""
OTHER_LOOK = 0.1
"""Faces less alike than this are two, however near they are; half-covered ones are about 0.3."""
LOOK_WEIGHT = 1.5
"""Of likeness against overlap and closeness, each at most 1."""
REACH = 0.7
"""Distance, in sizes of the face, that an unforeseen move may cover between two frames ..."""
REACH_GROWTH = 1.5
"""... and how far it grows with the square root of the seconds out of sight."""
LEAP = 4.0
"""Farthest jump of a face known by its look, in sizes of the face."""
VOTERS = 6
"""So many tracks propose how far the camera moved ..."""
MOST_MOVES = 120
"""... and so many proposals are tried, the shortest: both bound the time that a crowd takes."""
SAME_SIZE, SAME_PLACE = 0.7, 0.3
"""Least ratio of sizes, and largest distance in sizes, at which a box agrees with a move."""
LEAST_RATIO = 0.5
"""Least ratio of the sizes of one face in two frames."""

Floats = npt.NDArray[np.float64]


def match(
    expected: Floats, found: Floats, alike: Floats, unseen_s: Floats, *, least: float
) -> dict[int, int]:
    """Index of the expected box for each found one that has one, by index of the found one.

    Args:
        expected: (n, 4) x, y, width and height in pixels, moved on to the time of the frame; n of 1
            and more.
        found: (m, 4) the same of the frame; m of 1 and more.
        alike: (n, m) how alike the faces look, at most 1; `UNKNOWN_LOOK` where that is not known.
        unseen_s: (n,) seconds since each expected box was last found.
        least: likeness below which two are not one.
    """
    expected = expected.copy()
    expected[:, :2] += _common_shift(expected, found)
    distance, ratio = _apart(expected, found)
    reach = REACH + REACH_GROWTH * np.sqrt(unseen_s)
    near = 1 - distance / reach[:, None]
    affinity = near + iou_matrix(expected, found) + LOOK_WEIGHT * alike
    affinity[(near <= 0) | (ratio < LEAST_RATIO) | (alike < least)] = -np.inf
    pairs = _greedy(affinity)
    leap = np.where((distance < LEAP) & (alike >= SAME_LOOK), alike, -np.inf)
    leap[list(pairs.values())] = -np.inf
    leap[:, list(pairs)] = -np.inf
    return pairs | _greedy(leap)


def _greedy(affinity: Floats) -> dict[int, int]:
    """Column to row, the best pair first; pairs of minus infinity are none."""
    pairs: dict[int, int] = {}
    left = affinity.copy()
    while left.size and np.isfinite(left.max()):
        row, column = np.unravel_index(int(left.argmax()), left.shape)
        pairs[int(column)] = int(row)
        left[row] = -np.inf
        left[:, column] = -np.inf
    return pairs


def _common_shift(expected: Floats, found: Floats) -> Floats:
    """How far the picture as a whole has moved, (2,): what the camera did, if most faces agree.

    Every pair of an expected and a found box proposes its displacement; that which brings most
    expected boxes onto found ones wins, and no motion at all needs the fewest.
    """
    centres, places = expected[:, :2] + expected[:, 2:] / 2, found[:, :2] + found[:, 2:] / 2
    sizes = np.sqrt(np.prod(expected[:, 2:], axis=1))
    _, ratio = _apart(expected, found)
    moves = places[None] - centres[:, None]
    reach, alike = SAME_PLACE * sizes[:, None], ratio > SAME_SIZE
    rows, columns = np.nonzero(alike[:VOTERS])
    unmoved = (np.linalg.norm(moves, axis=2) < reach).any(axis=1).sum()
    if len(expected) < 2 or not len(rows) or unmoved >= min(len(expected), len(found)):
        return np.zeros(2)
    proposed = moves[rows, columns]
    proposed = proposed[np.argsort(np.linalg.norm(proposed, axis=1), kind="stable")[:MOST_MOVES]]
    candidates = np.vstack([np.zeros((1, 2)), proposed])
    support = [
        int(((np.linalg.norm(moves - candidate, axis=2) < reach) & alike).any(axis=1).sum())
        for candidate in candidates
    ]
    best = int(np.argmax(support))
    if support[best] < max(2, len(expected) / 2) or support[best] <= support[0]:
        return np.zeros(2)
    return np.asarray(candidates[best])


def _apart(first: Floats, second: Floats) -> tuple[Floats, Floats]:
    """Distance of centres in mean sizes, and ratio of sizes, each (n, m)."""
    sizes = [np.sqrt(np.maximum(np.prod(boxes[:, 2:], axis=1), 1e-6)) for boxes in (first, second)]
    centres = [boxes[:, :2] + boxes[:, 2:] / 2 for boxes in (first, second)]
    distance = np.linalg.norm(centres[0][:, None] - centres[1][None], axis=2)
    a, b = sizes[0][:, None], sizes[1][None]
    return 2 * distance / (a + b), np.minimum(a, b) / np.maximum(a, b)
