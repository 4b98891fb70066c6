import numpy as np
import pytest

from mien.core.errors import InputError
from mien.core.labels import Emotion
from mien_lab.data.samples import Sample
from mien_lab.evaluation.face_crops import cut_faces


def test_faces_of_samples(tmp_path, picture):
    wall = np.full((120, 160, 3), 90, np.uint8)
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    faces = cut_faces(
        [
            Sample("crop", Emotion.FEAR, subject="x", pixels=picture(1), cropped=True),
            Sample("wall", Emotion.ANGER, pixels=wall),
            Sample("broken", Emotion.ANGER, path=broken),
            Sample("unlabelled", None, pixels=wall),
        ]
    )
    assert (faces.names, faces.subjects, faces.missed) == (("crop",), ("x",), ("wall",))
    assert faces.crops.shape == (1, 48, 48)
    assert np.isnan(faces.landmarks).all()
    assert faces.failures[0][0] == "broken"
    with pytest.raises(InputError, match="none of 1 samples has a label"):
        cut_faces([Sample("unlabelled", None, pixels=wall)])
