import gzip

import cv2
import numpy as np
import pytest

pytest.importorskip("sklearn")

from mien.core.errors import InputError
from mien_lab.data.scenes import (
    MISSED_BY_THE_TEACHER,
    Part,
    part_of,
    person_of,
    read_fer_faces,
    read_portraits,
    read_scenes,
    without_missed,
)
from mien_lab.evaluation.detector import read_trial


def test_parts_are_fixed_and_of_the_promised_size():
    parts = [part_of(f"person {i}") for i in range(5000)]
    assert parts.count(Part.HELD_OUT) / 5000 == pytest.approx(0.2, abs=0.02)
    assert part_of("Aaron_Eckhart") is part_of("Aaron_Eckhart")
    assert person_of("Aaron_Eckhart_0001.jpg") == "Aaron_Eckhart"


def test_reading(data_dir):
    assert len(read_portraits(data_dir, Part.TRAIN)) == 3
    assert read_portraits(data_dir, Part.HELD_OUT) == []
    assert [len(scene.boxes) for scene in read_scenes(data_dir)] in ([1, 0], [0, 1])
    faces = read_fer_faces(data_dir)
    assert faces
    assert faces[0].image.shape == (48, 48)


def test_faces_of_fer2013_come_from_what_is_published(data_dir):
    faces, folder = read_fer_faces(data_dir), data_dir / "fer2013"
    packed = folder / "fer2013.csv.gz"
    text = gzip.decompress(packed.read_bytes()).decode()
    packed.unlink()
    (folder / "fer2013.csv").write_text(text)
    again = read_fer_faces(data_dir)
    assert [face.name for face in again] == [face.name for face in faces]
    assert np.array_equal(again[0].image, faces[0].image)
    (folder / "fer2013.csv").write_text(text.replace(" ", " 256 ", 1))
    with pytest.raises(InputError, match=r"line 2 of .* does not hold the 48x48 pixels"):
        read_fer_faces(data_dir)
    (folder / "fer2013.csv").write_text(text)
    (folder / "landmarks.csv").unlink()
    with pytest.raises(InputError, match=r"landmarks\.csv is missing"):
        read_fer_faces(data_dir)


def test_repeated_pictures_are_in_the_training_part_alone(data_dir):
    parts = [part_of(f"fer2013/{row}") for row in range(20)]
    assert {Part.TRAIN, Part.HELD_OUT} <= set(parts)
    folder = data_dir / "fer2013"
    rows = (folder / "landmarks.csv").read_text().splitlines()
    label = rows[1].split(",", 1)[1]
    every = [f"{row},{label}" for row in range(20)]
    (folder / "landmarks.csv").write_text("\n".join([rows[0], *every]) + "\n")
    assert len(read_fer_faces(data_dir)) == 20
    assert len(read_fer_faces(data_dir, Part.TRAIN)) == parts.count(Part.TRAIN)
    assert read_fer_faces(data_dir, Part.HELD_OUT) == []


def test_photographs_that_faces_are_tried_on_are_not_trained_on(data_dir, people, texture):
    named = {part: next(n for n in people if part_of(person_of(n)) is part) for part in Part}
    (data_dir / "wild" / "images").mkdir(parents=True)
    for name in named.values():
        cv2.imwrite(str(data_dir / "wild" / "images" / name), texture("a").image)
    assert named[Part.TRAIN] not in {p.name for p in read_portraits(data_dir, Part.TRAIN)}
    assert len(read_portraits(data_dir, Part.TRAIN)) == 2
    assert len(read_portraits(data_dir)) == 3
    trial = read_trial(data_dir, Part.TRAIN, generated=0, groups=0)
    assert len(trial.wild) == 1


def test_photographs_with_missed_faces_are_no_negatives(drawn_face, texture):
    name = sorted(MISSED_BY_THE_TEACHER)[0]
    boxed = drawn_face(48, name)
    kept = without_missed([texture("1.jpg"), texture(name), boxed])
    assert [scene.name for scene in kept] == ["1.jpg", name]
    assert kept[1] is boxed
