"""Assignment of detected boxes to predicted ones.

By overlap and distance, size, and the similarity of appearance descriptors, after compensation of
camera motion.
"""

import numpy as np
import numpy.typing as npt

from mien.vision.geometry import iou_matrix

__all__ = ["LEAP", "MIN_SIMILARITY", "SAME_SIMILARITY", "UNKNOWN_SIMILARITY", "match"]

UNKNOWN_SIMILARITY = 0.6
"""Cosine similarity assumed without descriptors: between that of one face and that of two."""
SAME_SIMILARITY = 0.8
"""Minimum cosine similarity for matching a face that jumped, as when the camera is jerked."""
MIN_SIMILARITY = 0.1
"""Minimum cosine similarity of a match, however near; that of half-covered faces is about 0.3."""
SIMILARITY_WEIGHT = 1.5
"""Weight of the similarity against overlap and proximity, each at most 1."""
REACH = 0.7
"""Maximum distance of a match from the prediction, in face sizes, for a face seen just before."""
REACH_GROWTH = 1.5
"""Increase of that distance, in face sizes, per square root of the seconds out of sight."""
LEAP = 4.0
"""Maximum jump of a face matched by its appearance, in face sizes."""
VOTERS = 6
"""Number of tracks that propose a camera motion; bounds the time of a crowd."""
MAX_MOVES = 120
"""Maximum number of proposed camera motions that are tried, shortest first; bounds the time of a
crowd."""
SAME_SIZE = 0.7
"""Minimum ratio of sizes at which a box agrees with a camera motion."""
SAME_PLACE = 0.3
"""Maximum distance, in face sizes, at which a box agrees with a camera motion."""
MIN_SIZE_RATIO = 0.5
"""Minimum ratio of the sizes of one face in two frames."""

Floats = npt.NDArray[np.float64]


def match(
    expected: Floats,
    found: Floats,
    similarity: Floats,
    unseen_s: Floats,
    *,
    min_similarity: float,
) -> dict[int, int]:
    """Match detected boxes to predicted ones, one to one.

    Args:
        expected: (n, 4) x, y, width and height in pixels, predicted for the frame; n >= 1.
        found: (m, 4) boxes detected in the frame; m >= 1.
        similarity: (n, m) cosine similarity of the faces; `UNKNOWN_SIMILARITY` where unknown.
        unseen_s: (n,) seconds since each predicted box was last detected.
        min_similarity: minimum similarity of a match.

    Returns:
        Index of the predicted box by index of the detected one, for those that match.
    """
    expected = expected.copy()
    expected[:, :2] += _common_shift(expected, found)
    distance, ratio = _distances_and_size_ratios(expected, found)
    reach = REACH + REACH_GROWTH * np.sqrt(unseen_s)
    near = 1 - distance / reach[:, None]
    affinity = near + iou_matrix(expected, found) + SIMILARITY_WEIGHT * similarity
    affinity[(near <= 0) | (ratio < MIN_SIZE_RATIO) | (similarity < min_similarity)] = -np.inf
    pairs = _greedy(affinity)
    leap = np.where((distance < LEAP) & (similarity >= SAME_SIMILARITY), similarity, -np.inf)
    leap[list(pairs.values())] = -np.inf
    leap[:, list(pairs)] = -np.inf
    return pairs | _greedy(leap)


def _greedy(affinity: Floats) -> dict[int, int]:
    """Row by column, matched greedily, the best pair first; minus infinity excludes a pair."""
    pairs: dict[int, int] = {}
    left = affinity.copy()
    while left.size and np.isfinite(left.max()):
        row, column = np.unravel_index(int(left.argmax()), left.shape)
        pairs[int(column)] = int(row)
        left[row] = -np.inf
        left[:, column] = -np.inf
    return pairs


def _common_shift(expected: Floats, found: Floats) -> Floats:
    """Camera motion, (2,) x and y in pixels; zero unless two and half of the boxes agree.

    Pairs of a predicted and a detected box propose their displacement. The one that brings most
    predicted boxes onto detected ones wins; zero wins ties.
    """
    centres, places = expected[:, :2] + expected[:, 2:] / 2, found[:, :2] + found[:, 2:] / 2
    sizes = np.sqrt(np.prod(expected[:, 2:], axis=1))
    _, ratio = _distances_and_size_ratios(expected, found)
    moves = places[None] - centres[:, None]
    reach, same_size = SAME_PLACE * sizes[:, None], ratio > SAME_SIZE
    rows, columns = np.nonzero(same_size[:VOTERS])
    unmoved = (np.linalg.norm(moves, axis=2) < reach).any(axis=1).sum()
    if len(expected) < 2 or not len(rows) or unmoved >= min(len(expected), len(found)):
        return np.zeros(2)
    proposed = moves[rows, columns]
    proposed = proposed[np.argsort(np.linalg.norm(proposed, axis=1), kind="stable")[:MAX_MOVES]]
    candidates = np.vstack([np.zeros((1, 2)), proposed])
    support = [
        int(((np.linalg.norm(moves - candidate, axis=2) < reach) & same_size).any(axis=1).sum())
        for candidate in candidates
    ]
    best = int(np.argmax(support))
    if support[best] < max(2, len(expected) / 2) or support[best] <= support[0]:
        return np.zeros(2)
    return np.asarray(candidates[best])


def _distances_and_size_ratios(first: Floats, second: Floats) -> tuple[Floats, Floats]:
    """Distances of centres in units of the mean size, and ratios of sizes up to 1, each (n, m)."""
    sizes = [np.sqrt(np.maximum(np.prod(boxes[:, 2:], axis=1), 1e-6)) for boxes in (first, second)]
    centres = [boxes[:, :2] + boxes[:, 2:] / 2 for boxes in (first, second)]
    distance = np.linalg.norm(centres[0][:, None] - centres[1][None], axis=2)
    a, b = sizes[0][:, None], sizes[1][None]
    return 2 * distance / (a + b), np.minimum(a, b) / np.maximum(a, b)
