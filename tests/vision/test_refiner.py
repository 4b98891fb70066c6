from dataclasses import dataclass, field

import numpy as np
import pytest

from mien.core.errors import ArtifactError
from mien.runtime.artifact import Card
from mien.runtime.session import open_session
from mien.vision.detector import FaceDetector
from mien.vision.proposals import Proposals
from mien.vision.pyramid import Pyramid
from mien.vision.refiner import REGION_SCALE, REGION_SIZE, FaceRefiner, cut_region, regions_of

SETTINGS = {"threshold": 0.6, "least_proposal": 0.2, "trust_in_proposal": 0.0}


def card(**extra):
    return Card(
        "refiner", "refiner.onnx", "", "0", "face-refiner", "fp32", {"name": "crops"}, extra=extra
    )


@dataclass
class PlantedSession:
    """Gives the same output for every crop, and its mirrored form for mirror images."""

    answer: np.ndarray
    card: Card = field(default_factory=lambda: card(**SETTINGS))
    crops: list[np.ndarray] = field(default_factory=list)

    def run(self, inputs):
        self.crops.append(inputs["crops"])
        mirrored = self.answer.copy()
        mirrored[5:] = mirrored[5:].reshape(5, 2)[[1, 0, 2, 4, 3]].reshape(-1)
        mirrored[[1, *range(5, 15, 2)]] *= -1
        count = len(inputs["crops"])
        return {"faces": np.array([self.answer] * (count - count // 2) + [mirrored] * (count // 2))}


def answer(logit=2.0, **others):
    values = np.zeros(15, np.float32)
    values[0] = logit
    for index, value in others.items():
        values[int(index[1:])] = value
    return values


def proposals(*boxes, scores=None):
    rows = np.array(boxes, np.float32).reshape(-1, 4)
    score = np.full(len(rows), 0.5, np.float32) if scores is None else np.array(scores, np.float32)
    return Proposals(rows, np.zeros((len(rows), 10), np.float32), score, score)


def test_a_region_is_a_square_around_the_box():
    ((x, y, side),) = regions_of(np.array([[10, 20, 30, 40]], np.float32))
    assert (x, y) == (25.0, 40.0)
    assert side == pytest.approx(REGION_SCALE * np.sqrt(1200))


@pytest.mark.parametrize("factor", [1, 3])
def test_a_crop_shows_its_region_and_goes_on_beyond_the_picture(factor):
    image = np.zeros((200 * factor, 200 * factor), np.uint8)
    image[: 100 * factor, : 100 * factor] = 200
    crop = cut_region(image, np.array([100, 100, 64]) * factor)
    half = REGION_SIZE // 2
    assert (crop[: half - 1, : half - 1] == 200).all()
    assert (crop[half + 1 :] == 0).all()
    assert (crop[:, half + 1 :] == 0).all()
    assert (cut_region(image, np.array([0, 0, 64]) * factor) == 200).all()


def test_outputs_are_relative_to_the_region():
    session = PlantedSession(answer(0.0, v1=0.1, v3=np.log(0.5), v5=-0.25, v14=0.25))
    found = FaceRefiner(session).refine(
        np.tile(np.arange(200, dtype=np.uint8), (200, 1)), proposals((50, 50, 40, 40))
    )
    side = REGION_SCALE * 40
    assert found.boxes[0] == pytest.approx([70 + 0.1 * side - 10, 50, 20, 40], abs=1e-3)
    assert found.points[0, 0] == pytest.approx(70 - 0.25 * side)
    assert found.points[0, 9] == pytest.approx(70 + 0.25 * side)
    assert found.scores[0] == pytest.approx(0.5)
    assert session.crops[0].shape == (2, 1, REGION_SIZE, REGION_SIZE)
    assert (session.crops[0][1] == session.crops[0][0, :, :, ::-1]).all()


def test_a_sure_proposal_counts_for_the_score():
    trusting = card(**SETTINGS | {"trust_in_proposal": 1.0})
    refiner = FaceRefiner(PlantedSession(answer(0.0), trusting))
    boxes = [(50, 50, 40, 40), (90, 50, 40, 40)]
    found = refiner.refine(np.zeros((200, 200), np.uint8), proposals(*boxes, scores=[0.9, 0.2]))
    assert found.scores == pytest.approx([0.75, 1 / 3], abs=1e-4)


def test_without_proposals_the_network_is_not_run():
    session = PlantedSession(answer())
    assert len(FaceRefiner(session).refine(np.zeros((9, 9), np.uint8), proposals()).boxes) == 0
    assert session.crops == []


@pytest.mark.parametrize(("logit", "sizes"), [(-4.0, [9]), (-2.0, [9, 9])])
def test_of_many_crops_only_likely_faces_are_mirrored(logit, sizes):
    session = PlantedSession(answer(logit))
    many = proposals(*[(x, 50, 40, 40) for x in range(10, 100, 10)])
    image = np.tile(np.arange(200, dtype=np.uint8), (200, 1))
    FaceRefiner(session).refine(Pyramid(image), many)
    assert [len(crops) for crops in session.crops] == sizes
    assert all((crops == session.crops[0][..., ::-1]).all() for crops in session.crops[1:])


def test_a_pyramid_shows_the_same_as_the_picture():
    y, x = np.mgrid[0:400, 0:600]
    image = ((np.sin(x / 31) + np.cos(y / 23) + 2) * 63).astype(np.uint8)
    pyramid = Pyramid(image)
    for region in ([300, 200, 500], [90, 300, 140], [310, 130, 64]):
        shared, alone = (cut_region(of, np.array(region)) for of in (pyramid, image))
        assert np.abs(shared.astype(int) - alone.astype(int)).max() <= 2


def test_a_card_without_settings_is_an_error():
    with pytest.raises(ArtifactError, match="threshold"):
        FaceRefiner(PlantedSession(answer(), card()))


def test_the_refinement_network_decides():
    session = open_session("detector", threads=1)
    astronaut = pytest.importorskip("skimage.data").astronaut()
    for logit, count in ((5.0, True), (-5.0, False)):
        refiner = FaceRefiner(PlantedSession(answer(logit)))
        assert bool(FaceDetector(session, refiner).detect(astronaut)) is count
