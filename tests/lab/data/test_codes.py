import pytest

from mien.core.errors import InputError
from mien.core.labels import Emotion
from mien.core.types import Box
from mien_lab.data.codes import (
    AFFECTNET_CODES,
    CK_CODES,
    EXPW_CODES,
    RAF_CODES,
    box_between,
    cells,
    decoded,
    finite,
)


@pytest.mark.parametrize("codes", [RAF_CODES, AFFECTNET_CODES, CK_CODES, EXPW_CODES])
def test_each_label_has_one_code(codes):
    labels = [label for label in codes.values() if label is not None]
    assert len(set(labels)) == len(labels) >= 7


@pytest.mark.parametrize(
    ("code", "label"),
    [("3", Emotion.SURPRISE), ("   3.0000000e+00\n", Emotion.SURPRISE), ("10", None)],
)
def test_codes_may_be_written_as_floats(code, label):
    assert decoded(code, AFFECTNET_CODES, "a file") is label


@pytest.mark.parametrize("code", ["11", "-1", "3.5", "nan", "inf", "", "three"])
def test_an_unknown_code_is_told_with_those_that_are_known(code):
    with pytest.raises(InputError, match=rf"^row 3 has .* label '{code}'; .*10 \(no label\)$"):
        decoded(code, AFFECTNET_CODES, "row 3")


def test_a_line_of_another_number_of_values_is_refused():
    assert cells(" a.jpg \t 1 2\n", 3, "row 3") == ["a.jpg", "1", "2"]
    with pytest.raises(InputError, match="row 3 has 2 values, not 3"):
        cells("a.jpg 1", 3, "row 3")


def test_numbers_are_finite():
    assert finite(" -2.5e1") == -25
    for text in ("inf", "nan", "1,5"):
        with pytest.raises(ValueError, match=text):
            finite(text)


def test_a_box_between_corners():
    assert box_between(["10", "20", "40.5", "60"], "row 3") == Box(10, 20, 30.5, 40)
    for corners in (["10", "20", "inf", "60"], ["10", "20", "40"], ["a", "20", "40", "60"]):
        with pytest.raises(InputError, match=r"row 3 has a box that is not of numbers; get it"):
            box_between(corners, "row 3")
