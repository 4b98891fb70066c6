import re

import cv2
import numpy as np
import pytest

from mien_lab.data.corruptions import CORRUPTIONS, SEVERITIES, Kind

BY_NAME = {corruption.name: corruption for corruption in CORRUPTIONS}


@pytest.fixture
def crop(picture):
    return picture(1)


@pytest.fixture
def grain():
    """Detail in every pixel."""
    return np.random.default_rng(0).integers(60, 190, (48, 48)).astype(np.uint8)


def test_the_docstrings_say_the_amounts():
    for corruption in CORRUPTIONS:
        text = corruption.change.__doc__.split("Severities 1 to 5:")[1]
        numbers = [float(number) for number in re.findall(r"\d+(?:\.\d+)?", text)[:5]]
        assert tuple(numbers) == pytest.approx(corruption.amounts), corruption.name


def test_there_are_all_kinds():
    assert {corruption.kind for corruption in CORRUPTIONS} == set(Kind)
    assert len(BY_NAME) == len(CORRUPTIONS) == 15


@pytest.mark.parametrize("name", BY_NAME)
def test_damage_grows_and_is_repeatable(name, crop):
    before = crop.copy()
    damaged = [BY_NAME[name].apply(crop, severity, seed=3, name="a") for severity in SEVERITIES]
    assert all(found.shape == crop.shape and found.dtype == np.uint8 for found in damaged)
    assert (crop == before).all()
    change = [np.abs(found.astype(int) - crop).mean() for found in damaged]
    assert change[0] > 0
    assert change == sorted(change)
    again = BY_NAME[name].apply(crop, 4, seed=3, name="a")
    assert (again == damaged[3]).all()


@pytest.mark.parametrize("name", ["noise", "rotation", "shift", "half", "mask", "gamma"])
def test_chance_follows_seed_and_name(name, crop):
    def apply(seed, face):
        return BY_NAME[name].apply(crop, 3, seed=seed, name=face).tobytes()

    assert len({apply(0, face) for face in "abcdefgh"}) >= 2
    assert len({apply(seed, "a") for seed in range(8)}) >= 2


def test_severities_are_one_to_five(crop):
    for severity in (0, 6):
        with pytest.raises(ValueError, match="1 to 5"):
            BY_NAME["blur"].apply(crop, severity)


def test_light():
    grey = np.full((48, 48), 100, np.uint8)
    assert BY_NAME["brightness"].apply(grey, 2)[0, 0] == round(100 * 2 ** (1 / 2.2))
    assert BY_NAME["darkness"].apply(grey, 1)[0, 0] == round(100 / 2 ** (1 / 2.2))
    assert BY_NAME["brightness"].apply(np.full((48, 48), 250, np.uint8), 1).max() == 255
    power = {BY_NAME["gamma"].apply(grey, 3, name=str(name))[0, 0] for name in range(9)}
    assert power == {round(255 * (100 / 255) ** 2), round(255 * (100 / 255) ** 0.5)}


def test_contrast_is_taken_away(grain):
    assert BY_NAME["contrast"].apply(grain, 1).std() == pytest.approx(grain.std() / 2, rel=0.02)
    assert BY_NAME["contrast"].apply(grain, 1).mean() == pytest.approx(grain.mean(), abs=0.5)


def test_detail(grain):
    blurred = cv2.GaussianBlur(grain, (0, 0), 1.5)
    assert (BY_NAME["blur"].apply(grain, 3) == blurred).all()
    flat = np.full((48, 48), 128, np.uint8)
    assert BY_NAME["noise"].apply(flat, 3).std() == pytest.approx(20, rel=0.06)
    small = cv2.resize(grain, (16, 16), interpolation=cv2.INTER_AREA)
    assert (BY_NAME["downscale"].apply(grain, 5) == cv2.resize(small, (48, 48))).all()


def test_lengths_scale_with_the_crop(picture):
    large = cv2.resize(picture(2), (96, 96), interpolation=cv2.INTER_CUBIC)
    for name in ("blur", "shift", "eyes", "mask", "sunglasses", "half"):
        at_once = BY_NAME[name].apply(large, 4, name="x")
        after = BY_NAME[name].apply(
            cv2.resize(large, (48, 48), interpolation=cv2.INTER_AREA), 4, name="x"
        )
        halved = cv2.resize(at_once, (48, 48), interpolation=cv2.INTER_AREA)
        assert np.abs(halved.astype(int) - after).mean() < 4, name


def test_geometry():
    dot = np.zeros((48, 48), np.uint8)
    dot[23:25, 35:37] = 255

    def place(name, severity, face):
        found = BY_NAME[name].apply(dot, severity, name=face).astype(float)
        return (
            np.array([np.average(np.arange(48), weights=found.sum(axis=i)) for i in (0, 1)]) - 23.5
        )

    for face in "abcd":
        x, y = place("rotation", 4, face)
        assert (x, abs(y)) == pytest.approx(
            (12 * np.cos(np.pi / 6), 12 * np.sin(np.pi / 6)), abs=0.3
        )
        moved = place("shift", 3, face) - (12, 0)
        assert np.hypot(*moved) == pytest.approx(5, abs=0.3)
