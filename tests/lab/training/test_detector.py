import csv
import gzip
import json
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from mien.core.errors import InputError, OutputError  # noqa: E402
from mien.core.types import Box, Face, Landmarks  # noqa: E402
from mien.pipeline.build import Config, build_detector  # noqa: E402
from mien.runtime.session import open_session  # noqa: E402
from mien.vision.landmarks import LandmarkPlacer  # noqa: E402
from mien.vision.refiner import CONTEXT  # noqa: E402
from mien_lab.data.centerface import is_installed  # noqa: E402
from mien_lab.data.drafts import Scene  # noqa: E402
from mien_lab.data.face_labels import POINTS  # noqa: E402
from mien_lab.data.pasting import Placement, paste  # noqa: E402
from mien_lab.data.proposals import JITTERED, samples_of  # noqa: E402
from mien_lab.data.scenes import (  # noqa: E402
    Part,
    Picture,
    part_of,
    person_of,
    read_fer_faces,
    read_portraits,
    read_scenes,
)
from mien_lab.data.synthesis import SceneKind, Synthesis  # noqa: E402
from mien_lab.evaluation import detector_threshold  # noqa: E402
from mien_lab.evaluation.detector import read_trial  # noqa: E402
from mien_lab.evaluation.detector_threshold import choose_threshold  # noqa: E402
from mien_lab.training import detector as detector_training  # noqa: E402
from mien_lab.training import landmarks, refiner  # noqa: E402
from mien_lab.training.detector import DetectorConfig, train_detector  # noqa: E402
from mien_lab.training.detector_export import export_detector  # noqa: E402
from mien_lab.training.detector_loss import (  # noqa: E402
    BACKGROUND,
    IGNORED,
    Cells,
    assign,
    detection_losses,
)
from mien_lab.training.detector_net import DetectorNet, flatten  # noqa: E402
from mien_lab.training.landmarks import (  # noqa: E402
    LandmarksConfig,
    train_landmarks,
    upright_faces,
)
from mien_lab.training.landmarks_export import export_landmarks  # noqa: E402
from mien_lab.training.refiner import RefinerConfig, train_refiner  # noqa: E402
from mien_lab.training.refiner_export import export_refiner  # noqa: E402
from mien_lab.training.refiner_net import RefinerNet  # noqa: E402
from mien_lab.training.run import Run  # noqa: E402
from mien_lab.training.weight_files import ship  # noqa: E402

FIVE = np.array([[0.27, 0.375], [0.73, 0.375], [0.5, 0.59], [0.31, 0.75], [0.69, 0.75]], np.float32)
HEADER = ["score", "x", "y", "w", "h"] + [f"{name}_{axis}" for name in POINTS for axis in "xy"]


PEOPLE = [f"P{i}_0001.jpg" for i in range(99)]


class NoProposals:
    def detect(self, image):
        return []


