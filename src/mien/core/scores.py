"""The probabilities of the eight expressions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from mien.core.errors import InputError
from mien.core.labels import EMOTIONS, Emotion, parse_emotion

__all__ = ["Scores"]


@dataclass(frozen=True, slots=True)
class Scores(Mapping[Emotion, float]):
    """Eight calibrated probabilities that sum to 1, in the order of `EMOTIONS`.

    A mapping from emotion to probability; labels and aliases as plain strings are accepted too.

    Attributes:
        probabilities: the eight values.

    Raises:
        InputError: if there are not eight values, one is not in [0, 1], or their sum is not 1.
    """

    probabilities: tuple[float, ...]

    __eq__ = Mapping.__eq__  # so that equal dicts are equal, too

    def __post_init__(self) -> None:
        """Validate count, range and sum."""
        values = self.probabilities
        if len(values) != len(EMOTIONS):
            raise InputError(f"scores need {len(EMOTIONS)} values, not {len(values)}")
        if not all(0.0 <= value <= 1.0 for value in values):
            raise InputError(f"scores must lie in [0, 1]: {values}")
        if abs(sum(values) - 1.0) > 1e-3:
            raise InputError(f"scores must sum to 1, not {sum(values):.4f}")

    def __getitem__(self, emotion: Emotion | str) -> float:
        """The probability of one emotion, by its label or an alias.

        Raises:
            UnknownEmotionError: if it is neither; the message lists the accepted names.
        """
        return self.probabilities[EMOTIONS.index(parse_emotion(emotion))]

    def __iter__(self) -> Iterator[Emotion]:
        """The emotions in label order."""
        return iter(EMOTIONS)

    def __len__(self) -> int:
        return len(EMOTIONS)

    @property
    def top(self) -> Emotion:
        """The most probable emotion."""
        return EMOTIONS[int(np.argmax(self.probabilities))]

    def ranked(self) -> list[tuple[Emotion, float]]:
        """Pairs of emotion and probability in order of descending probability."""
        return sorted(self.items(), key=lambda pair: -pair[1])

    def to_dict(self) -> dict[str, float]:
        """Probability by label, rounded to four places."""
        return {emotion.value: round(value, 4) for emotion, value in self.items()}
