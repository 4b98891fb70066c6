import cv2
import numpy as np
import pytest

from mien.core.labels import Emotion
from mien.core.types import Box
from mien_lab.data.samples import Sample, crop_of


def test_a_crop_without_landmarks_is_scaled(picture):
    large = cv2.resize(picture(2), (96, 96), interpolation=cv2.INTER_NEAREST)
    sample = Sample("large", None, pixels=large, cropped=True)
    assert np.abs(crop_of(sample).astype(int) - picture(2)).max() <= 1


def test_a_box_is_cut_at_the_edge_of_the_picture():
    image = np.arange(48 * 48, dtype=np.uint16).astype(np.uint8).reshape(48, 48)
    sample = Sample("a", Emotion.FEAR, pixels=image, cropped=True, box=Box(-5, 40, 20, 20))
    assert np.array_equal(sample.load(), image[40:, :15])


def test_a_sample_without_a_picture_says_so():
    with pytest.raises(ValueError, match="neither pixels nor a path"):
        Sample("nothing", None).load()
