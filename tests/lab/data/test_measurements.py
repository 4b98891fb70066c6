import cv2
import numpy as np
import pytest

pytest.importorskip("imagehash")

from mien_lab.data.measurements import perceptual_hash


def test_the_hash_outlives_what_copies_suffer(picture):
    whole = cv2.resize(picture(1), (200, 200), interpolation=cv2.INTER_CUBIC)
    _, packed = cv2.imencode(".jpg", whole, [cv2.IMWRITE_JPEG_QUALITY, 60])
    copy = cv2.resize(cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE), (130, 130))
    brighter = np.clip(whole.astype(int) + 15, 0, 255).astype(np.uint8)
    for other in (copy, brighter):
        assert perceptual_hash(whole) @ perceptual_hash(other) >= 64 - 2 * 4
    assert perceptual_hash(whole) @ perceptual_hash(picture(2)) < 40
