from dataclasses import replace

import cv2
import numpy as np
import pytest

pytest.importorskip("sklearn")

from mien_lab.data.drafts import Draft
from mien_lab.data.framing import cut, fill


@pytest.mark.parametrize("angle", [0.0, 25.0])
@pytest.mark.parametrize("scale", [0.5, 1.5])
def test_landmarks_move_with_the_photograph(drawn_face, angle, scale):
    scene = drawn_face(128)
    sides = set()
    for seed in range(8):
        draft = Draft(np.full((240, 240), 128, np.uint8))
        fill(draft, np.random.default_rng(seed), scene, scale, angle, cv2.BORDER_CONSTANT)
        for box, points in zip(draft.boxes, draft.points, strict=True):
            inside = points[((points >= 0) & (points < 240)).all(axis=1)]
            assert all(draft.canvas[int(y), int(x)] < 90 for x, y in inside)
            assert ((points > box[:2]) & (points < box[:2] + box[2:])).all()
            sides.add(bool(points[0, 0] < points[1, 0]))
    assert sides == {True}, "the person's right eye is at the left, mirrored or not"


def test_doubtful_faces_count_neither_way(drawn_face):
    scene = replace(drawn_face(96), scores=np.float32([0.5]))
    draft = Draft(np.zeros((96, 96), np.uint8))
    fill(draft, np.random.default_rng(0), scene, 1.0, 0.0, cv2.BORDER_CONSTANT)
    assert not draft.boxes
    assert len(draft.ignored) == 1


def test_a_part_of_a_photograph_may_lie_on_its_side(texture):
    """Brighter from the left to the right: turned, from the top to the bottom or the other way."""
    ramp = np.tile(np.linspace(60, 190, 160).astype(np.uint8), (120, 1))
    scene = replace(texture("a"), image=ramp)

    def slopes(turn):
        for seed in range(30):
            part = cut(np.random.default_rng(seed), scene, 64, 48, (1.0, 1.5), turn=turn)
            assert part.shape == (48, 64)
            yield [np.abs(np.diff(part.mean(axis=axis))).mean() for axis in (0, 1)]

    assert all(across > down for across, down in slopes(turn=False))
    turned = [down > across for across, down in slopes(turn=True)]
    assert 3 < sum(turned) < 20
