from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from mien.core.errors import InputError
from mien.core.labels import EMOTIONS, Emotion
from mien_lab.data.fer2013 import (
    FER_LABELS,
    load_fer,
    majority,
    read_challenge,
    read_face_labels,
    vote_distribution,
)

REAL = Path(__file__).parents[4] / "shared" / "data" / "fer2013"


def votes(**counts):
    """Eight counts in label order, then those of unknown and not a face."""
    names = [*(emotion.value for emotion in EMOTIONS), "unknown", "NF"]
    return np.array([[counts.get(name, 0) for name in names]])


def test_rows_are_read_in_order(write_rows, row, picture):
    rows = [
        row(picture(1), 0, "Training", {"anger": 7, "NF": 3}),
        row(picture(2), 6, "PublicTest", {"neutral": 5, "contempt": 4, "unknown": 1}),
        row(picture(3), 5, "PrivateTest", {"surprise": 10}, np.arange(10.0).reshape(5, 2)),
    ]
    for packed in (True, False):
        data = load_fer(write_rows(rows, packed=packed))
        assert len(data) == 3
        assert np.array_equal(data.pixels, [each.pixels for each in rows])
        assert [FER_LABELS[label] for label in data.labels] == ["anger", "neutral", "surprise"]
        assert data.split.tolist() == ["Training", "PublicTest", "PrivateTest"]
        assert data.votes.tolist() == [
            [0, 0, 0, 0, 7, 0, 0, 0, 0, 3],
            [5, 0, 0, 0, 0, 0, 0, 4, 1, 0],
            [0, 0, 10, 0, 0, 0, 0, 0, 0, 0],
        ]
        assert data.rows("PrivateTest").tolist() == [2]


@pytest.mark.parametrize(
    ("code", "emotion"),
    list(enumerate(["anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"])),
)
def test_the_labels_of_the_challenge(write_rows, row, picture, code, emotion):
    data = load_fer(write_rows([row(picture(0), code)]))
    assert FER_LABELS[data.labels[0]] == emotion


def test_blank_and_not_a_face(write_rows, row, picture):
    rows = [
        row(np.full((48, 48), 7, np.uint8)),
        row(picture(0), votes={"NF": 6, "happiness": 4}),
        row(picture(1), votes={"NF": 5, "happiness": 5}),
    ]
    data = load_fer(write_rows(rows))
    assert data.blank.tolist() == [True, False, False]
    assert data.not_a_face.tolist() == [False, True, False]


def test_labels_of_faces_by_their_row(write_rows, row, picture):
    points = np.arange(10.0).reshape(5, 2)
    folder = write_rows([row(picture(0)), row(picture(1), landmarks=points)])
    ((number, (box, found, score)),) = read_face_labels(folder, 2).items()
    assert (number, box.tolist(), score) == (1, [1, 2, 40, 44], 0.9)
    assert np.array_equal(found, points)
    (folder / "landmarks.csv").unlink()
    assert read_face_labels(folder, 2) == {}


def test_landmarks_that_are_no_numbers(write_rows, row, picture):
    folder = write_rows([row(picture(0), landmarks=np.zeros((5, 2)))])
    path = folder / "landmarks.csv"
    path.write_text(path.read_text().replace(",0.0", ",nose", 1))
    with pytest.raises(InputError, match=r"landmarks\.csv holds no number where .*nose"):
        read_face_labels(folder, 1)


def test_landmarks_of_other_rows(write_rows, row, picture):
    folder = write_rows([row(picture(0), landmarks=np.zeros((5, 2)))])
    path = folder / "landmarks.csv"
    text = path.read_text()
    for other in ("7", "-1", "0.5"):
        path.write_text(text.replace("\n0,", f"\n{other},"))
        with pytest.raises(InputError, match=rf"landmarks\.csv is of row {other}, which"):
            read_face_labels(folder, 1)


def test_missing_files(write_rows, row, picture, tmp_path):
    with pytest.raises(InputError, match=r"neither fer2013\.csv\.gz nor fer2013\.csv"):
        load_fer(tmp_path)
    folder = write_rows([row(picture(0))])
    (folder / "fer2013new.csv").unlink()
    with pytest.raises(InputError, match=r"fer2013new\.csv is missing"):
        load_fer(folder)


def test_files_with_other_rows(write_rows, row, picture):
    folder = write_rows([row(picture(0)), row(picture(1))])
    path = folder / "fer2013new.csv"
    lines = path.read_text().splitlines()
    for wrong in (lines[:-1], [*lines, lines[-1]], [lines[0], lines[1].replace("Training", "X")]):
        path.write_text("\n".join(wrong) + "\n")
        with pytest.raises(InputError, match="does not have the rows"):
            load_fer(folder)


@pytest.mark.parametrize(
    "pixels", ["1 2 3", "", "a b", " ".join(["7"] * 2303 + ["300"]), " ".join(["-1"] * 2304)]
)
def test_pixels_that_are_no_picture(write_rows, row, picture, pixels):
    folder = write_rows([row(picture(0))], packed=False)
    (folder / "fer2013.csv").write_text(f"emotion,pixels,Usage\n3,{pixels},Training\n")
    with pytest.raises(InputError, match=r"line 2 .*48x48"):
        load_fer(folder)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("emotion,pixels,Usage\n0\n", "line 2 .* has 1 cells, not 3"),
        ("emotion;pixels;Usage\n0;7 7;Training\n", "no column emotion, but: emotion;pixels;usage"),
        ("", "no column emotion, but: none"),
    ],
)
def test_files_that_are_no_table_of_faces(tmp_path, text, sentence):
    (tmp_path / "fer2013.csv").write_text(text)
    with pytest.raises(InputError, match=sentence):
        read_challenge(tmp_path)


