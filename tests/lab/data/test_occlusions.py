import numpy as np
import pytest

from mien.vision.alignment import CANONICAL
from mien_lab.data.corruptions import CORRUPTIONS
from mien_lab.data.occlusions import EYE_DISTANCE

BY_NAME = {corruption.name: corruption for corruption in CORRUPTIONS}


def test_covers_lie_where_the_landmarks_do():
    bright = np.random.default_rng(1).integers(90, 160, (48, 48)).astype(np.uint8)

    def covered(name, severity):
        return BY_NAME[name].apply(bright, severity) != bright

    def at(points, changed):
        return [bool(changed[round(y), round(x)]) for x, y in points]

    right, left, nose, right_mouth, left_mouth = CANONICAL
    assert at([right, left], covered("eyes", 3)) == [True, True]
    assert at([nose, right_mouth], covered("eyes", 3)) == [False, False]
    assert at([right_mouth, left_mouth], covered("mouth", 3)) == [True, True]
    assert at([right, nose], covered("mouth", 4)) == [False, False]
    assert at([right, left], covered("sunglasses", 1)) == [True, True]
    assert at([nose], covered("sunglasses", 5)) == [False]
    assert at([right_mouth, nose, right], covered("mask", 4)) == [True, True, False]
    assert at([right_mouth, nose], covered("mask", 1)) == [False, False]
    height = covered("eyes", 5).any(axis=1).sum()
    assert height == pytest.approx(0.8 * EYE_DISTANCE, abs=2)
    assert covered("half", 4).mean() == pytest.approx(0.5, abs=0.03)


def test_opaque_glasses_hide_the_eyes():
    bright = np.full((48, 48), 200, np.uint8)
    x, y = CANONICAL[0].round().astype(int)
    assert BY_NAME["sunglasses"].apply(bright, 5)[y, x] == 0
    assert BY_NAME["sunglasses"].apply(bright, 2)[y, x] == 100
