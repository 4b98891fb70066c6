import numpy as np
import pytest

from mien_lab.evaluation.findings import finding_of, in_document, measure_words
from mien_lab.evaluation.gaps import Compared, Difference, GroupDraws

NONE = Compared((), ())


def difference(column, measure, low, high, reach):
    """The second group of a column above the first."""
    groups = [
        GroupDraws(column, name, n, {measure: value}, {measure: np.zeros(1)}, {measure: n})
        for name, n, value in (("a", 90, low), ("b", 1200, high))
    ]
    return Difference(measure, *groups, high - low, reach)


def test_a_gap_of_one_column_goes_before_one_of_two():
    single = Compared((difference("age", "accuracy", 0.7, 0.8, 0.04),), ())
    crossed = Compared((difference("age and gender", "accuracy", 0.4, 0.8, 0.04),) * 2, ())
    found = finding_of(single, crossed, minimum=30)
    assert (found["gap"], found["column"], found["more_gaps"]) == (True, "age", 2)
    assert [group["group"] for group in found["groups"]] == ["b", "a"]
    assert found["interval"] == pytest.approx([0.06, 0.14])
    assert found["text"] == (
        "Gap found: accuracy is 10.0 points higher for age b (80.0 %, n = 1,200) than for age a "
        "(70.0 %, n = 90), 95 % interval 6.0 to 14.0; 2 more gaps below."
    )
    assert finding_of(NONE, crossed, minimum=30)["column"] == "age and gender"
    alone = finding_of(single, NONE, minimum=30)
    assert alone["text"].endswith("95 % interval 6.0 to 14.0.")


def test_without_a_gap_it_is_said_how_large_one_could_be():
    others = (
        difference("age", "accuracy", 0.79, 0.8, 0.04),
        difference("team", "accuracy", 0.78, 0.8, 0.09),
        difference("age", "false_positive_rate/anger", 0.0, 0.01, 0.02),
        difference("age", "recall/fear", 0.1, 0.2, 0.5),
    )
    found = finding_of(Compared((), others), Compared((), others[:1]), minimum=30)
    assert found["gap"] is False
    assert found["could_have_missed"] == {
        "accuracy": {"size": 0.11, "groups": ["b", "a"], "column": "team"},
        "false_positive_rate/anger": {"size": 0.03, "groups": ["b", "a"], "column": "age"},
    }
    assert found["text"] == (
        "No gap found in 5 comparisons, but one of up to 11.0 points in accuracy (team b against "
        "team a) or of up to 3.0 points in the false-positive rate of anger (age b against age a) "
        "could have been missed."
    )


def test_intersections_leave_room_for_larger_gaps():
    single = Compared((), (difference("age", "accuracy", 0.79, 0.8, 0.04),))
    crossed = Compared((), (difference("age and gender", "accuracy", 0.7, 0.8, 0.2),))
    for found in (finding_of(single, crossed, minimum=30), finding_of(NONE, crossed, minimum=30)):
        assert found["could_have_missed"]["accuracy"]["size"] == pytest.approx(0.3)
        assert "30.0 points in accuracy (age and gender b against age and" in found["text"]


def test_where_nothing_is_compared_it_is_said_what_that_would_take():
    found = finding_of(NONE, NONE, minimum=45)
    assert found["gap"] is None
    assert "(45 samples, and 8 people where they are named, each)" in found["text"]


@pytest.mark.parametrize(
    ("measure", "words"),
    [
        ("accuracy_same_mix", "accuracy at the same mix of labels"),
        ("false_positive_rate/anger", "the false-positive rate of anger"),
        ("recall/sadness", "the recall of sadness"),
    ],
)
def test_measures_are_said_in_words(measure, words):
    assert measure_words(measure) == words


def test_in_a_document_the_other_gaps_do_not_follow():
    assert in_document("5; 1 more gap below.") == "5; 1 more gap is listed by the command."
    assert in_document("5; 2 more gaps below.") == "5; 2 more gaps are listed by the command."
    assert in_document("No gap found.") == "No gap found."
