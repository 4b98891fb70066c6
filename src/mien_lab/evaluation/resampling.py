"""The bootstrap of sums: how figures would scatter if other people had been photographed.

Whole people are drawn, not pictures, where it is known who is shown: pictures of one person are
alike, and intervals that take them as independent are too narrow (Davison and Hinkley, "Bootstrap
methods and their application", 1997, section 3.8).
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mien_lab.evaluation.intervals import SAME, percentile_interval

__all__ = ["clusters_of", "interval", "resample", "rounded"]

Floats = npt.NDArray[np.float64]


def clusters_of(subjects: Sequence[str]) -> npt.NDArray[np.int64]:
    """The number of each sample's person, (n,), from 0 on; a sample of nobody known is its own."""
    keys = [subject or index for index, subject in enumerate(subjects)]
    numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    return np.array([numbers[key] for key in keys], dtype=np.int64)


def resample(
    values: npt.NDArray[np.floating],
    clusters: npt.NDArray[np.int64],
    *,
    draws: int,
    rng: np.random.Generator,
) -> Floats:
    """Sums of the columns over samples drawn with replacement, (draws, m).

    Args:
        values: (n, m), a row per sample; each figure is to be made of such sums.
        clusters: (n,) from `clusters_of`; samples of one cluster are drawn together.
        draws: how often.
        rng: draws them.
    """
    count = int(clusters.max()) + 1
    sums = np.zeros((count, values.shape[1]))
    np.add.at(sums, clusters, values)
    times = rng.multinomial(count, np.full(count, 1 / count), size=draws)
    return np.asarray(times @ sums)


def interval(draws: npt.NDArray[np.floating]) -> list[float] | None:
    """The 95 % percentile interval of a figure's draws, (draws,), rounded for JSON.

    None where all draws are the same, as of one person: they say nothing of how it scatters.
    """
    found = percentile_interval(draws)
    return None if found is None or found[1] - found[0] <= SAME else rounded(found)


def rounded(bounds: tuple[float, float] | None) -> list[float] | None:
    """An interval, rounded for JSON."""
    return None if bounds is None else [round(bound, 4) for bound in bounds]
