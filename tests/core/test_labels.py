import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.core.errors import InputError
from mien.core.labels import (
    AROUSAL,
    EMOTIONS,
    NEUTRAL_VALENCE,
    SENTIMENTS,
    VALENCE,
    Emotion,
    Sentiment,
    affect,
    parse_emotion,
    sentiment,
)

distributions = (
    st.lists(st.floats(0, 1), min_size=8, max_size=8)
    .filter(lambda values: sum(values) > 1e-3)
    .map(lambda values: np.array(values) / sum(values))
)


def test_the_one_order():
    assert list(EMOTIONS) == [
        "neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt",
    ]  # fmt: skip
    assert list(SENTIMENTS) == ["negative", "neutral", "positive"]


@pytest.mark.parametrize("emotion", EMOTIONS)
@pytest.mark.parametrize("change", [str, str.upper, str.title, "  {}\n".format])
def test_labels_are_accepted_in_any_case(emotion, change):
    assert parse_emotion(change(emotion.value)) is emotion


@pytest.mark.parametrize(
    ("alias", "emotion"),
    [
        ("happy", Emotion.HAPPINESS),
        ("Joy", Emotion.HAPPINESS),
        ("ANGRY", Emotion.ANGER),
        ("sad", Emotion.SADNESS),
        ("surprised", Emotion.SURPRISE),
        ("disgusted", Emotion.DISGUST),
        (" scared ", Emotion.FEAR),
        ("afraid", Emotion.FEAR),
        ("fearful", Emotion.FEAR),
        ("contemptuous", Emotion.CONTEMPT),
        ("neutrality", Emotion.NEUTRAL),
    ],
)
def test_aliases(alias, emotion):
    assert parse_emotion(alias) is emotion


@pytest.mark.parametrize("name", ["", "smile", "happiness!", "0"])
def test_other_names_are_refused_with_what_is_accepted(name):
    with pytest.raises(InputError, match=re.escape(repr(name))) as caught:
        parse_emotion(name)
    assert "happiness" in str(caught.value)
    assert "angry" in str(caught.value)


def test_every_emotion_has_affect_within_bounds():
    assert set(VALENCE) == set(AROUSAL) == set(EMOTIONS)
    for table in (VALENCE, AROUSAL):
        assert table[Emotion.NEUTRAL] == 0
        assert all(-1 <= value <= 1 for value in table.values())


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_affect_of_a_sure_face_is_that_of_its_emotion(emotion):
    vector = np.eye(8, dtype=np.float32)[EMOTIONS.index(emotion)]
    assert affect(vector) == pytest.approx((VALENCE[emotion], AROUSAL[emotion]))


@given(distributions)
def test_affect_stays_within_bounds(probabilities):
    assert all(-1 <= value <= 1 for value in affect(probabilities))


@given(distributions, distributions, st.floats(0, 1))
def test_affect_is_linear(first, second, share):
    mixed = np.array(affect(share * first + (1 - share) * second))
    parts = share * np.array(affect(first)) + (1 - share) * np.array(affect(second))
    assert mixed == pytest.approx(parts, abs=1e-9)


@pytest.mark.parametrize(
    ("valence", "expected"),
    [
        (-1.0, Sentiment.NEGATIVE),
        (-NEUTRAL_VALENCE - 1e-6, Sentiment.NEGATIVE),
        (-NEUTRAL_VALENCE, Sentiment.NEUTRAL),
        (0.0, Sentiment.NEUTRAL),
        (NEUTRAL_VALENCE, Sentiment.NEUTRAL),
        (NEUTRAL_VALENCE + 1e-6, Sentiment.POSITIVE),
        (1.0, Sentiment.POSITIVE),
    ],
)
def test_sentiment_is_the_sign_of_valence(valence, expected):
    assert sentiment(valence) is expected


def test_the_pages_read_the_same_affect():
    shared = json.loads((Path(__file__).parents[2] / "web/tests/judgement.json").read_text())
    for case in shared["affect"]:
        valence, arousal = affect(np.array(case["probabilities"]))
        assert (valence, arousal) == pytest.approx((case["valence"], case["arousal"]), abs=1e-9)
        assert sentiment(valence) == case["sentiment"]
    assert {case["sentiment"] for case in shared["affect"]} == set(SENTIMENTS)
