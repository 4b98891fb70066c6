"""Temporal smoothing: one state of the recurrent network per track."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mien.core.labels import EMOTIONS
from mien.core.types import Quality
from mien.models.temporal import TemporalReader, context

__all__ = ["TrackSmoother"]

FORGET_S = 10.0
"""Seconds without a reading after which the state of a track is discarded."""


class TrackSmoother:
    """Smooths the readings of one video or camera; holds the states of its tracks.

    Args:
        temporal: the recurrent network.
    """

    def __init__(self, temporal: TemporalReader) -> None:
        self._temporal = temporal
        self._states: dict[int, tuple[npt.NDArray[np.float32], float]] = {}

    def smooth(
        self,
        ids: Sequence[int],
        embeddings: npt.NDArray[np.float32],
        qualities: Sequence[Quality],
        time_s: float,
    ) -> npt.NDArray[np.float64]:
        """Smoothed probabilities (n, 8) of the n faces of the next frame, float64.

        Args:
            ids: track ids of the faces.
            embeddings: (n, d) of the expression network, float32.
            qualities: image quality of the faces.
            time_s: timestamp of the frame in seconds.
        """
        if not ids:
            return np.zeros((0, len(EMOTIONS)))
        contexts, states = [], []
        for id_, quality in zip(ids, qualities, strict=True):
            state, last_s = self._states.get(id_, (None, None))
            if last_s is not None and time_s - last_s > FORGET_S:
                state = last_s = None
            states.append(self._temporal.start()[0] if state is None else state)
            contexts.append(context(quality, None if last_s is None else time_s - last_s))
        probabilities, following = self._temporal.step(
            embeddings, np.stack(contexts), np.stack(states)
        )
        for id_, state in zip(ids, following, strict=True):
            self._states[id_] = (state, time_s)
        self._forget(time_s)
        return probabilities

    def _forget(self, time_s: float) -> None:
        self._states = {
            id_: (state, last_s)
            for id_, (state, last_s) in self._states.items()
            if abs(time_s - last_s) <= FORGET_S
        }
