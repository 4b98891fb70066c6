from dataclasses import dataclass, field, replace

import cv2
import numpy as np
import pytest

from mien.core.errors import InputError
from mien.runtime.artifact import Card
from mien.runtime.session import open_session
from mien.vision.detector import FaceDetector

CARD = Card(
    name="detector",
    file="detector.onnx",
    sha256="",
    version="0",
    kind="face-detector",
    precision="fp32",
    input={"name": "image", "shape": ["N", 1, "H", "W"], "range": [0, 255], "color": "grey"},
    extra={"threshold": 0.5, "strides": [8, 16, 32], "sizes": [24.0, 64.0, 192.0]},
)


@dataclass
class PlantedSession:
    """Outputs a face in each given cell: (stride, row, column, score, dx, log size)."""

    cells: list[tuple[int, int, int, float, float, float]] = field(default_factory=list)
    card: Card = CARD
    shapes: list[tuple[int, ...]] = field(default_factory=list)
    least_side: int = 0

    def run(self, inputs):
        image = inputs["image"]
        assert image.dtype == np.float32
        self.shapes.append(image.shape)
        height, width = image.shape[2:]
        assert height % 32 == 0
        assert width % 32 == 0
        maps = {
            f"level{s}": np.zeros((1, 15, height // s, width // s), np.float32) for s in (8, 16, 32)
        }
        if max(height, width) >= self.least_side:
            for stride, row, column, score, shift, size in self.cells:
                maps[f"level{stride}"][0, [0, 1, 3, 4], row, column] = [score, shift, size, size]
                maps[f"level{stride}"][0, 5:, row, column] = np.arange(10) / 10
        return maps


def single(session, **settings):
    """A detector that searches small pictures at their own size."""
    return FaceDetector(session, search_size=128, **settings)


@pytest.fixture(scope="module")
def shipped():
    return FaceDetector(open_session("detector", threads=1))


def test_a_planted_face_is_decoded_to_pixels():
    detector = single(PlantedSession([(16, 2, 3, 0.9, 0.5, np.log(0.5))]))
    (face,) = detector.detect(np.zeros((96, 128, 3), np.uint8))
    assert face.score == pytest.approx(0.9)
    # centre of cell (3.5 + 0.5, 2.5) * 16, side 64 / 2
    assert (face.box.x, face.box.y) == pytest.approx((48.0, 24.0))
    assert (face.box.width, face.box.height) == pytest.approx((32.0, 32.0))
    assert face.landmarks.right_eye == pytest.approx((56.0, 46.4))
    assert face.landmarks.left_mouth == pytest.approx((56 + 0.8 * 64, 40 + 0.9 * 64), abs=1e-3)


def test_large_pictures_are_mapped_back_to_their_own_pixels():
    session = PlantedSession([(32, 1, 1, 0.9, 0.0, 0.0)], least_side=640)
    detector = FaceDetector(session, search_size=640)
    (face,) = detector.detect(np.zeros((960, 1280), np.uint8))
    assert session.shapes[0] == (1, 1, 480, 640)
    assert face.box.width == pytest.approx(384.0)
    assert face.box.x + face.box.width / 2 == pytest.approx(96.0)


def test_large_pictures_are_searched_again_finer():
    session = PlantedSession()
    FaceDetector(session, search_size=960).detect(np.zeros((1280, 1920), np.uint8))
    assert [shape[3] for shape in session.shapes] == [960, 480, 256, 128]


def test_large_pictures_are_read_once(monkeypatch):
    sources = []
    resize = cv2.resize
    monkeypatch.setattr(
        "mien.vision.proposals.cv2.resize",
        lambda image, size, **options: (
            sources.append(image.shape) or resize(image, size, **options)
        ),
    )
    session = PlantedSession()
    FaceDetector(session, search_size=640).detect(np.zeros((1280, 960), np.uint8))
    assert [shape[2:] for shape in session.shapes] == [(640, 480), (320, 256), (160, 128)]
    assert sources == [(1280, 960), (640, 480), (320, 240)]


def test_small_pictures_are_enlarged_at_most_twofold():
    session = PlantedSession()
    FaceDetector(session).detect(np.zeros((48, 48), np.uint8))
    assert session.shapes == [(1, 1, 96, 96)]


def test_overlapping_and_nested_boxes_are_one_face():
    cells = [(16, 2, 2, 0.9, 0.0, 0.0), (16, 2, 3, 0.8, -0.9, 0.0), (8, 4, 4, 0.7, 0.5, 0.0)]
    faces = single(PlantedSession(cells)).detect(np.zeros((96, 128), np.uint8))
    assert [round(face.score, 3) for face in faces] == [0.9]


def test_best_score_first_and_below_threshold_left_out():
    cells = [(8, 1, 1, 0.6, 0.0, 0.0), (8, 1, 9, 0.8, 0.0, 0.0), (8, 9, 9, 0.4, 0.0, 0.0)]
    faces = single(PlantedSession(cells)).detect(np.zeros((96, 128), np.uint8))
    assert [round(face.score, 3) for face in faces] == [0.8, 0.6]


def test_what_is_too_small_for_a_face_is_left_out():
    cells = [(8, 1, 1, 0.9, 0.0, np.log(9.5 / 24)), (8, 9, 9, 0.8, 0.0, np.log(10.5 / 24))]
    faces = single(PlantedSession(cells)).detect(np.zeros((96, 128), np.uint8))
    assert [round(face.score, 3) for face in faces] == [0.8]


@pytest.mark.parametrize("settings", [{"threshold": 0.0}, {"threshold": 1.0}, {"search_size": 8}])
def test_settings_out_of_range(settings):
    with pytest.raises(InputError):
        FaceDetector(PlantedSession(), **settings)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4), np.float32),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros(4, np.uint8),
        "face.jpg",
    ],
)
def test_what_is_no_picture(image):
    with pytest.raises(InputError, match="picture"):
        FaceDetector(PlantedSession()).detect(image)


