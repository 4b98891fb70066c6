import numpy as np
import pytest

from mien.vision.alignment import CANONICAL
from mien_lab.data.corruptions import CORRUPTIONS
from mien_lab.data.occlusions import EYE_DISTANCE, eyes, half, mask, mouth

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


def test_bars_have_the_grey_of_the_crop_and_leave_the_crop_itself(picture):
    crop = picture(1)
    before = crop.copy()
    rng = np.random.default_rng(0)
    for cover, middle in ((eyes, CANONICAL[:2].mean(axis=0)), (mouth, CANONICAL[3:].mean(axis=0))):
        x, y = middle.round().astype(int)
        assert cover(crop, 0.5, rng)[y, x] == pytest.approx(crop.mean(), abs=1)
    assert np.array_equal(crop, before)


def test_chance_draws_the_side_of_a_half_and_the_tone_of_a_mask():
    crop = np.random.default_rng(1).integers(90, 160, (48, 48)).astype(np.uint8)
    sides, tones = set(), set()
    for seed in range(12):
        changed = (half(crop, 0.25, np.random.default_rng(seed)) != crop).any(axis=0)
        assert changed.sum() == 12
        sides.add(int(changed.argmax()))
        x, y = CANONICAL[3:].mean(axis=0).round().astype(int)
        tones.add(int(mask(crop, 0.85, np.random.default_rng(seed))[y, x]))
    assert sides == {0, 36}
    assert tones == {40, 205}
