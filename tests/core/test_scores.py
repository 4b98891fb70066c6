from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.core.errors import InputError
from mien.core.labels import EMOTIONS, Emotion
from mien.core.scores import Scores

UNIFORM = (0.125,) * 8

distributions = (
    st.lists(st.floats(0, 1), min_size=8, max_size=8)
    .filter(lambda values: sum(values) > 1e-3)
    .map(lambda values: tuple(value / sum(values) for value in values))
)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ((1.0,), "8 values, not 1"),
        ((1 / 9,) * 9, "8 values, not 9"),
        ((), "8 values, not 0"),
        ((1.2, -0.2, 0, 0, 0, 0, 0, 0), r"\[0, 1\]"),
        ((float("nan"),) * 8, r"\[0, 1\]"),
        ((0.1,) * 8, "sum to 1, not 0.8"),
        ((0.5, 0.51, 0, 0, 0, 0, 0, 0), "sum to 1, not 1.01"),
    ],
)
def test_scores_that_are_no_distribution_are_refused(values, words):
    with pytest.raises(InputError, match=words):
        Scores(values)


@given(distributions)
def test_scores_keep_what_they_are_given(values):
    scores = Scores(values)
    assert [scores[emotion] for emotion in EMOTIONS] == list(values)
    assert dict(scores) == dict(zip(EMOTIONS, values, strict=True))
    assert scores[scores.top] == max(values)
    ranked = scores.ranked()
    assert ranked[0][0] is scores.top
    assert [share for _, share in ranked] == sorted(values, reverse=True)
    assert list(scores.to_dict()) == [emotion.value for emotion in EMOTIONS]
    assert sum(scores.to_dict().values()) == pytest.approx(1, abs=1e-3)


def test_scores_by_alias_and_by_what_is_none():
    scores = Scores((0.1, 0.9, 0, 0, 0, 0, 0, 0))
    assert scores["happiness"] == scores["happy"] == 0.9
    with pytest.raises(InputError, match="unknown emotion 'hapy'; use one of: neutral"):
        _ = scores["hapy"]


def test_scores_are_a_mapping_from_emotion_to_probability():
    values = (0.1, 0.9, 0, 0, 0, 0, 0, 0)
    scores = Scores(values)
    assert isinstance(scores, Mapping)
    assert len(scores) == len(EMOTIONS)
    assert list(scores) == list(scores.keys()) == list(EMOTIONS)
    assert list(scores.values()) == list(scores.probabilities) == list(values)
    assert list(scores.items()) == list(zip(EMOTIONS, values, strict=True))
    assert Emotion.HAPPINESS in scores
    assert "happy" in scores
    assert "hapy" not in scores
    assert None not in scores
    assert scores.get("hapy") is None
    assert scores == dict(scores) == Scores(values) != Scores(UNIFORM)
    assert hash(scores) == hash(Scores(values))


def test_ties_go_to_the_first_label():
    assert Scores(UNIFORM).top is Emotion.NEUTRAL
    assert [emotion for emotion, _ in Scores(UNIFORM).ranked()] == list(EMOTIONS)
