import json
import math
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import PIL.Image
import pytest

from mien import compat
from mien.compat import FER, DeepFace, Detector
from mien.core.errors import InputError, MediaError
from mien.core.labels import Emotion
from mien.core.media import Media, MediaKind

LABELS = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
EMOTIONS = [
    Emotion.ANGER, Emotion.DISGUST, Emotion.FEAR, Emotion.HAPPINESS, Emotion.SADNESS,
    Emotion.SURPRISE, Emotion.NEUTRAL,
]  # fmt: skip
COLUMNS = [
    "FaceRectX", "FaceRectY", "FaceRectWidth", "FaceRectHeight", "FaceScore",
    "anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral", "input", "frame",
]  # fmt: skip


@pytest.fixture
def shared(analyzer, monkeypatch):
    """The analyzer of the other tests, so that weights are not loaded once more."""
    monkeypatch.setattr(compat, "_analyzer", lambda: analyzer)
    return analyzer


@pytest.fixture
def given(monkeypatch):
    """Let the picture, whatever it is, be of a size and have the readings given."""

    def give(*readings, width=100, height=80):
        media = Media("given.png", MediaKind.IMAGE, width, height)
        monkeypatch.setattr(compat, "_read", lambda picture: (media, readings))

    return give


def bgr(image):
    return image[:, :, ::-1]


def shares(reading):
    rest = 1 - reading.scores[Emotion.CONTEMPT]
    return [reading.scores[emotion] / rest for emotion in EMOTIONS]


def wall():
    return np.full((120, 160, 3), 180, np.uint8)


# deepface


def test_deepface_gives_percentages_and_the_place_of_a_face(shared, astronaut):
    (reading,) = shared.read(astronaut)
    (face,) = DeepFace.analyze(bgr(astronaut), actions=["emotion"])
    assert list(face) == ["emotion", "dominant_emotion", "region", "face_confidence"]
    assert list(face["emotion"]) == LABELS
    assert list(face["emotion"].values()) == pytest.approx([100 * p for p in shares(reading)])
    assert sum(face["emotion"].values()) == pytest.approx(100)
    assert face["emotion"][face["dominant_emotion"]] == max(face["emotion"].values())
    assert face["face_confidence"] == round(reading.face.score, 2)
    region, points = face["region"], reading.face.landmarks
    assert list(region) == ["x", "y", "w", "h", "left_eye", "right_eye"]
    box = reading.face.box
    assert [region[side] for side in "xywh"] == pytest.approx(box.as_tuple(), abs=1)
    assert all(type(region[side]) is int for side in "xywh")
    # Right and left are her own: her right eye is to the left in the picture.
    assert region["right_eye"] == pytest.approx(points.right_eye, abs=1)
    assert region["left_eye"] == pytest.approx(points.left_eye, abs=1)
    assert region["right_eye"][0] + 20 < region["left_eye"][0]
    assert all(type(x) is int for eye in ("left_eye", "right_eye") for x in region[eye])
    assert json.loads(json.dumps(face))["emotion"] == face["emotion"]


def test_colours_are_those_of_opencv(shared, astronaut):
    right, swapped = DeepFace.analyze(bgr(astronaut)), DeepFace.analyze(astronaut)
    assert right[0]["emotion"] != swapped[0]["emotion"]
    alpha = np.full((*astronaut.shape[:2], 1), 255, np.uint8)
    assert DeepFace.analyze(np.concatenate([bgr(astronaut), alpha], axis=2)) == right
    grey = np.asarray(PIL.Image.fromarray(astronaut).convert("L"))
    assert DeepFace.analyze(grey)[0]["emotion"] == pytest.approx(right[0]["emotion"], abs=5)


def test_a_path_is_read_as_a_picture_is(shared, portrait_file):
    pixels = np.asarray(PIL.Image.open(portrait_file))
    assert DeepFace.analyze(portrait_file) == DeepFace.analyze(bgr(pixels))
    assert FER().detect_emotions(str(portrait_file)) == FER().detect_emotions(bgr(pixels))


def test_a_picture_without_a_face(shared):
    with pytest.raises(ValueError, match="no face was found in <array>; enforce_detection=False"):
        DeepFace.analyze(wall(), actions=["emotion"])
    assert DeepFace.analyze(wall(), actions=["emotion"], enforce_detection=False) == []
    assert FER().detect_emotions(wall()) == []
    assert FER().top_emotion(wall()) == (None, None)


@pytest.mark.parametrize(
    "actions",
    [["age"], ["emotion", "gender"], ("race",), "age", [], None, 3, [["emotion"]], [np.zeros(2)]],
)
def test_age_gender_and_ethnicity_are_refused(actions, given):
    given()
    with pytest.raises(ValueError, match="mien guesses no age, gender or ethnicity, on purpose"):
        DeepFace.analyze("portrait.jpg", actions=actions)