def test_a_file_that_a_spreadsheet_saved(tmp_path, picture):
    pixels = " ".join(map(str, picture(0).ravel()))
    text = f"emotion,pixels,Usage\r\n3,{pixels},Training\r\n"
    (tmp_path / "fer2013.csv").write_text(text, encoding="utf-8-sig")
    assert np.array_equal(read_challenge(tmp_path)[0], [picture(0)])


@pytest.mark.parametrize("usage", ["Test", "training", ""])
def test_an_unknown_usage(write_rows, row, picture, usage):
    folder = write_rows([row(picture(0)), row(picture(1), split=usage)])
    with pytest.raises(InputError, match=f"line 3 of .* has the Usage '{usage}'; .*PublicTest"):
        load_fer(folder)


@pytest.mark.parametrize("count", ["ten", "", "-3", "1.5"])
def test_votes_that_are_no_counts(write_rows, row, picture, count):
    folder = write_rows([row(picture(0)), row(picture(1), votes={"fear": count})])
    with pytest.raises(InputError, match=r"line 3 of .*fer2013new\.csv does not hold ten counts"):
        load_fer(folder)


def test_a_row_of_votes_that_ends_early(write_rows, row, picture):
    folder = write_rows([row(picture(0))])
    path = folder / "fer2013new.csv"
    path.write_text(path.read_text().rstrip().rpartition(",")[0] + "\n")
    with pytest.raises(InputError, match=r"line 2 .*fer2013new\.csv has 11 cells, not 12"):
        load_fer(folder)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        (votes(happiness=10), Emotion.HAPPINESS),
        (votes(neutral=6, sadness=4), Emotion.NEUTRAL),
        (votes(neutral=5, sadness=5), None),
        (votes(neutral=5, sadness=3, anger=2), None),
        (votes(neutral=5, sadness=3, anger=1, fear=1), Emotion.NEUTRAL),
        (votes(contempt=2, **{"fear": 1, "anger": 1}), Emotion.CONTEMPT),
        (votes(unknown=6, sadness=4), None),
        (votes(NF=10), None),
        (votes(neutral=1, sadness=1), None),
        (votes(), None),
    ],
)
def test_majority(counts, expected):
    (label,) = majority(counts)
    assert (None if label < 0 else EMOTIONS[label]) == expected


def test_vote_distribution():
    counts = np.concatenate(
        [votes(neutral=6, sadness=3, anger=1), votes(NF=8, fear=2), votes(NF=10), votes(fear=1)]
    )
    shares = vote_distribution(counts)
    assert shares.shape == (4, 8)
    assert shares[0] == pytest.approx([2 / 3, 0, 0, 1 / 3, 0, 0, 0, 0])
    assert shares[1] == pytest.approx(np.eye(8)[EMOTIONS.index(Emotion.FEAR)])
    assert not shares[2:].any()


@pytest.mark.skipif(not (REAL / "fer2013new.csv").exists(), reason=f"there is no {REAL}")
def test_the_published_counts():
    data = load_fer(REAL)
    assert [len(data.rows(s)) for s in ("Training", "PublicTest", "PrivateTest")] == [
        28709, 3589, 3589,
    ]  # fmt: skip
    label = majority(data.votes[data.rows("PrivateTest")])
    counts = np.bincount(label[label >= 0], minlength=8)
    assert counts.sum() == 3153
    assert counts.tolist() == [1090, 893, 396, 384, 273, 18, 83, 16]


def test_fer2013_in_folders(tmp_path, picture):
    for number, place in enumerate(("train/angry", "test/happy", "test/sad")):
        (tmp_path / place).mkdir(parents=True)
        PIL.Image.fromarray(picture(number)).save(tmp_path / place / "a.png")
    data = load_fer(tmp_path, voted=False)
    assert [FER_LABELS[label] for label in data.labels] == ["happiness", "sadness", "anger"]
    assert data.split.tolist() == ["PrivateTest", "PrivateTest", "Training"]
    assert np.array_equal(data.pixels, [picture(1), picture(2), picture(0)])
    PIL.Image.new("L", (64, 64)).save(tmp_path / "test" / "sad" / "b.png")
    with pytest.raises(InputError, match=r"b\.png is not of 48x48 pixels"):
        load_fer(tmp_path, voted=False)
    (tmp_path / "test" / "contempt").mkdir()
    PIL.Image.new("L", (48, 48)).save(tmp_path / "test" / "contempt" / "c.png")
    with pytest.raises(InputError, match=r"c\.png .*none of FER2013's seven expressions"):
        load_fer(tmp_path, voted=False)


def test_the_names_of_pictures_in_folders_say_the_split(tmp_path, picture, caplog):
    names = {
        "test/angry/PrivateTest_7.jpg": "PrivateTest",
        "test/angry/PublicTest_16131911.jpg": "PublicTest",
        "train/happy/Training_123.jpg": "Training",
    }
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        PIL.Image.fromarray(picture(0)).save(tmp_path / name)
    assert load_fer(tmp_path, voted=False).split.tolist() == list(names.values())
    assert not caplog.records


@pytest.mark.parametrize(
    ("places", "warnings"),
    [
        (("train/sad", "test/sad", "test/fear"), 1),
        (("train/sad", "val/sad", "test/sad"), 0),
        (("train/sad", "private/sad"), 0),
        (("train/sad",), 0),
    ],
)
def test_that_test_may_hold_both_tests_is_said_once(tmp_path, picture, caplog, places, warnings):
    for place in places:
        (tmp_path / place).mkdir(parents=True)
        PIL.Image.fromarray(picture(0)).save(tmp_path / place / "1.jpg")
    load_fer(tmp_path, voted=False)
    assert caplog.text.count("half of test may be") == len(caplog.records) == warnings
