from pathlib import Path

import pytest

from mien.core.errors import InputError
from mien.core.labels import Emotion
from mien_lab.data.recordings import Recording, RecordingLayout, read_recordings


@pytest.fixture
def tree(tmp_path):
    def make(*names: str, **contents: str) -> Path:
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        for name, text in contents.items():
            (tmp_path / name.replace("__", "/")).write_text(text)
        return tmp_path

    return make


def found(folder, layout):
    return [(r.files[0].name, r.emotion, r.group) for r in read_recordings(folder, layout)]


def test_crema_d(tree):
    folder = tree(
        "VideoFlash/1001_DFA_ANG_XX.flv", "VideoFlash/1002_IEO_HAP_HI.flv", "VideoFlash/notes.flv"
    )
    assert found(folder, RecordingLayout.CREMA_D) == [
        ("1001_DFA_ANG_XX.flv", Emotion.ANGER, "1001"),
        ("1002_IEO_HAP_HI.flv", Emotion.HAPPINESS, "1002"),
    ]


def test_ravdess_takes_each_take_once_and_no_sound(tree):
    folder = tree(
        "Actor_01/01-01-06-01-02-01-01.mp4",
        "Actor_01/02-01-06-01-02-01-01.mp4",
        "Actor_01/03-01-06-01-02-01-01.mp4",
        "Actor_12/02-01-02-01-01-01-12.mp4",
    )
    assert found(folder, RecordingLayout.RAVDESS) == [
        ("01-01-06-01-02-01-01.mp4", Emotion.FEAR, "01"),
        ("02-01-02-01-01-01-12.mp4", Emotion.NEUTRAL, "12"),
    ]


def test_ck_plus_runs_from_onset_to_apex(tree):
    images, labels = "cohn-kanade-images/S005/001", "Emotion/S005/001"
    folder = tree(
        f"{images}/S005_001_00000002.png",
        f"{images}/S005_001_00000001.png",
        f"{labels}/S005_001_00000002_emotion.txt",
        "cohn-kanade-images/S006/001/S006_001_00000001.png",
    )
    (folder / f"{labels}/S005_001_00000002_emotion.txt").write_text("   7.0000000e+00\n")
    (recording,) = read_recordings(folder, RecordingLayout.CK_PLUS)
    assert [path.name for path in recording.files] == [
        "S005_001_00000001.png",
        "S005_001_00000002.png",
    ]
    assert (recording.emotion, recording.group, recording.onset) == (
        Emotion.SURPRISE,
        "S005",
        True,
    )


def test_afew_is_labelled_by_its_folders(tree):
    folder = tree("Train_AFEW/Angry/0001.avi", "Val_AFEW/Fear/0002.avi", "Val_AFEW/x/3.avi")
    assert found(folder, RecordingLayout.AFEW) == [
        ("0001.avi", Emotion.ANGER, "Train_AFEW"),
        ("0002.avi", Emotion.FEAR, "Val_AFEW"),
    ]


def test_dfew_films_and_frames(tree):
    split = "EmoLabel_DataSplit/train(single-labeled)"
    folder = tree(
        "Clip/original/1.mp4",
        "Clip/clip_224x224/00002/00002_00001.jpg",
        "Clip/clip_224x224/00002/00002_00002.jpg",
        f"{split}/set_1.csv",
    )
    (folder / split / "set_1.csv").write_text("video_name,label\n1,1\n2,6\n3,2\n")
    recordings = read_recordings(folder, RecordingLayout.DFEW)
    assert [(len(r.files), r.emotion) for r in recordings] == [
        (1, Emotion.HAPPINESS),
        (2, Emotion.DISGUST),
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"video_name;label\n1;1\n", r"set_1\.csv has no column video_name, but: video_name;label"),
        (b"video_name\n1\n", r"set_1\.csv has no column label"),
        (b"video_name,label\n1,1\n2\n", r"line 3 of .*set_1\.csv has 1 cells, not 2"),
        (b"video_name,label\n1,\xff\n", r"set_1\.csv is not a CSV file in UTF-8"),
    ],
)
def test_broken_tables_of_dfew(tree, text, sentence):
    folder = tree("Clip/original/1.mp4", "EmoLabel_DataSplit/test/set_1.csv")
    (folder / "EmoLabel_DataSplit/test/set_1.csv").write_bytes(text)
    with pytest.raises(InputError, match=sentence):
        read_recordings(folder, RecordingLayout.DFEW)


