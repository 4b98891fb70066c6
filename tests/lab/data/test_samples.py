import cv2
import numpy as np
import pytest

from mien.core.errors import InputError
from mien.core.labels import Emotion
from mien.core.types import Box
from mien_lab.data.samples import Sample, crop_of, face_meant, require_labelled, split_rank


def test_a_crop_without_landmarks_is_scaled(picture):
    large = cv2.resize(picture(2), (96, 96), interpolation=cv2.INTER_NEAREST)
    assert np.abs(crop_of(large, None).astype(int) - picture(2)).max() <= 1


def test_a_box_is_cut_at_the_edge_of_the_picture():
    image = np.arange(48 * 48, dtype=np.uint16).astype(np.uint8).reshape(48, 48)
    sample = Sample("a", Emotion.FEAR, pixels=image, cropped=True, box=Box(-5, 40, 20, 20))
    assert np.array_equal(sample.load(), image[40:, :15])


def test_a_sample_without_a_picture_says_so():
    with pytest.raises(ValueError, match="neither pixels nor a path"):
        Sample("nothing", None).load()


@pytest.mark.parametrize(
    ("box", "found", "meant"),
    [
        (None, [], None),
        (None, [Box(0, 0, 90, 90), Box(100, 0, 40, 40)], 0),
        (Box(100, 0, 40, 40), [], None),
        (Box(98, 5, 50, 50), [Box(0, 0, 90, 90), Box(100, 0, 40, 40)], 1),
        # Of the same middle, but with only a quarter of the area in common.
        (Box(0, 0, 80, 80), [Box(20, 20, 40, 40)], None),
        (Box(0, 0, 80, 80), [Box(15, 15, 50, 50)], 0),
    ],
)
def test_the_face_that_a_box_means_need_not_be_framed_alike(box, found, meant):
    assert face_meant(Sample("a", None, box=box), found) == meant


@pytest.mark.parametrize(
    ("split", "rank"),
    [
        ("test", 0), ("PrivateTest", 0), ("evaluation", 0), ("FER2013Test", 0),
        ("PublicTest", 1), ("val_set", 1), ("dev", 1), ("FER2013Valid", 1),
        ("Training", 2), ("train", 2), ("", 3), ("extra", 3),
        ("TEST", 0), ("RAFtest", 0), ("testset", 0), ("fold2/test", 0), ("data/validation", 1),
        ("train(single-labeled)", 2), ("latest", 3), ("Contest", 3), ("device", 3), ("interval", 3),
        ("latest/train", 2), ("device/test", 0), ("strain", 3), ("retrieval", 3),
    ],
)  # fmt: skip
def test_the_name_of_a_split_says_what_it_is_for(split, rank):
    assert split_rank(split) == rank


def test_where_nothing_has_a_label_the_labels_are_named(tmp_path):
    with_one = [Sample("a", None), Sample("b", Emotion.FEAR)]
    assert require_labelled(with_one, tmp_path) == with_one[1:]
    with pytest.raises(InputError, match=r"none of the 1 pictures .*neutral, happiness"):
        require_labelled(with_one[:1], tmp_path)
