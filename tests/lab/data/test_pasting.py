import numpy as np
import pytest

pytest.importorskip("sklearn")

from mien_lab.data.pasting import Placement, paste


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("angle", [0.0, 30.0])
def test_pasted_points_lie_on_the_features(drawn_face, mirror, angle):
    canvas = np.full((200, 200), 128, np.uint8)
    place = Placement(centre=(100.0, 90.0), size=80.0, angle=angle, mirror=mirror)
    box, points = paste(canvas, drawn_face(128), place)
    assert box[:2] + box[2:] / 2 == pytest.approx([100, 90], abs=0.01)
    assert all(canvas[int(y), int(x)] < 90 for x, y in points)
    turn = np.radians(angle)
    right_of = (points[1] - points[0]) @ [np.cos(turn), np.sin(turn)]
    assert right_of > 0, "the person's right eye is at the left of the picture, mirrored or not"
