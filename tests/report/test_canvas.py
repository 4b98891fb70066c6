import cv2
import numpy as np
import pytest

from mien.report.canvas import Canvas, text_width

COLOUR = (250, 120, 10)


def plain(height=60, width=80, level=100):
    return np.full((height, width, 3), level, np.uint8)


def drawn(draw, image=None):
    """Mask of the pixels that were changed, (height, width)."""
    image = plain() if image is None else image
    before = image.copy()
    draw(Canvas(image))
    return (image != before).any(axis=2)


@pytest.mark.parametrize("opacity", [1.0, 0.4])
def test_a_filled_rectangle_covers_its_place_alone(opacity):
    image = plain()
    changed = drawn(lambda canvas: canvas.fill(10, 5, 30, 20, 0, COLOUR, opacity), image)
    inner = image[6:25, 11:40].reshape(-1, 3)
    np.testing.assert_array_equal(
        np.unique(inner, axis=0), [np.rint(100 + (np.array(COLOUR) - 100) * opacity)]
    )
    changed[4:27, 9:42] = False
    assert not changed.any()


def test_corners_are_round_up_to_a_disc():
    square, rounded, disc = (
        drawn(lambda canvas, r=radius: canvas.fill(10, 10, 40, 40, r, COLOUR))
        for radius in (0, 8, 999)
    )
    assert square[10, 10]
    assert not rounded[10, 10]
    assert rounded[10, 20]
    assert disc.sum() == pytest.approx(np.pi / 4 * square.sum(), rel=0.03)


@pytest.mark.parametrize(("width", "height"), [(0, 10), (10, 0), (-5, 10)])
def test_what_has_no_area_is_not_filled(width, height):
    assert not drawn(lambda canvas: canvas.fill(10, 10, width, height, 3, COLOUR)).any()


def test_an_outline_leaves_the_inside_alone():
    changed = drawn(lambda canvas: canvas.outline(10, 10, 50, 30, 0, 2, COLOUR))
    assert changed[10, 10:60].all()
    assert changed[10:40, 60].all()
    assert not changed[13:38, 13:58].any()


@pytest.mark.parametrize(("dash", "dashes"), [(4.0, 20), (10.0, 8), (500.0, 2)])
def test_dashes_are_cut_evenly(dash, dashes):
    changed = drawn(lambda canvas: canvas.outline(10, 10, 50, 30, 0, 1, COLOUR, dash=dash))
    count, _, found, _ = cv2.connectedComponentsWithStats(changed.astype(np.uint8), connectivity=8)
    lengths = found[1:, cv2.CC_STAT_WIDTH] + found[1:, cv2.CC_STAT_HEIGHT]
    assert count - 1 == dashes
    assert np.ptp(lengths) <= 3


@pytest.mark.parametrize(
    "draw",
    [
        lambda canvas, x, y: canvas.fill(x, y, 40, 30, 6, COLOUR, 0.5),
        lambda canvas, x, y: canvas.outline(x, y, 40, 30, 6, 3, COLOUR),
        lambda canvas, x, y: canvas.outline(x, y, 40, 30, 6, 3, COLOUR, dash=5.0),
        lambda canvas, x, y: canvas.text(x, y, "happiness", 20, COLOUR),
    ],
    ids=["filled", "outlined", "dashed", "written"],
)
@pytest.mark.parametrize("place", [(-15, -10), (60, 45), (-20, 20), (20, -12), (200, 200)])
def test_what_lies_outside_is_cut_off(draw, place):
    x, y = place
    small, large = plain(), plain(400, 400)
    draw(Canvas(small), x, y)
    draw(Canvas(large), x + 50, y + 50)
    # OpenCV anti-aliases less along the border of an image.
    np.testing.assert_array_equal(small[2:-2, 2:-2], large[52:108, 52:128])


@pytest.mark.parametrize("size", [11, 16, 40])
def test_text_keeps_to_its_line(size):
    text = "jÄg 100 %"
    changed = drawn(lambda canvas: canvas.text(7, 9, text, size, COLOUR), plain(100, 300))
    rows, columns = np.nonzero(changed)
    assert len(rows) > size
    assert (rows.min(), columns.min()) >= (9, 7)
    assert rows.max() < 9 + size
    assert columns.max() < 7 + text_width(text, size)
    assert columns.max() > 7 + 0.8 * text_width(text, size)
