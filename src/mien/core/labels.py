"""The eight expressions in label order, and the valence and arousal assigned to each."""

from enum import StrEnum

import numpy as np
import numpy.typing as npt

from mien.core.errors import UnknownEmotionError

__all__ = [
    "AROUSAL",
    "EMOTIONS",
    "SENTIMENTS",
    "VALENCE",
    "Emotion",
    "Sentiment",
    "affect",
    "parse_emotion",
    "sentiment",
]


class Emotion(StrEnum):
    """An apparent facial expression, in the order of every probability vector."""

    NEUTRAL = "neutral"
    HAPPINESS = "happiness"
    SURPRISE = "surprise"
    SADNESS = "sadness"
    ANGER = "anger"
    DISGUST = "disgust"
    FEAR = "fear"
    CONTEMPT = "contempt"


class Sentiment(StrEnum):
    """The sign of the apparent valence."""

    NEGATIVE = "negative"
    NEUTRAL = "neutral"
    POSITIVE = "positive"


EMOTIONS: tuple[Emotion, ...] = tuple(Emotion)
SENTIMENTS: tuple[Sentiment, ...] = tuple(Sentiment)

_ALIASES: dict[str, Emotion] = {
    "neutrality": Emotion.NEUTRAL,
    "happy": Emotion.HAPPINESS,
    "joy": Emotion.HAPPINESS,
    "surprised": Emotion.SURPRISE,
    "sad": Emotion.SADNESS,
    "angry": Emotion.ANGER,
    "disgusted": Emotion.DISGUST,
    "fearful": Emotion.FEAR,
    "afraid": Emotion.FEAR,
    "scared": Emotion.FEAR,
    "contemptuous": Emotion.CONTEMPT,
}

# Mean pleasure and arousal ratings, rounded to tenths, from Russell and Mehrabian, "Evidence for a
# three-factor theory of emotions", Journal of Research in Personality 11 (1977). They rate no word
# close to contempt; its values are a convention: as unpleasant as anger and half as aroused.
VALENCE: dict[Emotion, float] = {
    Emotion.NEUTRAL: 0.0,
    Emotion.HAPPINESS: 0.8,
    Emotion.SURPRISE: 0.4,
    Emotion.SADNESS: -0.6,
    Emotion.ANGER: -0.5,
    Emotion.DISGUST: -0.6,
    Emotion.FEAR: -0.6,
    Emotion.CONTEMPT: -0.5,
}
AROUSAL: dict[Emotion, float] = {
    Emotion.NEUTRAL: 0.0,
    Emotion.HAPPINESS: 0.5,
    Emotion.SURPRISE: 0.7,
    Emotion.SADNESS: -0.3,
    Emotion.ANGER: 0.6,
    Emotion.DISGUST: 0.4,
    Emotion.FEAR: 0.6,
    Emotion.CONTEMPT: 0.3,
}
NEUTRAL_VALENCE = 0.1
"""Absolute valence up to which the sentiment is neutral: a quarter of the valence of surprise."""

_VALENCE = np.array([VALENCE[emotion] for emotion in EMOTIONS])
_AROUSAL = np.array([AROUSAL[emotion] for emotion in EMOTIONS])


def parse_emotion(name: str) -> Emotion:
    """Return the emotion for a label or one of its aliases, ignoring case.

    Raises:
        UnknownEmotionError: if the name is neither; the message lists the accepted names.
    """
    key = str(name).strip().lower()
    if key in _ALIASES:
        return _ALIASES[key]
    try:
        return Emotion(key)
    except ValueError:
        accepted = ", ".join([*EMOTIONS, *_ALIASES])
        raise UnknownEmotionError(f"unknown emotion {name!r}; use one of: {accepted}") from None


def affect(probabilities: npt.NDArray[np.floating]) -> tuple[float, float]:
    """Expected valence and arousal, each in [-1, 1], under probabilities of shape (8,)."""
    return float(probabilities @ _VALENCE), float(probabilities @ _AROUSAL)


def sentiment(valence: float) -> Sentiment:
    """Map a valence in [-1, 1] to a sentiment."""
    if valence > NEUTRAL_VALENCE:
        return Sentiment.POSITIVE
    if valence < -NEUTRAL_VALENCE:
        return Sentiment.NEGATIVE
    return Sentiment.NEUTRAL
