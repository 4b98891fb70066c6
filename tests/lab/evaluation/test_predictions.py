"""Labelled samples in, one table of what the pipeline says out."""

import cv2
import numpy as np
import pytest

pytest.importorskip("torch")

from mien.core.labels import Emotion
from mien_lab.data.samples import Sample, crop_of
from mien_lab.evaluation.predictions import predict


def test_predict(picture, tmp_path):
    wall = np.full((120, 160, 3), 90, np.uint8)
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    table = predict(
        [
            Sample("crop", Emotion.FEAR, pixels=picture(1), cropped=True),
            Sample("wall", Emotion.ANGER, pixels=wall),
            Sample("broken", Emotion.ANGER, path=broken),
            Sample("unlabelled", None, pixels=wall),
        ]
    )
    assert table.names == ("crop", "wall")
    assert table.found.tolist() == [True, False]
    assert table.predicted[1] == -1
    assert table.probabilities[0].sum() == pytest.approx(1)
    ((name, sentence),) = table.failures
    assert name == "broken"
    assert "broken.jpg" in sentence


def test_a_crop_without_landmarks_is_scaled(picture):
    large = cv2.resize(picture(2), (96, 96), interpolation=cv2.INTER_NEAREST)
    sample = Sample("large", None, pixels=large, cropped=True)
    assert np.abs(crop_of(sample).astype(int) - picture(2)).max() <= 1


def test_a_sample_without_a_picture_says_so():
    with pytest.raises(ValueError, match="neither pixels nor a path"):
        Sample("nothing", None).load()