@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 1, 3), (1, 20000), (20000, 1, 3), (480, 640, 3), (0, 5, 3), (31, 33)]
)
@pytest.mark.parametrize("level", [0, 255])
def test_nothing_to_find(shipped, shape, level):
    assert shipped.detect(np.full(shape, level, np.uint8)) == []


def test_a_portrait_is_found_in_every_size(shipped):
    cv2 = pytest.importorskip("cv2")
    astronaut = pytest.importorskip("skimage.data").astronaut()
    for factor in (0.25, 0.5, 1.0, 2.5):
        image = cv2.resize(astronaut, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        face = shipped.detect(image)[0]
        assert face.box.x + face.box.width / 2 == pytest.approx(224 * factor, abs=16 * factor)
        assert face.box.y + face.box.height / 2 == pytest.approx(113 * factor, abs=20 * factor)
        points = face.landmarks.as_array() / factor
        assert points[0, 0] < points[2, 0] < points[1, 0]
        assert points[:2, 1].max() < points[2, 1] < points[3:, 1].min()


def test_colour_plays_no_part(shipped):
    astronaut = pytest.importorskip("skimage.data").astronaut()
    cv2 = pytest.importorskip("cv2")
    assert shipped.detect(astronaut) == shipped.detect(cv2.cvtColor(astronaut, cv2.COLOR_RGB2GRAY))


class Mover:
    """A refiner that moves all proposals to one face and scores those moved furthest highest."""

    threshold, least_proposal = 0.5, 0.25
    face = np.array([40, 30, 40, 40], np.float32)

    def refine(self, grey, found):
        moved = np.abs(found.boxes - self.face).sum(axis=1)
        scores = (0.6 + 0.3 * moved / max(float(moved.max()), 1e-6)).astype(np.float32)
        return replace(found, boxes=np.tile(self.face, (len(found.boxes), 1)), scores=scores)


def test_of_proposals_refined_to_one_face_the_least_moved_counts():
    whole = (16, 3, 3, 0.6, 0.25, np.log(40 / 64))
    part = (8, 4, 5, 0.9, 0.0, np.log(16 / 24))
    detector = single(PlantedSession([whole, part]), refiner=Mover())
    alone = single(PlantedSession([whole]), refiner=Mover())
    (face,), (same,) = (d.detect(np.zeros((128, 128), np.uint8)) for d in (detector, alone))
    assert face.landmarks == same.landmarks
