import numpy as np
import PIL.Image
import PIL.ImageOps
import pytest

from mien.vision.orientation import UPRIGHT, Orientation

STORED = np.arange(6, dtype=np.uint8).reshape(2, 3)


@pytest.mark.parametrize("tag", range(1, 9))
def test_exif_tags_turn_as_in_pillow(tag):
    picture = PIL.Image.fromarray(STORED)
    picture.getexif()[0x0112] = tag
    expected = np.asarray(PIL.ImageOps.exif_transpose(picture))
    orientation = Orientation.from_exif(tag)
    upright = orientation.apply(STORED)
    assert np.array_equal(upright, expected)
    assert upright.flags.c_contiguous
    assert orientation.size(3, 2) == expected.shape[::-1]


@pytest.mark.parametrize("tag", [None, 0, 9, -1, "6", 6.0, b"\x06", (6,)])
def test_what_is_no_tag_turns_nothing(tag):
    assert Orientation.from_exif(tag) is UPRIGHT


def test_mirrored_display_matrix():
    one = 1 << 16
    image = np.arange(6, dtype=np.uint8).reshape(2, 3)

    def turned(a, b, c, d):
        matrix = np.array([a, b, 0, c, d, 0, 0, 0, 1 << 30], np.int32)
        return Orientation.from_display_matrix(matrix.tobytes()).apply(image)

    assert np.array_equal(turned(one, 0, 0, one), image)
    assert np.array_equal(turned(-one, 0, 0, one), image[:, ::-1])
    assert np.array_equal(turned(one, 0, 0, -one), image[::-1])
    assert np.array_equal(turned(0, one, one, 0), image.T)


@pytest.mark.parametrize(
    ("degrees", "turns"), [(0, 0), (40, 0), (50, 1), (90, 1), (175, 2), (-95, 3), (-30, 0)]
)
def test_a_display_matrix_counts_as_the_nearest_quarter(degrees, turns):
    cos, sin = (round(f(np.radians(degrees)) * (1 << 16)) for f in (np.cos, np.sin))
    matrix = np.array([cos, -sin, 0, sin, cos, 0, 0, 0, 1 << 30], np.int32)
    assert Orientation.from_display_matrix(matrix.tobytes()) == Orientation(False, turns)
