"""Predictions as files, and McNemar's test against SciPy's binomial test."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.core.errors import InputError
from mien.core.labels import EMOTIONS
from mien_lab.evaluation.cases import Cases
from mien_lab.evaluation.comparison import (
    compare,
    mcnemar,
    read_predictions,
    write_predictions,
)


def some(names, truth, predicted):
    """Cases by label; None where no face was found."""
    rows = [np.zeros(8) if each is None else np.eye(8)[EMOTIONS.index(each)] for each in predicted]
    indices = np.array([EMOTIONS.index(each) for each in truth])
    return Cases(tuple(names), indices, np.array(rows), tuple(map(str, EMOTIONS)))


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 5))
def test_mcnemar_is_a_binomial_test(first, second, both):
    from scipy.stats import binomtest

    ours = np.repeat([True, False, True, False], [first, second, both, both])
    theirs = np.repeat([False, True, True, False], [first, second, both, both])
    expected = binomtest(first, first + second).pvalue if first + second else 1
    assert mcnemar(ours, theirs) == pytest.approx(expected)


def test_mcnemar_of_many_cases():
    ours, theirs = np.arange(200_000) < 101_000, np.arange(200_000) >= 101_000
    # By the normal distribution: two thousand of two hundred thousand are 4.47 deviations.
    assert mcnemar(ours, theirs) == pytest.approx(7.8e-6, rel=0.02)


def test_compare():
    cases = some("abcdef", ["fear"] * 6, ["fear", "fear", "fear", "anger", None, "fear"])
    others = {
        "a": EMOTIONS[6], "b": None, "c": EMOTIONS[0], "d": EMOTIONS[6], "e": EMOTIONS[0],
        "z": EMOTIONS[0],
    }  # fmt: skip
    found = compare(cases, others)
    assert found["n"] == 5
    assert (found["accuracy"], found["other_accuracy"]) == (0.6, 0.4)
    assert found["difference"] == pytest.approx(0.2)
    low, high = found["difference_interval"]
    assert low < 0.2 < high
    assert [found[name] for name in ("both_right", "only_ours_right", "only_other_right")] == [
        1, 2, 1,
    ]  # fmt: skip
    assert found["both_wrong"] == 1
    assert found["mcnemar_exact_p"] == 1
    assert found["not_in_the_other"] == ["f"]
    assert found["only_in_the_other"] == 1
    with pytest.raises(InputError, match="such as a"):
        compare(cases, {"z": EMOTIONS[0]})


def test_people_are_drawn_whole():
    names = [str(number) for number in range(200)]
    people = np.repeat(np.arange(10), 20)
    said = ["fear" if one < 5 else "anger" for one in people]
    cases = replace(some(names, ["fear"] * 200, said), subjects=people)
    found = compare(cases, dict.fromkeys(names))
    low, high = found["difference_interval"]
    # Ten people, not two hundred pictures: far wider than if pictures were drawn.
    assert high - low > 0.4
    assert found["people"] == 10


def test_what_is_written_can_be_read(tmp_path):
    path = tmp_path / "out.csv"
    seven = some(["x/1"], ["fear"], ["sadness"])
    seven = Cases(seven.names, seven.truth, seven.probabilities[:, :7], seven.labels[:7])
    write_predictions(path, [some(['a, "b"', "c"], ["fear", "anger"], ["anger", None]), seven])
    assert read_predictions(path) == {'a, "b"': "anger", "c": None, "x/1": "sadness"}
    lines = path.read_text().splitlines()
    assert lines[0] == f"name,label,truth,{','.join(EMOTIONS)}"
    assert lines[3].endswith("1.000000,0.000000,0.000000,0.000000,")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("name,label\na,happy\na,sad\n", "names 'a' twice"),
        ("name,label\na,glad\n", "line 2 .*unknown emotion 'glad'; use one of: neutral, happiness"),
        ("picture,label\na,sad\n", "no column name or image"),
    ],
)
def test_files_that_are_refused(tmp_path, text, sentence):
    path = tmp_path / "peer.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=sentence):
        read_predictions(path)
    with pytest.raises(InputError, match="is missing"):
        read_predictions(tmp_path / "nothing.csv")


def test_images_are_names_too(tmp_path):
    path = tmp_path / "peer.csv"
    path.write_text("image,label,score\na.png,Happy,0.5\nb.png,,0\n")
    assert read_predictions(path) == {"a.png": "happiness", "b.png": None}
