import numpy as np
import pytest

pytest.importorskip("sklearn")

from mien.vision.refiner import REGION_SCALE
from mien_lab.data.drafts import Scene
from mien_lab.data.proposals import JITTERED, samples_of


class NoProposals:
    def detect(self, image):
        return []


def test_samples_hold_the_truth_in_units_of_their_square(drawn_face):
    face = drawn_face(96)
    scene = Scene(face.image, face.boxes, face.points, face.boxes[:0])
    samples = samples_of(scene, NoProposals(), np.random.default_rng(0))
    assert samples.is_face.all()
    assert samples.crops.shape == (JITTERED, 64, 64)
    size = np.sqrt(np.prod(face.boxes[0, 2:]))
    assert samples.sizes == pytest.approx(size)
    for target in samples.targets:
        middle, extent, points = target[:2], target[2:4], target[4:].reshape(5, 2)
        assert np.abs(middle).max() < 0.3
        # Whatever the displacement, the points keep their place within the box.
        side = np.exp(extent[0]) / REGION_SCALE
        inside = (points - middle) / side
        truth = (face.points[0] - face.boxes[0, :2] - face.boxes[0, 2:] / 2) / face.boxes[0, 2]
        assert inside == pytest.approx(truth, abs=1e-4)
