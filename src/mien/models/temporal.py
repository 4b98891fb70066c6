"""The recurrent network as served: one step per frame, the state in the caller's hands."""

import math

import numpy as np
import numpy.typing as npt

from mien.core.errors import InputError
from mien.core.labels import EMOTIONS, Emotion
from mien.core.types import Quality
from mien.models.calibration import ranked_set, softmax
from mien.runtime.session import Session

__all__ = ["CONTEXT_SIZE", "LONGEST_STEP_S", "TemporalReader", "context"]

CONTEXT_SIZE = 6
"""What the network is told besides the embedding: five measures of quality and elapsed time."""
SHORTEST_STEP_S = 1 / 240
"""Elapsed time below this, none at all and time that runs backwards count as this, in seconds."""
LONGEST_STEP_S = 2.0
"""Elapsed time above this counts as this, in seconds; so does the first frame of a track."""

Floats = npt.NDArray[np.float32]


class TemporalReader:
    """Reads a track frame by frame with a gated recurrent network; holds no state itself.

    The same step serves films and cameras, so that both give the same readings.

    Attributes:
        state_size: numbers in the state of one track.
        embedding_size: numbers in an embedding of the expression network.
    """

    def __init__(self, session: Session) -> None:
        """Wrap a session.

        Raises:
            ArtifactError: if the weights read other labels than `EMOTIONS`, or their card lacks a
                size or the calibration.
        """
        card = session.card
        card.check_labels()
        self.state_size = int(card.number("state_size"))
        self.embedding_size = int(card.number("embedding_size"))
        self._session = session
        self._temperature = card.number("temperature")
        self._quantile = card.number("conformal_quantile")

    def start(self, count: int = 1) -> Floats:
        """The states of tracks of which nothing was seen yet, (count, state_size)."""
        return np.zeros((count, self.state_size), np.float32)

    def step(
        self, embeddings: Floats, contexts: Floats, states: Floats
    ) -> tuple[npt.NDArray[np.float64], Floats]:
        """Read the next frame of n tracks at once.

        Args:
            embeddings: (n, embedding_size) of the expression network; n may be 0.
            contexts: (n, CONTEXT_SIZE), each made by `context`.
            states: (n, state_size) from the step before, or from `start`.

        Returns:
            Calibrated probabilities (n, 8) in label order, and the states (n, state_size) for the
            next step.

        Raises:
            InputError: if a shape is another.
        """
        logits, states = self.raw(embeddings, contexts, states)
        return softmax(logits, self._temperature), states

    def raw(self, embeddings: Floats, contexts: Floats, states: Floats) -> tuple[Floats, Floats]:
        """Logits (n, 8) and the next states; arguments and errors as for `step`."""
        count = len(embeddings)
        expected = {
            "embedding": (embeddings, (count, self.embedding_size)),
            "context": (contexts, (count, CONTEXT_SIZE)),
            "state": (states, (count, self.state_size)),
        }
        for name, (array, shape) in expected.items():
            if array.shape != shape:
                raise InputError(f"{name} must have shape {shape}, not {array.shape}")
        if not count:
            return np.zeros((0, len(EMOTIONS)), np.float32), self.start(0)
        outputs = self._session.run(
            {name: np.asarray(array, np.float32) for name, (array, _) in expected.items()}
        )
        return outputs["logits"], outputs["next_state"]

    def prediction_set(self, probabilities: npt.NDArray[np.floating]) -> tuple[Emotion, ...]:
        """The 90 % prediction set of one row of probabilities, the most probable label first."""
        return ranked_set(probabilities, self._quantile)


def context(quality: Quality, elapsed_s: float | None) -> Floats:
    """What the network is told of a frame besides the embedding, (CONTEXT_SIZE,), about unit size.

    Args:
        quality: of the face in this frame.
        elapsed_s: seconds since the track was read last; None for its first frame.
    """
    seconds = LONGEST_STEP_S if elapsed_s is None or not math.isfinite(elapsed_s) else elapsed_s
    seconds = min(max(seconds, SHORTEST_STEP_S), LONGEST_STEP_S)
    return np.array(
        [
            math.log1p(max(quality.eye_distance, 0.0)) / 4,
            math.log10(max(quality.sharpness, 1e-4)) / 2,
            quality.brightness / 255,
            quality.contrast / 64,
            quality.turn,
            math.log(seconds * 25) / 2,
        ],
        np.float32,
    )
