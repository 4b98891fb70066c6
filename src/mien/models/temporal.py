"""Inference with the recurrent network: one step per frame; the caller holds the state."""

import math

import numpy as np
import numpy.typing as npt

from mien.core.errors import InputError
from mien.core.labels import EMOTIONS, Emotion
from mien.core.rhythm import SHORTEST_STEP_S
from mien.core.types import Quality
from mien.models.calibration import ranked_set, softmax
from mien.runtime.session import Session

__all__ = ["CONTEXT_SIZE", "LONGEST_STEP_S", "TemporalReader", "context"]

CONTEXT_SIZE = 6
"""Number of inputs besides the embedding: five measures of image quality and the elapsed time."""
LONGEST_STEP_S = 2.0
"""Maximum elapsed time in seconds; longer times, and the first frame of a track, count as this."""

# Scales that bring the inputs to about unit size. Together with SHORTEST_STEP_S, LONGEST_STEP_S and
# the formulas of `context` they are part of the trained weights: do not change without training.
LOG_EYE_DISTANCE = 4.0
"""Scale of the natural logarithm of 1 + the distance between the eyes in pixels."""
LOG_SHARPNESS = 2.0
"""Scale of the decimal logarithm of the sharpness."""
MIN_SHARPNESS = 1e-4
"""Lower limit of the sharpness, so that its logarithm is finite."""
MAX_BRIGHTNESS = 255.0
"""Scale of the mean grey level."""
CONTRAST = 64.0
"""Scale of the standard deviation of the grey levels."""
FRAME_RATE = 25.0
"""Frames per second at which the logarithm of the elapsed time is 0."""
LOG_FRAMES = 2.0
"""Scale of the natural logarithm of the elapsed time in frames of `FRAME_RATE`."""

Floats = npt.NDArray[np.float32]


class TemporalReader:
    """Reads tracks frame by frame with a gated recurrent network; holds no state itself.

    Videos and cameras use the same step, so that both give the same readings.

    Attributes:
        state_size: size of the state of one track.
        embedding_size: size of an embedding of the expression network.
    """

    def __init__(self, session: Session) -> None:
        """Wrap a session.

        Raises:
            ArtifactError: if the labels of the weights are not `EMOTIONS`, or the card lacks a
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
        """Initial states of new tracks, (count, state_size) float32."""
        return np.zeros((count, self.state_size), np.float32)

    def step(
        self, embeddings: Floats, contexts: Floats, states: Floats
    ) -> tuple[npt.NDArray[np.float64], Floats]:
        """Advance n tracks by one frame.

        Args:
            embeddings: (n, embedding_size) float32 of the expression network; n may be 0.
            contexts: (n, CONTEXT_SIZE) float32, rows from `context`.
            states: (n, state_size) float32 from the previous step, or from `start`.

        Returns:
            Calibrated probabilities (n, 8) in label order, and the states (n, state_size) for the
            next step.

        Raises:
            InputError: if a shape does not match.
        """
        logits, states = self.raw(embeddings, contexts, states)
        return softmax(logits, self._temperature), states

    def raw(self, embeddings: Floats, contexts: Floats, states: Floats) -> tuple[Floats, Floats]:
        """Logits (n, 8) and the next states (n, state_size); arguments and errors as for `step`."""
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
        """The 90 % prediction set of probabilities (8,), the most probable label first."""
        return ranked_set(probabilities, self._quantile)


def context(quality: Quality, elapsed_s: float | None) -> Floats:
    """Inputs of the network besides the embedding, (CONTEXT_SIZE,) float32, of about unit size.

    Args:
        quality: image quality of the face in this frame.
        elapsed_s: seconds since the previous frame of the track; None for its first frame.
    """
    seconds = LONGEST_STEP_S if elapsed_s is None or not math.isfinite(elapsed_s) else elapsed_s
    seconds = min(max(seconds, SHORTEST_STEP_S), LONGEST_STEP_S)
    return np.array(
        [
            math.log1p(max(quality.eye_distance, 0.0)) / LOG_EYE_DISTANCE,
            math.log10(max(quality.sharpness, MIN_SHARPNESS)) / LOG_SHARPNESS,
            quality.brightness / MAX_BRIGHTNESS,
            quality.contrast / CONTRAST,
            quality.turn,
            math.log(seconds * FRAME_RATE) / LOG_FRAMES,
        ],
        np.float32,
    )
