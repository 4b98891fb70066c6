import cv2
import numpy as np
import pytest

from mien.vision.cuts import CutFinder

STEP = 1 / 25


def scene(seed, shape=(180, 320)):
    """A smooth random image."""
    small = np.random.default_rng(seed).integers(0, 256, (9, 16, 3)).astype(np.uint8)
    return cv2.resize(small, shape[::-1], interpolation=cv2.INTER_CUBIC)


def cuts(pictures, step=STEP):
    finder = CutFinder()
    return [i for i, picture in enumerate(pictures) if finder.begins(picture, i * step)]


def test_a_shot_begins_where_the_picture_is_another():
    assert cuts([scene(1)] * 10 + [scene(2)] * 10 + [scene(1)] * 5) == [10, 20]
    assert cuts([scene(1 + i // 3) for i in range(12)]) == [3, 6, 9]
    grey = [cv2.cvtColor(scene(seed), cv2.COLOR_RGB2GRAY) for seed in (1, 1, 2, 2)]
    assert cuts(grey) == [2]


def alike(first, second, share):
    """A blend of two scenes; `share` is the weight of the first."""
    return (share * scene(first) + (1 - share) * scene(second)).astype(np.uint8)


def test_shots_that_are_framed_alike_are_told_apart_where_nothing_moves():
    """As with two people who alternate in front of one camera."""
    seen = [alike(1, other, 0.55) for other in (2, 3)]
    spread = [picture - picture.mean() for picture in (p[..., 1].astype(float) for p in seen)]
    same = (spread[0] * spread[1]).sum() / np.sqrt(np.prod([(s * s).sum() for s in spread]))
    assert 0.5 < same < 0.7
    assert cuts([seen[0]] * 12 + [seen[1]] * 12 + [seen[0]] * 12) == [12, 24]
    # So soon after another cut it may be a movement.
    assert cuts([scene(9)] * 12 + [seen[0]] * 3 + [seen[1]] * 3) == [12]
    wide = np.hstack([scene(seed) for seed in range(3, 10)])
    steps = np.random.default_rng(0).integers(1, 4, 60).cumsum()
    steady = [wide[:, x : x + 320] for x in steps]
    assert cuts(steady) == []


def test_light_noise_and_a_face_that_comes_are_no_cuts():
    rng = np.random.default_rng(0)
    light = [
        np.clip(scene(1) * gain + 60 * (1 - gain) + rng.normal(0, 8, (180, 320, 3)), 0, 255)
        for gain in (1.0, 0.4, 0.4, 1.0, 0.2, 1.0)
    ]
    assert cuts([picture.astype(np.uint8) for picture in light]) == []
    covered = scene(1).copy()
    covered[40:140, 100:220] = scene(5)[40:140, 100:220]
    assert cuts([scene(1), covered, scene(1), covered]) == []


@pytest.mark.parametrize(("pan", "most"), [(4, 0), (12, 0), (24, 1)])
def test_a_camera_that_is_swung_makes_hardly_a_cut(pan, most):
    """Up to two frame widths per second, with a gentle start, as by hand."""
    wide = np.hstack([scene(seed) for seed in range(3, 10)])
    places = np.cumsum([0, pan // 4, pan // 2, *[pan] * 25])
    assert len(cuts([wide[:, x : x + 320] for x in places])) <= most


def test_frames_far_apart_are_of_one_shot_if_they_are_alike():
    assert cuts([scene(seed) for seed in (1, 2, 3, 3, 3, 4)], step=1.0) == [1, 2, 5]


def test_lost_frames_are_passed_over():
    """Frames after black ones are compared with those before."""
    black = np.zeros((180, 320, 3), np.uint8)
    assert cuts([scene(1), scene(1), black, black, scene(1)]) == []
    assert cuts([scene(1), scene(1), *[black] * 20, scene(2), scene(2)]) == [22]
    assert cuts([black, black, scene(1)]) == []


@pytest.mark.parametrize("shape", [(1, 1), (3, 2000), (17, 31), (2160, 3840)])
def test_any_size_of_picture_is_compared(shape):
    first, second = (
        np.random.default_rng(seed).integers(0, 256, (*shape, 3)).astype(np.uint8)
        for seed in (1, 2)
    )
    assert cuts([first, first, first]) == []
    cuts([first, second])


def test_frames_of_another_size_are_compared_too():
    assert cuts([scene(1), scene(1), scene(1, (360, 640))]) == []
    assert cuts([scene(1), scene(1), scene(2, (360, 640))]) == [2]
