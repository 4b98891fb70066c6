"""Cluster bootstrap of sums, by person.

Whole people are resampled where subjects are known, since intervals that treat pictures of one
person as independent are too narrow (Davison and Hinkley, "Bootstrap methods and their
application", 1997, section 3.8). The draws are shared by all compared figures, so that the
contribution of the same people cancels in differences.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["Times", "clusters_of", "draw_times", "resample", "rounded"]

Floats = npt.NDArray[np.float64]
Times = npt.NDArray[np.uint8]

BLOCK = 64
"""Number of draws per matrix product, which bounds memory."""


def clusters_of(subjects: Sequence[str]) -> npt.NDArray[np.int64]:
    """Cluster number (n,), from 0, of each sample's subject; unknown subjects are all distinct."""
    keys = [subject or index for index, subject in enumerate(subjects)]
    numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    return np.array([numbers[key] for key in keys], dtype=np.int64)


def draw_times(clusters: npt.NDArray[np.int64], *, draws: int, seed: int) -> Times:
    """How often each cluster is drawn in each resample, (draws, clusters) uint8.

    Args:
        clusters: (n,) from `clusters_of`.
        draws: number of resamples, each with as many draws as there are clusters.
        seed: seed of the draws.
    """
    rng = np.random.default_rng(seed)
    count = int(clusters.max(initial=-1)) + 1
    # One byte each to save memory; no cluster is drawn 256 times.
    times = np.zeros((draws, count), np.uint8)
    for row in times if count else ():
        row[:] = rng.multinomial(count, np.full(count, 1 / count))
    return times


def resample(
    values: npt.NDArray[np.floating], clusters: npt.NDArray[np.int64], times: Times
) -> Floats:
    """Sums of the columns, (1 + draws, m): over the sample first, then over each resample.

    Args:
        values: (n, m) summands of all samples or of a subset.
        clusters: (n,) clusters of these samples.
        times: (draws, clusters) from `draw_times` for all samples.
    """
    present, rows = np.unique(clusters, return_inverse=True)
    sums = np.zeros((len(present), values.shape[1]))
    np.add.at(sums, rows, values)
    # The last block takes the remainder: products of a few rows are rounded differently.
    parts = np.split(times, range(BLOCK, len(times) - BLOCK + 1, BLOCK))
    drawn = (part[:, present].astype(np.float64) @ sums for part in parts)
    return np.vstack([values.sum(axis=0), *drawn])


def rounded(bounds: tuple[float, float] | None) -> list[float] | None:
    """An interval, rounded for JSON."""
    return None if bounds is None else [round(bound, 4) for bound in bounds]