@pytest.mark.parametrize("actions", ["emotion", ("emotion",), ["emotion"]])
def test_options_that_ask_for_what_is_done_anyway(actions, given, make_reading):
    given(make_reading())
    (face,) = DeepFace.analyze("p.jpg", actions, silent=True, align=True, expand_percentage=0)
    assert face["dominant_emotion"] == "happy"


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("detector_backend", lambda **options: DeepFace.analyze("p.jpg", **options)),
        ("align", lambda **_: DeepFace.analyze("p.jpg", align=False)),
        ("expand_percentage", lambda **_: DeepFace.analyze("p.jpg", expand_percentage=10)),
        ("silent", lambda **_: DeepFace.analyze("p.jpg", silent=np.ones(2, bool))),
        ("expand_percentage", lambda **_: DeepFace.analyze("p.jpg", expand_percentage=np.zeros(2))),
        ("anti_spoofing", lambda **options: DeepFace.analyze("p.jpg", **options)),
        ("mtcnn", FER),
        ("face_rectangles", lambda **options: FER().detect_emotions("p.jpg", **options)),
        ("emotion_model", Detector),
        ("batch_size", lambda **options: Detector().detect_image("p.jpg", **options)),
    ],
)
def test_options_that_mien_cannot_honour_are_refused(name, call, given, make_reading):
    given(make_reading())
    with pytest.raises(InputError, match=f"^mien offers no choice of {name} here; leave it out$"):
        call(**{name: 4})


def test_what_reaches_beyond_the_picture_is_cut_off(given, make_reading):
    given(make_reading(box=(-20.5, 30.5, 60, 90)))
    (face,) = DeepFace.analyze("p.jpg")
    assert face["region"] == {
        "x": 0, "y": 30, "w": 39, "h": 50, "left_eye": (21, 66), "right_eye": None,
    }  # fmt: skip
    assert FER().detect_emotions("p.jpg")[0]["box"] == [0, 30, 39, 50]


def test_contempt_is_left_out_of_all_shapes(given, make_reading):
    given(make_reading(top=Emotion.CONTEMPT, probability=0.79))
    (percent,), (hundredths,) = DeepFace.analyze("p.jpg"), FER().detect_emotions("p.jpg")
    (row,) = Detector().detect_image("p.jpg")
    assert percent["emotion"] == pytest.approx(dict.fromkeys(LABELS, 100 / 7))
    assert hundredths["emotions"] == dict.fromkeys(LABELS, 0.14)
    assert [row[emotion.value] for emotion in EMOTIONS] == pytest.approx([1 / 7] * 7)


# fer


def test_fer_gives_a_box_and_rounded_probabilities(shared, astronaut):
    (reading,) = shared.read(astronaut)
    (face,) = FER().detect_emotions(bgr(astronaut))
    assert list(face) == ["box", "emotions"]
    assert face["box"] == pytest.approx(list(reading.face.box.as_tuple()), abs=1)
    assert all(type(side) is int for side in face["box"])
    assert face["emotions"] == {
        label: round(share, 2) for label, share in zip(LABELS, shares(reading), strict=True)
    }
    top, score = FER().top_emotion(bgr(astronaut))
    assert score == face["emotions"][top] == max(face["emotions"].values())


def test_the_top_emotion_is_that_of_the_first_face(given, make_reading):
    given(make_reading(top=Emotion.SADNESS, probability=0.6), make_reading())
    assert FER().top_emotion("p.jpg") == ("sad", 0.64)


# py-feat


def test_feat_gives_a_row_per_face_and_one_for_a_picture_without(shared, portrait_file, tmp_path):
    (reading,) = shared.analyze(portrait_file).faces
    empty = tmp_path / "wall.png"
    PIL.Image.fromarray(wall()).save(empty)
    rows = Detector().detect_image([str(portrait_file), str(empty), str(portrait_file)])
    assert [list(row) for row in rows] == [COLUMNS] * 3
    assert [row["frame"] for row in rows] == [0, 1, 2]
    assert [row["input"] for row in rows] == [str(portrait_file), str(empty), str(portrait_file)]
    values = [*reading.face.box.as_tuple(), reading.face.score, *shares(reading)]
    assert [rows[0][column] for column in COLUMNS[:12]] == pytest.approx(values)
    assert sum(rows[0][emotion.value] for emotion in EMOTIONS) == pytest.approx(1)
    assert all(math.isnan(rows[1][column]) for column in COLUMNS[:12])
    assert Detector().detect_image(portrait_file) == rows[:1]


@pytest.mark.parametrize("paths", [None, 3, wall(), [wall()], ["p.jpg", None], np.array(3), b"p"])
def test_feat_takes_nothing_but_paths(paths, given):
    given()
    with pytest.raises(InputError, match="must be a path or a list of paths; mien"):
        Detector().detect_image(paths)


# The analyzer


def test_threads_that_come_first_at_once_share_one_analyzer(analyzer, portrait, monkeypatch):
    made = []

    def slow():
        time.sleep(0.05)
        made.append(analyzer)
        return analyzer

    monkeypatch.setattr(compat, "Analyzer", slow)
    compat._analyzer.cache_clear()
    try:
        with ThreadPoolExecutor(8) as pool:
            results = list(pool.map(FER().top_emotion, [bgr(portrait)] * 8))
    finally:
        compat._analyzer.cache_clear()
    assert len(made) == 1
    assert len(set(results)) == 1


def test_importing_makes_no_analyzer():
    code = "import mien; mien.Analyzer = None; import mien.compat; mien.compat.FER()"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_file_that_cannot_be_read_is_an_error_of_its_own(shared, tmp_path):
    with pytest.raises(MediaError, match="does not exist"):
        DeepFace.analyze(tmp_path / "nowhere.jpg", enforce_detection=False)


def test_films_are_for_the_analyzer(make_film, tmp_path):
    film = make_film(tmp_path / "a.mp4")
    for read in (DeepFace.analyze, FER().top_emotion):
        with pytest.raises(InputError, match=r"a\.mp4 is not a single picture; mien\.Analyzer"):
            read(str(film))
