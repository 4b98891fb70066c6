"""The bootstrap of sums: how figures would scatter if other people had been photographed.

Whole people are drawn, not pictures, where it is known who is shown: pictures of one person are
alike, and intervals that take them as independent are too narrow (Davison and Hinkley, "Bootstrap
methods and their application", 1997, section 3.8). They are drawn once for all that is compared, so
that what two figures owe to the same people cancels in their difference.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mien_lab.evaluation.intervals import SAME, percentile_interval

__all__ = ["Times", "clusters_of", "draw_times", "interval", "resample", "rounded"]

Floats = npt.NDArray[np.float64]
Times = npt.NDArray[np.uint8]

BLOCK = 64
"""Draws that are summed at once, since as numbers to multiply all of them would fill memory."""


def clusters_of(subjects: Sequence[str]) -> npt.NDArray[np.int64]:
    """The number of each sample's person, (n,), from 0 on; a sample of nobody known is its own."""
    keys = [subject or index for index, subject in enumerate(subjects)]
    numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    return np.array([numbers[key] for key in keys], dtype=np.int64)


def draw_times(clusters: npt.NDArray[np.int64], *, draws: int, seed: int) -> Times:
    """How often each cluster is drawn, (draws, clusters), as many with replacement as there are.

    Args:
        clusters: (n,) from `clusters_of`; samples of one cluster are drawn together.
        draws: how often.
        seed: of the draws.
    """
    rng = np.random.default_rng(seed)
    count = int(clusters.max(initial=-1)) + 1
    # A byte each, lest those of a large set fill memory: no cluster is drawn 256 times.
    times = np.zeros((draws, count), np.uint8)
    for row in times if count else ():
        row[:] = rng.multinomial(count, np.full(count, 1 / count))
    return times


def resample(
    values: npt.NDArray[np.floating], clusters: npt.NDArray[np.int64], times: Times
) -> Floats:
    """Sums of the columns over the samples drawn, (draws, m).

    Args:
        values: (n, m), a row per sample, of all or of some; each figure is to be made of such sums.
        clusters: (n,) of these samples.
        times: (draws, clusters) from `draw_times` of all samples.
    """
    present, rows = np.unique(clusters, return_inverse=True)
    sums = np.zeros((len(present), values.shape[1]))
    np.add.at(sums, rows, values)
    # The last part takes the rest as well: products of a few rows are rounded otherwise.
    parts = np.split(times, range(BLOCK, len(times) - BLOCK + 1, BLOCK))
    return np.vstack([part[:, present].astype(np.float64) @ sums for part in parts])


def interval(draws: npt.NDArray[np.floating]) -> list[float] | None:
    """The 95 % percentile interval of a figure's draws, (draws,), rounded for JSON.

    None where all draws are the same, as of one person: they say nothing of how it scatters.
    """
    found = percentile_interval(draws)
    return None if found is None or found[1] - found[0] <= SAME else rounded(found)


def rounded(bounds: tuple[float, float] | None) -> list[float] | None:
    """An interval, rounded for JSON."""
    return None if bounds is None else [round(bound, 4) for bound in bounds]
