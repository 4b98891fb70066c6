import numpy as np
import pytest

from mien_lab.data.motion import Motion, make_scene


@pytest.fixture(scope="module")
def stills():
    return np.random.default_rng(0).integers(0, 256, (8, 48, 48)).astype(np.uint8)


@pytest.mark.parametrize("motion", list(Motion))
def test_scenes_repeat_and_people_come_and_go(motion, stills):
    scene = make_scene(motion, 3, stills, seconds=4)
    again = make_scene(motion, 3, stills, seconds=4)
    assert len(scene.frames) == len(scene.times) == 100
    for one, two in zip(scene.frames, again.frames, strict=True):
        assert [seen.person for seen in one] == [seen.person for seen in two]
        people = [seen.person for seen in one if seen.person is not None]
        assert len(people) == len(set(people))
    assert len({len(frame) for frame in scene.frames}) > 1
