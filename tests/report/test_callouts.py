import numpy as np
import pytest

from mien.core.types import Box, Doubt
from mien.report.callouts import Callout, Spot
from mien.report.canvas import Canvas
from mien.vision.geometry import intersection_areas

WIDTH, HEIGHT = 640, 480
BOX = (250, 150, 120, 150)


class Words:
    """A canvas that records the texts written to it."""

    def __init__(self):
        self.texts = []

    def text(self, x, y, text, size, colour):
        self.texts.append(text)

    def fill(self, *_):
        pass

    outline = fill


@pytest.fixture
def callout(make_reading):
    return lambda box=BOX, **options: Callout(make_reading(box, **options), 4, 14)


def place(label, faces=(), placed=(), before=None, size=(WIDTH, HEIGHT)):
    return label.place(*size, list(faces), list(placed), before)


def overlap(first, second):
    return intersection_areas([first.as_tuple()], [second.as_tuple()])[0, 0]


@pytest.mark.parametrize("box", [BOX, (520, 0, 120, 150), (0, 330, 120, 150), (-40, -30, 120, 150)])
def test_a_panel_stands_beside_its_face(callout, box):
    spot = place(callout(box))
    assert spot.full
    assert overlap(spot.box, Box(*box)) == 0


@pytest.mark.parametrize("taken", ["faces", "placed"])
def test_a_place_that_is_taken_is_left_to_who_is_there(callout, taken):
    label = callout()
    first = place(label)
    second = place(label, **{taken: [first.box]})
    assert second.side != first.side
    assert overlap(second.box, first.box) == 0


def test_a_label_stays_where_it_was_until_it_hides_somebody(callout):
    label = callout()
    left = Spot(Box(0, 0, 1, 1), True, 1)
    spot = place(label, before=left)
    assert spot.side == 1
    assert place(label, [spot.box], before=left).side != 1


def test_in_a_crowd_there_is_a_line_instead_of_a_panel(callout):
    assert not place(callout(), [Box(0, 0, WIDTH, HEIGHT)]).full


def test_in_a_crowd_labels_do_not_lie_over_each_other(callout):
    placed = []
    for _ in range(5):
        spot = place(callout(), [Box(0, 0, WIDTH, HEIGHT)], placed)
        assert not any(overlap(spot.box, other) for other in placed)
        placed.append(spot.box)


def test_small_faces_have_a_line(callout):
    assert not place(callout((300, 200, 30, 40))).full
    assert place(callout((300, 200, 30, 43))).full


def test_where_not_even_a_line_fits_there_is_none(callout):
    assert place(callout(), size=(40, 480)) is None
    assert place(callout(), size=(640, 12)) is None


def written(label, full):
    words = Words()
    label.draw(words, Spot(Box(10, 10, 200, 100), full, 0))
    return words.texts


def test_words_of_a_panel(callout):
    texts = written(callout(probability=0.86, track_id=7), full=True)
    assert texts == [
        "happiness", "#7", "happiness", "86 %", "neutral", "2 %", "surprise", "2 %",
    ]  # fmt: skip
    doubted = written(callout(doubt=Doubt.EXPOSURE), full=True)
    assert doubted[:3] == ["uncertain", "#4", "too dark or too bright"]


def test_words_of_a_line(callout):
    assert written(callout(track_id=7), full=False) == ["#7", "happiness 90 %"]
    assert written(callout(doubt=Doubt.OCCLUDED), full=False) == ["#4", "occluded"]


@pytest.mark.parametrize("doubt", [None, *Doubt])
@pytest.mark.parametrize("box", [BOX, (300, 200, 30, 40)])
def test_what_is_drawn_stays_in_its_place(callout, box, doubt):
    label = callout(box, doubt=doubt, probability=1.0)
    spot = place(label)
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    label.draw(Canvas(image), spot)
    rows, columns = np.nonzero(image.any(axis=2))
    assert rows.min() >= spot.box.y - 1
    assert columns.min() >= spot.box.x - 1
    assert rows.max() <= spot.box.y + spot.box.height + 1
    assert columns.max() <= spot.box.x + spot.box.width + 1