def test_published_test_splits_are_never_trained_on():
    pytest.importorskip("torch")
    from mien_lab.training.temporal import held_out

    groups = {
        "Train_AFEW": False,
        "Val_AFEW": True,
        "Test_AFEW": True,
        "train(single-labeled)": False,
        "test(single-labeled)": True,
    }
    for group, kept in groups.items():
        assert held_out(Recording((), Emotion.FEAR, group)) is kept
    actors = [held_out(Recording((), Emotion.FEAR, f"{actor}")) for actor in range(1001, 1092)]
    assert 10 < sum(actors) < 27


def test_who_is_shown_is_known_where_the_set_says_so(tree):
    folder = tree(
        "VideoFlash/1001_DFA_ANG_XX.flv",
        "Actor_12/02-01-02-01-01-01-12.mp4",
        "Train_AFEW/Angry/0001.avi",
        "cohn-kanade-images/S005/001/S005_001_00000001.png",
        "Emotion/S005/001/S005_001_00000002_emotion.txt",
        "Clip/1.mp4",
    )
    (folder / "Emotion/S005/001/S005_001_00000002_emotion.txt").write_text("7.0")
    (folder / "set_1.csv").write_text("video_name,label\n1,1\n")
    shown = {layout: read_recordings(folder, layout)[0].subject for layout in RecordingLayout}
    assert list(shown.values()) == ["1001", "12", "S005", "", ""]


@pytest.mark.parametrize("layout", list(RecordingLayout))
def test_another_layout_is_an_error(layout, tmp_path):
    with pytest.raises(InputError, match="no recording in the layout"):
        read_recordings(tmp_path, layout)


def test_files_that_macos_leaves_beside_the_others_are_passed_over(tree):
    frames = "cohn-kanade-images/S005/001/{}S005_001_00000001.png"
    labels = "Emotion/S005/001/{}S005_001_00000001_emotion.txt"
    places = ("Train_AFEW/Angry/{}0001.avi", "Clip/00002/{}00001.jpg", "set_1.csv", frames, labels)
    folder = tree(*(place.format(mark) for place in places for mark in ("", "._")))
    (folder / labels.format("")).write_text("7.0")
    (folder / "set_1.csv").write_text("video_name,label\n2,1\n")
    for layout in (RecordingLayout.AFEW, RecordingLayout.DFEW, RecordingLayout.CK_PLUS):
        (recording,) = read_recordings(folder, layout)
        assert [file.name.startswith("._") for file in recording.files] == [False]


@pytest.mark.parametrize("text", [b"", b"\xff\xfe7", b"nothing", b"inf"])
def test_a_label_of_ck_plus_that_is_no_number(tree, text):
    label = "Emotion/S005/001/S005_001_00000001_emotion.txt"
    folder = tree("cohn-kanade-images/S005/001/S005_001_00000001.png", label)
    (folder / label).write_bytes(text)
    with pytest.raises(InputError, match=r"00000001_emotion\.txt has the unknown label"):
        read_recordings(folder, RecordingLayout.CK_PLUS)


def test_frames_of_dfew_are_in_order_and_of_one_folder(tree):
    names = [f"{number}.jpg" for number in range(1, 17)]
    folder = tree(
        *(f"Clip/{kind}/00002/{name}" for kind in ("a", "clip_224x224") for name in names),
        "Clip/clip_224x224_16f/00002/1.jpg",
        "Clip/clip_224x224_16f/00003/1.jpg",
        "set_1.csv",
    )
    (folder / "set_1.csv").write_text("video_name,label\n2,1\n3,1\n")
    (recording,) = read_recordings(folder, RecordingLayout.DFEW)
    place = folder / "Clip" / "clip_224x224" / "00002"
    assert recording.files == tuple(place / name for name in names)


def test_frames_of_dfew_without_their_times_are_refused(tree):
    folder = tree("Clip/clip_224x224_16f/00002/1.jpg", "set_1.csv")
    (folder / "set_1.csv").write_text("video_name,label\n2,1\n")
    with pytest.raises(InputError, match=r"clip_224x224_16f holds 16 frames .*unpack DFEW's"):
        read_recordings(folder, RecordingLayout.DFEW)
    (folder / "Clip" / "2.mp4").touch()
    assert found(folder, RecordingLayout.DFEW) == [("2.mp4", Emotion.HAPPINESS, folder.name)]