def drawn_face(side: int, name: str = "face") -> Picture:
    image = np.full((side, side), 60, np.uint8)
    box = np.array([0.15, 0.05, 0.7, 0.9], np.float32) * side
    centre = (int(side / 2), int(side / 2))
    cv2.ellipse(image, centre, (int(0.35 * side), int(0.45 * side)), 0, 0, 360, (190,), -1)
    points = box[:2] + FIVE * box[2:]
    for x, y in points:
        cv2.circle(image, (int(x), int(y)), max(side // 20, 1), (20,), -1)
    return Picture(name, image, box[None], points[None], np.float32([0.95]))


def texture(name: str) -> Picture:
    image = np.random.default_rng(len(name)).integers(0, 255, (120, 160), dtype=np.uint8)
    nothing = np.zeros((0, 4), np.float32)
    return Picture(name, image, nothing, np.zeros((0, 5, 2), np.float32), np.zeros(0, np.float32))


@pytest.fixture
def synthesis():
    return Synthesis([drawn_face(128)], [drawn_face(48)], [texture("a"), texture("bb")], seed=1)


@pytest.fixture
def data_dir(tmp_path):
    people = [name for name in PEOPLE if is_training(person_of(name))]
    photographs = [name for name in (f"s{i}.jpg" for i in range(99)) if is_training(name)]
    write_pictures(tmp_path / "faces", {name: drawn_face(96) for name in people[:3]})
    write_pictures(
        tmp_path / "scenes", {photographs[0]: drawn_face(128), photographs[1]: texture("a")}
    )
    folder = tmp_path / "fer2013"
    folder.mkdir()
    small = drawn_face(48)
    pixels = " ".join(str(value) for value in small.image.ravel())
    rows = [i for i in range(20) if is_training(f"fer2013/{i}")]
    with gzip.open(folder / "fer2013.csv.gz", "wt") as file:
        csv.writer(file).writerows(
            [["emotion", "pixels", "Usage"], *([0, pixels, "Training"] for _ in range(20))]
        )
    with (folder / "landmarks.csv").open("w") as file:
        csv.writer(file).writerows([["row", *HEADER], *([i, *label_row(small)] for i in rows)])
    return tmp_path


def is_training(key: str) -> bool:
    return part_of(key) is Part.TRAIN


def label_row(picture: Picture) -> list[float]:
    return [0.95, *picture.boxes[0].tolist(), *picture.points[0].ravel().tolist()]


def write_pictures(folder, pictures):
    (folder / "images").mkdir(parents=True)
    with (folder / "faces.csv").open("w") as file:
        writer = csv.writer(file)
        writer.writerow(["image", *HEADER])
        for name, picture in pictures.items():
            cv2.imwrite(str(folder / "images" / name), picture.image)
            if len(picture.boxes):
                writer.writerow([name, *label_row(picture)])


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


def test_photographs_that_faces_are_tried_on_are_not_trained_on(data_dir):
    named = {part: next(n for n in PEOPLE if part_of(person_of(n)) is part) for part in Part}
    (data_dir / "wild" / "images").mkdir(parents=True)
    for name in named.values():
        cv2.imwrite(str(data_dir / "wild" / "images" / name), texture("a").image)
    assert named[Part.TRAIN] not in {p.name for p in read_portraits(data_dir, Part.TRAIN)}
    assert len(read_portraits(data_dir, Part.TRAIN)) == 2
    assert len(read_portraits(data_dir)) == 3
    trial = read_trial(data_dir, Part.TRAIN, generated=0, groups=0)
    assert len(trial.wild) == 1


@pytest.mark.parametrize("kind", list(SceneKind))
def test_scenes_are_deterministic_and_sound(synthesis, kind):
    first, second = (synthesis.scene(5, 160, kind) for _ in range(2))
    np.testing.assert_array_equal(first.image, second.image)
    np.testing.assert_array_equal(first.boxes, second.boxes)
    assert first.image.shape == (160, 160)
    assert first.image.dtype == np.uint8
    assert first.points.shape == (len(first.boxes), 5, 2)
    if kind is SceneKind.EMPTY:
        assert len(first.boxes) == 0


def test_a_plain_portrait_keeps_its_shape_and_points(synthesis, data_dir):
    portraits = read_portraits(data_dir, Part.TRAIN)
    shapes = {tuple(np.round(p.boxes[0, 2:] / p.boxes[0, 2], 3)) for p in portraits}
    for index in range(6):
        scene = synthesis.scene(index, 160, SceneKind.PLAIN)
        assert len(scene.boxes) == 1
        assert tuple(np.round(scene.boxes[0, 2:] / scene.boxes[0, 2], 3)) in shapes
        right, left = scene.points[0, :2]
        assert right[0] < left[0], "mirrored or not"
        # Points scale with the box.
        place = (scene.points[0] - scene.boxes[0, :2]) / scene.boxes[0, 2:]
        assert ((place > 0) & (place < 1)).all()


def test_a_group_has_its_people(synthesis):
    assert len(synthesis.group(0, 15, 960, 640).boxes) == 15


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("angle", [0.0, 30.0])
def test_pasted_points_lie_on_the_features(mirror, angle):
    canvas = np.full((200, 200), 128, np.uint8)
    place = Placement(centre=(100.0, 90.0), size=80.0, angle=angle, mirror=mirror)
    box, points = paste(canvas, drawn_face(128), place)
    assert box[:2] + box[2:] / 2 == pytest.approx([100, 90], abs=0.01)
    assert all(canvas[int(y), int(x)] < 90 for x, y in points)
    turn = np.radians(angle)
    right_of = (points[1] - points[0]) @ [np.cos(turn), np.sin(turn)]
    assert right_of > 0, "the person's right eye is at the left of the picture, mirrored or not"


def test_each_face_has_a_cell_and_doubtful_ones_have_none():
    cells = Cells.of(288)
    boxes = np.array([[10, 10, 9, 11], [60, 60, 40, 50], [120, 20, 160, 240]], np.float32)
    ignored = np.array([[20, 200, 40, 40]], np.float32)
    owner = assign(cells, boxes, ignored)
    assert {0, 1, 2, IGNORED, BACKGROUND} == set(owner.tolist())
    for index in range(3):
        assert (cells.strides[owner == index] > 0).any()
    assert set(cells.strides[owner == 0]) == {8}
    assert set(cells.strides[owner == 2]) == {32}
    assert assign(cells, boxes[:0], boxes[:0]).tolist() == [BACKGROUND] * len(owner)


def test_losses_vanish_for_the_truth_and_skip_the_unknown():
    cells = Cells.of(64)
    box = np.array([[12, 14, 36, 40]], np.float32)
    owner = assign(cells, box, box[:0])
    centres, strides, sizes = map(torch.from_numpy, (cells.centres, cells.strides, cells.sizes))
    raw = torch.full((1, len(owner), 15), 0.0)
    raw[..., 0] = -12.0
    raw[0, torch.from_numpy(owner) >= 0, 0] = 12.0
    raw[..., 1:3] = (torch.tensor([30.0, 34.0]) - centres) / strides[:, None]
    raw[..., 3:5] = torch.log(torch.tensor([36.0, 40.0]) / sizes[:, None])
    boxes = torch.from_numpy(box).expand(1, len(owner), 4)
    points = torch.full((1, len(owner), 10), float("nan"))
    losses = detection_losses(
        raw, torch.from_numpy(owner)[None], boxes, points, (centres, strides, sizes)
    )
    assert float(losses.score) < 1e-3
    assert float(losses.box) < 1e-4
    assert float(losses.points) == 0.0
    wrong = detection_losses(
        torch.zeros_like(raw),
        torch.from_numpy(owner)[None],
        boxes,
        torch.zeros_like(points),
        (centres, strides, sizes),
    )
    assert min(float(cost) for cost in (wrong.score, wrong.box, wrong.points)) > 0.1


def test_the_network_is_small_and_takes_any_multiple_of_32():
    net = DetectorNet().eval()
    assert sum(p.numel() for p in net.parameters()) < 200_000
    assert flatten(net(torch.zeros(2, 1, 64, 96))).shape == (2, 8 * 12 + 4 * 6 + 2 * 3, 15)


def test_the_second_network_is_small():
    net = RefinerNet().eval()
    assert sum(p.numel() for p in net.parameters()) < 270_000
    assert net(torch.zeros(2, 1, 64, 64)).shape == (2, 15)


def interrupt(monkeypatch, start):
    """Begin a run that is interrupted after its first epoch."""
    save = Run.save

    def last(*arguments):
        save(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Run, "save", last)
        with pytest.raises(KeyboardInterrupt):
            start()


def test_a_resumed_detector_is_the_one_of_an_unbroken_run(data_dir, tmp_path, monkeypatch):
    settings = {"steps_per_epoch": 2, "batch": 4, "size": 96, "workers": 0}
    config = DetectorConfig(data_dir, epochs=3, mine_every=2, **settings)
    whole = torch.load(train_detector(config, tmp_path / "whole"), weights_only=True)
    parted = tmp_path / "parted"
    interrupt(monkeypatch, lambda: train_detector(config, parted))
    resumed = torch.load(train_detector(config, parted, resume=True), weights_only=True)
    for name, value in whole["net"].items():
        assert torch.equal(value, resumed["net"][name]), name


def test_a_loss_that_is_no_number_keeps_the_checkpoint(data_dir, tmp_path, monkeypatch):
    settings = {"steps_per_epoch": 2, "batch": 4, "size": 96, "workers": 0}
    config = DetectorConfig(data_dir, epochs=2, **settings)
    interrupt(monkeypatch, lambda: train_detector(config, tmp_path / "run"))
    before = (tmp_path / "run" / "last.pt").read_bytes()
    total = detector_training._total
    with monkeypatch.context() as patched:
        patched.setattr(detector_training, "_total", lambda *losses: total(*losses) * float("nan"))
        with pytest.raises(FloatingPointError, match=r"nan in epoch 2, step 1; .* lower --rate"):
            train_detector(config, tmp_path / "run", resume=True)
    assert (tmp_path / "run" / "last.pt").read_bytes() == before
    # What the error advises: another folder, a lower rate, from what was kept.
    lower = replace(config, rate=1e-4, warm_start=tmp_path / "run" / "last.pt")
    again = train_detector(lower, tmp_path / "again")
    assert torch.load(again, weights_only=True)["epoch"] == 2


def test_train_resume_export_detect(data_dir, tmp_path, monkeypatch):
    run = tmp_path / "run"
    settings = {"steps_per_epoch": 2, "batch": 4, "size": 96, "workers": 0}
    config = DetectorConfig(data_dir, epochs=2, **settings)
    interrupt(monkeypatch, lambda: train_detector(config, run))
    with pytest.raises(OutputError):
        train_detector(config, run)
    with pytest.raises(InputError, match="was begun with epochs 2; resume with the same options"):
        train_detector(replace(config, epochs=3), run, resume=True)
    checkpoint = train_detector(config, run, resume=True)
    curve = [json.loads(line) for line in (run / "curve.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in curve] == [1, 2]
    weights = tmp_path / "weights"
    target = export_detector(checkpoint, weights)
    assert target.stat().st_size < 400_000
    settings = {"scenes": 12, "size": 96, "batch": 4, "detector_weights": weights}
    refining, second = RefinerConfig(data_dir, epochs=2, **settings), tmp_path / "second"
    interrupt(monkeypatch, lambda: train_refiner(refining, second))
    with pytest.raises(OutputError):
        train_refiner(refining, second)
    first = train_refiner(refining, second, resume=True)
    again = RefinerConfig(data_dir, epochs=1, warm_start=first, **settings)
    third = train_refiner(again, tmp_path / "third")
    target = export_refiner([first, third], weights, threshold=0.6)
    assert target.stat().st_size < 540_000
    export_landmarks(landmarks_run(data_dir, tmp_path / "fourth"), weights)
    detector = build_detector(Config(threads=1, weights=weights))
    assert detector.threshold == 0.6
    assert isinstance(detector.detect(drawn_face(96).image), list)
    assert set(choose_threshold(data_dir, weights)["table"]) == {"train"}


class Scored:
    """Finds in each picture a face of each score that is noted of it."""

    def __init__(self, scores):
        self.scores = scores

    def detect(self, image):
        five = Landmarks.from_array(FIVE * 10)
        return [Face(Box(0, 0, 10, 10), score, five) for score in self.scores.get(id(image), [])]


@pytest.mark.parametrize(
    ("validation", "threshold"), [([0.95, 0.85], 0.86), ([0.55, 0.45], 0.71), ([], 0.71)]
)
def test_the_threshold_is_the_lowest_with_few_enough_alarms(monkeypatch, validation, threshold):
    """Of 400 photographs two may give alarm, of ten one."""
    parts = {
        Part.TRAIN: [texture("a") for _ in range(400)],
        Part.VALIDATION: [texture("a") for _ in range(10)],
    }
    face = drawn_face(10)
    face.boxes[:] = (0, 0, 10, 10)
    scores = {id(face.image): [0.75]}
    for part, alarms in ((Part.TRAIN, [0.9, 0.8, 0.7, 0.3]), (Part.VALIDATION, validation)):
        scores |= {id(scene.image): [s] for scene, s in zip(parts[part], alarms, strict=False)}
    parts[Part.TRAIN].append(face)
    monkeypatch.setattr(detector_threshold, "build_detector", lambda config: Scored(scores))
    monkeypatch.setattr(detector_threshold, "read_scenes", lambda folder, part: parts[part])
    choice = choose_threshold(Path())
    assert choice["threshold"] == threshold
    rows = {row["threshold"]: row for row in choice["table"]["train"]}
    assert rows[0.1] == {"threshold": 0.1, "false_alarms_per_100": 1.0, "recall_sure": 1.0}
    assert rows[0.75] == {"threshold": 0.75, "false_alarms_per_100": 0.5, "recall_sure": 1.0}
    assert rows[0.8]["recall_sure"] == 0.0


def checkpoint(net, path):
    """What a run would have kept of a network."""
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"average": net.state_dict()}, path)
    return path


def test_crops_are_kept_for_what_decides_them(data_dir, tmp_path, monkeypatch):
    made = []

    def noted(scene, *rest):
        made.append(scene)
        return samples_of(scene, *rest)

    monkeypatch.setattr(refiner, "samples_of", noted)
    first, second = (tmp_path / name for name in ("first", "second"))
    for folder in (first, second):
        export_detector(checkpoint(DetectorNet(), folder / "net.pt"), folder)
    warm = checkpoint(RefinerNet(), tmp_path / "warm.pt")
    run = tmp_path / "run"
    config = RefinerConfig(data_dir, scenes=2, size=96, detector_weights=first, warm_start=warm)
    crops = refiner.gather(config, run).crops
    assert len(made) == 2
    moved = tmp_path / "moved"
    for name in ("faces", "scenes", "fer2013"):
        shutil.copytree(data_dir / name, moved / name)
    assert np.array_equal(
        refiner.gather(replace(config, data_dir=moved, epochs=9), run).crops, crops
    )
    assert len(made) == 2
    for change in (
        {"scenes": 1}, {"size": 128}, {"proposals": 0.3}, {"seed": 5}, {"cover_chance": 0.9},
        {"detector_weights": second}, {"warm_start": None},
    ):  # fmt: skip
        made.clear()
        refiner.gather(replace(config, **change), run)
        assert made, change
    two_teachers = is_installed()
    for name, other in (("CYCLE", (SceneKind.PLAIN,)), ("is_installed", lambda: not two_teachers)):
        made.clear()
        with monkeypatch.context() as patched:
            patched.setattr(refiner, name, other)
            refiner.gather(config, run)
        assert made, name
    made.clear()
    checkpoint(RefinerNet(), warm)
    refiner.gather(config, run)
    assert len(made) == 2
    with (moved / "scenes" / "faces.csv").open("a") as file:
        file.write("\n")
    refiner.gather(replace(config, data_dir=moved), run)
    assert len(made) == 4


def landmarks_run(data_dir, folder, **settings):
    config = LandmarksConfig(data_dir, **{"epochs": 2, "steps": 3, "batch": 20, **settings})
    return train_landmarks(config, folder)


def test_a_resumed_training_of_landmarks_is_the_one_of_an_unbroken_run(
    data_dir, tmp_path, monkeypatch
):
    whole = torch.load(landmarks_run(data_dir, tmp_path / "whole"), weights_only=True)
    interrupt(monkeypatch, lambda: landmarks_run(data_dir, tmp_path / "parted"))
    with pytest.raises(OutputError):
        landmarks_run(data_dir, tmp_path / "parted")
    config = LandmarksConfig(data_dir, epochs=2, steps=3, batch=20)
    resumed = torch.load(
        train_landmarks(config, tmp_path / "parted", resume=True), weights_only=True
    )
    for name, value in whole["net"].items():
        assert torch.equal(value, resumed["net"][name]), name
    assert whole["epoch"] == resumed["epoch"] == 2


def test_landmarks_are_learned_exported_and_placed(data_dir, tmp_path):
    settings = {"epochs": 3, "steps": 60, "batch": 40}
    checkpoint = landmarks_run(data_dir, tmp_path / "run", **settings)
    curve = (tmp_path / "run" / "curve.jsonl").read_text().splitlines()
    losses = [json.loads(line)["loss"] for line in curve]
    assert losses[-1] < 0.6 * losses[0]
    target = export_landmarks(checkpoint, tmp_path / "weights", version="3")
    assert target.stat().st_size < 130_000
    session = open_session("landmarks", threads=1, folder=tmp_path / "weights")
    assert session.card.version == "3"
    face = drawn_face(96)
    eyes = float(np.linalg.norm(face.points[0, 0] - face.points[0, 1]))
    moved = face.points[0] + np.array([[0.1, 0], [-0.1, 0.1], [0, -0.1], [0.1, 0], [0, 0.1]]) * eyes
    found = LandmarkPlacer(session).place(face.image, moved.reshape(1, 10).astype(np.float32))
    before, after = (np.abs(p.reshape(5, 2) - face.points[0]).mean() for p in (moved, found))
    assert after < 0.8 * before


def test_moved_crops_keep_the_landmarks_on_the_face():
    """A dot drawn at each landmark is dark there in the crop too."""
    torch.manual_seed(0)
    faces = upright_faces([drawn_face(96)] * 8)
    crops, points = landmarks._moved(faces.canvases.float(), faces.points)
    assert crops.shape == (8, 1, 64, 64)
    assert (points[1:] - points[:1]).abs().max() > 1
    for crop, five in zip(crops[:, 0], points, strict=True):
        for x, y in five.round().long():
            assert crop[y, x] < 90 < crop[y + 5, x + 5]


def test_without_a_sure_face_no_landmarks_are_learned(data_dir, tmp_path):
    (data_dir / "scenes" / "faces.csv").write_text(",".join(["image", *HEADER]) + "\n")
    with pytest.raises(InputError, match="no sure face among the scenes of"):
        landmarks_run(data_dir, tmp_path / "run")


def test_a_network_that_computes_something_else_does_not_ship(tmp_path):
    draft, target = tmp_path / "a.part", tmp_path / "a.onnx"
    target.write_bytes(b"before")
    for difference in (2e-3, 0.0):
        torch.onnx.export(torch.nn.ReLU(), (torch.zeros(2),), str(draft), dynamo=False)
        if difference:
            with pytest.raises(ValueError, match=r"a\.onnx differs .* by 0.002"):
                ship(draft, target, lambda path, worst=difference: worst, 1e-3)
            assert target.read_bytes() == b"before"
        else:
            ship(draft, target, lambda path: 0.0, 1e-3)
            assert target.read_bytes() != b"before"
        assert not draft.exists()


def test_samples_hold_the_truth_in_units_of_their_square():
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
        side = np.exp(extent[0]) / CONTEXT
        inside = (points - middle) / side
        truth = (face.points[0] - face.boxes[0, :2] - face.boxes[0, 2:] / 2) / face.boxes[0, 2]
        assert inside == pytest.approx(truth, abs=1e-4)
