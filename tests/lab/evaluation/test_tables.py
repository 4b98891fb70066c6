import pytest

from mien_lab.evaluation.tables import aligned, audit_text, figure_cell


def test_the_first_column_is_set_to_the_left_and_the_others_to_the_right():
    assert aligned([["", "n", "share"], ["long", "1,000", "-"], ["b", "7", ""]]) == (
        "          n  share\nlong  1,000      -\nb         7"
    )


@pytest.mark.parametrize(
    ("value", "interval", "text"),
    [
        (0.5, [0.25, 0.755], "50.0 (25.0 to 75.5)"),
        (0.5, None, "50.0"),
        (None, None, "-"),
    ],
)
def test_a_figure_stands_before_its_interval(value, interval, text):
    assert figure_cell({"value": value, "interval": interval}) == text


@pytest.fixture
def figures():
    """What an audit says that found no figures for any group."""
    small = [{"group": f"g{n}", "n": 29 + n % 2, "people": 5 if n % 2 else 9} for n in range(22)]
    table = {"groups": {}, "too_small": small, "without_group": 1200}
    return {
        "finding": {"text": "No gap."},
        "notes": ["A note."],
        "columns": {"team": table},
        "intersections": {},
        "minimum": 30,
        "gaps": [],
        "missed": 0,
        "failures": [],
    }


def test_of_many_small_groups_the_first_are_named_with_what_they_lack(figures):
    lines = audit_text(figures).splitlines()
    assert lines[:2] == ["No gap.", "A note."]
    (small,) = (line for line in lines if line.startswith("too small"))
    assert small.startswith("too small for figures: g0 (n = 29), g1 (n = 30 of 5 people), g2 ")
    assert small.endswith("g19 (n = 30 of 5 people) and 2 more")
    assert lines[-1] == "in no group: 1,200 samples"


def test_what_is_not_listed_is_counted(figures):
    gap = {"measure": "accuracy", "column": "team", "higher": "b", "lower": "a"}
    gaps = [gap | {"size": 0.2, "interval": [0.1, 0.3]} for _ in range(23)]
    failures = [{"name": "a", "reason": "a.png is broken"}, {"name": "b", "reason": "b"}]
    text = audit_text(figures | {"gaps": gaps, "missed": 3, "failures": failures})
    assert text.count("accuracy: team b over a  20.0  10.0 to 30.0") == 20
    assert "and 3 more (--json has all)" in text
    assert "no face was found in 3 samples" in text
    assert text.endswith("2 samples could not be read, the first: a.png is broken")
