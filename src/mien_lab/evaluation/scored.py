"""Labelled cases with predicted probabilities."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Scored"]


@dataclass(frozen=True)
class Scored:
    """Parallel arrays with one row per case.

    Attributes:
        names: (n,) names of the cases.
        truth: (n,) int64 class indices.
        probabilities: (n, k) float64; rows are 0 where no face was found.
    """

    names: tuple[str, ...]
    truth: npt.NDArray[np.int64]
    probabilities: npt.NDArray[np.float64]

    def __len__(self) -> int:
        """The number of cases."""
        return len(self.names)

    @property
    def found(self) -> npt.NDArray[np.bool_]:
        """(n,) whether a face was found."""
        return np.asarray(self.probabilities.sum(axis=1) > 0)

    @property
    def predicted(self) -> npt.NDArray[np.int64]:
        """(n,) the most probable label; -1, which is always wrong, where no face was found."""
        return np.where(self.found, self.probabilities.argmax(axis=1), -1)
