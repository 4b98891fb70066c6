import numpy as np
import pytest

from mien.vision.alignment import CANONICAL
from mien_lab.data.corruptions import CORRUPTIONS
from mien_lab.evaluation.conditions import glasses_like, image_conditions, luminance, terciles
from mien_lab.evaluation.face_crops import FaceCrops


def faces_of(crops, landmarks=None):
    count = len(crops)
    points = np.full((count, 5, 2), np.nan) if landmarks is None else landmarks
    names = tuple(str(index) for index in range(count))
    return FaceCrops(names, ("",) * count, np.zeros(count, np.int64), np.array(crops), points)


def test_conditions_are_of_the_picture(picture):
    crops = [np.full((48, 48), 10 * (index + 1), np.uint8) for index in range(9)]
    sizes = np.stack([CANONICAL * (1 + index) for index in range(9)])
    found = image_conditions(faces_of(crops, sizes), [*map(str, range(9)), "not found"])
    # All are flat and face the camera: only light and size vary.
    assert found.keys() == {"skin-region luminance", "face size"}
    light = found["skin-region luminance"]
    assert light.groups[0] == light.groups[2] == "lowest third (to 36.7)"
    assert light.groups[8] == "upper third (above 63.3)"
    assert light.groups[9] == ""
    assert found["face size"].edges == pytest.approx((11 / 3 * 18.1, 19 / 3 * 18.1), rel=0.01)
    assert "face size" not in image_conditions(faces_of(crops), ["0", "1"])
    assert luminance(crops[4]) == 50


def test_thirds():
    groups, edges = terciles(np.array([1, 2, 3, 4, 5, 6, np.nan]))
    assert [sum(one.startswith(word) for one in groups) for word in ("low", "mid", "upper")] == [
        2,
        2,
        2,
    ]
    assert groups[6] == ""
    assert edges == pytest.approx((2 + 2 / 3, 4 + 1 / 3))
    assert len(set(terciles(np.ones(5))[0])) == 1
    assert terciles(np.full(2, np.nan)) == (("", ""), (0.0, 0.0))


def test_glasses_raise_the_measure(picture):
    (glasses,) = [one for one in CORRUPTIONS if one.name == "sunglasses"]
    face = np.full((48, 48), 150, np.float32)
    face += np.linspace(-30, 30, 48)[None]
    for x, y in CANONICAL[[0, 1, 3, 4]].round().astype(int):
        face[y - 1 : y + 2, x - 2 : x + 3] -= 60
    face = face.astype(np.uint8)
    worn = [glasses_like(glasses.apply(face, severity)) for severity in (1, 5)]
    assert worn[1] > worn[0] > 1.5 * glasses_like(face)
