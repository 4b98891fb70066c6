"""Every layout from a tiny folder of it, and what is refused."""

import os
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from mien.core.errors import InputError, MediaError
from mien.core.labels import Emotion
from mien.core.types import Box
from mien_lab.data.collections import Layout, find_layout, read_collection, read_measured
from mien_lab.data.samples import Sample, crop_of


def put(path, side=120, grey=128):
    """Write a picture and say where."""
    path.parent.mkdir(parents=True, exist_ok=True)
    PIL.Image.fromarray(np.full((side, side), grey, np.uint8)).save(path)
    return path


def rows(samples):
    """What a sample says of its label, split and person, by name."""
    return {sample.name: (sample.label, sample.split, sample.subject) for sample in samples}


def labels(samples):
    return {sample.name: sample.label for sample in samples}


def test_fer2013_and_ferplus_as_published(write_rows, row, picture):
    points = np.arange(10.0).reshape(5, 2)
    folder = write_rows(
        [
            row(picture(1), 0, "Training", {"fear": 9}, points),
            row(picture(2), 6, "PrivateTest", {"NF": 10}),
        ]
    )
    assert find_layout(folder) == "fer2013"
    first, second = read_collection(folder)
    assert rows([first, second]) == {
        "00000": ("anger", "Training", ""),
        "00001": ("neutral", "PrivateTest", ""),
    }
    assert first.cropped
    assert np.array_equal(first.landmarks, points)
    assert second.landmarks is None
    assert np.array_equal(second.load(), picture(2))
    assert labels(read_collection(folder, "fer+")) == {"00000": "fear", "00001": None}
    assert labels(read_collection(folder, split="PrivateTest")) == {"00001": "neutral"}
    (folder / "fer2013new.csv").unlink()
    assert len(read_collection(folder, "fer2013")) == 2
    with pytest.raises(InputError, match=r"fer2013new\.csv"):
        read_collection(folder, "fer+")


def test_fer2013_with_an_unknown_label(tmp_path):
    (tmp_path / "fer2013.csv").write_text(f"emotion,pixels,Usage\n7,{' '.join(['9'] * 2304)},x\n")
    with pytest.raises(InputError, match=r"emotion '7'.*0 \(anger\).*6 \(neutral\)"):
        read_collection(tmp_path)


def test_fer2013_as_folders(tmp_path):
    put(tmp_path / "train" / "angry" / "Training_1.jpg", 48)
    put(tmp_path / "test" / "happy" / "PrivateTest_1.jpg", 48)
    (tmp_path / "test" / "happy" / "Thumbs.db").write_bytes(b"")
    put(tmp_path / "test" / "happy" / ".hidden.jpg", 48)
    assert find_layout(tmp_path) == "folders"
    found = read_collection(tmp_path)
    assert rows(found) == {
        "test/happy/PrivateTest_1.jpg": ("happiness", "test", ""),
        "train/angry/Training_1.jpg": ("anger", "train", ""),
    }
    assert all(sample.cropped for sample in found)
    assert not read_collection(tmp_path, whole=True)[0].cropped


def test_ferplus_as_folders(tmp_path):
    put(tmp_path / "FER2013Test" / "fer0032220.png", 48)
    (tmp_path / "FER2013Test" / "label.csv").write_text(
        'fer0032220.png,"(0, 0, 48, 48)",0,0,0,1,0,8,1,0,0,0\n'
        'fer0032221.png,"(0, 0, 48, 48)",5,0,0,5,0,0,0,0,0,0\n'
    )
    assert find_layout(tmp_path) == "fer+"
    found = read_collection(tmp_path)
    assert rows(found) == {
        "FER2013Test/fer0032220.png": ("disgust", "FER2013Test", ""),
        "FER2013Test/fer0032221.png": (None, "FER2013Test", ""),
    }
    assert found[0].load().shape == (48, 48, 3)
    (tmp_path / "FER2013Test" / "label.csv").write_text("a.png,1,2\n")
    with pytest.raises(InputError, match="ten counts"):
        read_collection(tmp_path)


def test_raf_db(tmp_path):
    put(tmp_path / "Image" / "aligned" / "test_0001_aligned.jpg", 100)
    put(tmp_path / "Image" / "original" / "test_0001.jpg", 300)
    table = tmp_path / "EmoLabel" / "list_patition_label.txt"
    table.parent.mkdir()
    table.write_text("train_00001.jpg 5\ntest_0001.jpg 2\n")
    assert find_layout(tmp_path) == "raf-db"
    assert rows(read_collection(tmp_path)) == {
        "train_00001.jpg": ("sadness", "train", ""),
        "test_0001.jpg": ("fear", "test", ""),
    }
    (crop,) = read_collection(tmp_path, "raf-db", "test")
    (whole,) = read_collection(tmp_path, "raf-db", "test", whole=True)
    assert (crop.cropped, crop.load().shape) == (True, (100, 100, 3))
    assert (whole.cropped, whole.load().shape) == (False, (300, 300, 3))
    for code in ("8", "3.4", "nan", "inf"):
        table.write_text(f"test_0001.jpg {code}\n")
        sentence = rf"unknown label '{code}'.*1 \(surprise\).*7 \(neutral\)"
        with pytest.raises(InputError, match=sentence):
            read_collection(tmp_path)


def test_raf_db_in_folders_by_number(tmp_path):
    for place in ("train/5/train_00001_aligned.jpg", "test/1/test_0007_aligned.jpg"):
        path = tmp_path / "DATASET" / place
        path.parent.mkdir(parents=True)
        path.touch()
    (tmp_path / "train_labels.csv").write_text("image,label\ntrain_00001_aligned.jpg,5\n")
    assert find_layout(tmp_path) == "raf-db"
    found = {sample.split: sample for sample in read_collection(tmp_path)}
    assert (found["train"].label, found["test"].label) == (Emotion.SADNESS, Emotion.SURPRISE)
    assert found["train"].name == "DATASET/train/5/train_00001_aligned.jpg"
    assert found["train"].cropped
    with pytest.raises(InputError, match="list_patition_label"):
        read_collection(tmp_path, "raf-db", whole=True)


def test_a_folder_that_is_none_of_raf_dbs_numbers(tmp_path):
    for number in ("5", "9"):
        (tmp_path / number).mkdir()
        (tmp_path / number / f"train_0000{number}_aligned.jpg").touch()
    with pytest.raises(InputError, match="'9' is none of RAF-DB's numbers"):
        read_collection(tmp_path)


def test_raf_db_beside_its_table(tmp_path):
    put(tmp_path / "test_0001_aligned.jpg", 100)
    (tmp_path / "list_patition_label.txt").write_text("test_0001.jpg 7\n")
    (sample,) = read_collection(tmp_path)
    assert sample.label == "neutral"
    assert sample.path.is_file()


def test_affectnet_with_annotations(tmp_path):
    notes = tmp_path / "val_set" / "annotations"
    notes.mkdir(parents=True)
    for number, code in enumerate(("1", "7", "10")):
        put(tmp_path / "val_set" / "images" / f"{number}.jpg", 224)
        np.save(notes / f"{number}_exp.npy", np.array(code))
    # Of 68 points each at its own number, the eyes are the means of 36 to 41 and of 42 to 47.
    np.save(notes / "0_lnd.npy", np.repeat(np.arange(68.0), 2))
    assert find_layout(tmp_path) == "affectnet"
    found = read_collection(tmp_path)
    assert rows(found) == {
        "val_set/images/0.jpg": ("happiness", "val_set", ""),
        "val_set/images/1.jpg": ("contempt", "val_set", ""),
        "val_set/images/2.jpg": (None, "val_set", ""),
    }
    assert found[0].landmarks[:, 0].tolist() == [38.5, 44.5, 30, 48, 54]
    assert found[0].cropped
    assert found[1].landmarks is None
    np.save(notes / "0_lnd.npy", np.full(136, -2.0))
    assert read_collection(tmp_path)[0].landmarks is None
    np.save(notes / "3_exp.npy", np.array("11"))
    with pytest.raises(InputError, match=r"3_exp\.npy.*0 \(neutral\).*10 \(no label\)"):
        read_collection(tmp_path)


def test_affectnet_as_folders(tmp_path):
    put(tmp_path / "val" / "0" / "a.jpg")
    put(tmp_path / "val" / "7" / "b.jpg")
    put(tmp_path / "val" / "Anger" / "c.jpg")
    put(tmp_path / "val" / "None" / "d.jpg")
    assert rows(read_collection(tmp_path, "affectnet")) == {
        "val/0/a.jpg": ("neutral", "val", ""),
        "val/7/b.jpg": ("contempt", "val", ""),
        "val/Anger/c.jpg": ("anger", "val", ""),
        "val/None/d.jpg": (None, "val", ""),
    }


@pytest.mark.parametrize("place", [".", "Manually_annotated_file_lists"])
def test_the_first_affectnet(tmp_path, place):
    header = (
        "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression,"
        "valence,arousal"
    )
    points = ";".join(["4.5"] * 136)
    rest = {
        "training": f"1/a.jpg,10,20,30,40,{points},2,-0.7,0.1\n1/b.jpg,0,0,50,50,{points},8,-2,-2",
        "validation": f"2/c.jpg,5,6,70,80,{points},7,-0.5,0.5\n2/d.jpg,NULL,NULL,NULL,NULL,,10,0,0",
    }
    (tmp_path / place).mkdir(exist_ok=True)
    for name, text in rest.items():
        (tmp_path / place / f"{name}.csv").write_text(f"{header}\n{text}\n")
    put(tmp_path / "Manually_Annotated_Images" / "2" / "c.jpg", 120)
    assert find_layout(tmp_path) == "affectnet"
    found = read_collection(tmp_path)
    assert rows(found) == {
        "1/a.jpg": ("sadness", "training", ""),
        "1/b.jpg": (None, "training", ""),
        "2/c.jpg": ("contempt", "validation", ""),
        "2/d.jpg": (None, "validation", ""),
    }
    assert not found[2].cropped
    assert [sample.box for sample in found] == [
        Box(10, 20, 30, 40), Box(0, 0, 50, 50), Box(5, 6, 70, 80), None,
    ]  # fmt: skip
    assert read_collection(tmp_path, split="validation", whole=False)[0].load().shape == (80, 70, 3)
    table = tmp_path / place / "training.csv"
    for value in ("left", "inf"):
        table.write_text(f"{header}\n\n1/a.jpg,10,{value},30,40,,2,0,0\n")
        with pytest.raises(InputError, match=r"line 3 .* box that is not of numbers"):
            read_collection(tmp_path)


def test_the_first_affectnet_as_it_is_published(tmp_path):
    """The table for validation has no header, and the folder of both is spelt in two ways."""
    place = tmp_path / "Manually_Annotated_file_lists"
    place.mkdir()
    points = ";".join(["4.5"] * 136)
    names = "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,"
    (place / "training.csv").write_bytes(
        f"{names}expression,valence,arousal\r\n1/a.jpg,10,20,30,40,{points},2,-.7,.1\r\n".encode()
    )
    (place / "validation.csv").write_bytes(f"2/c.jpg,5,6,70,80,{points},7,-.5,.5\r\n".encode())
    assert rows(read_collection(tmp_path)) == {
        "1/a.jpg": ("sadness", "training", ""),
        "2/c.jpg": ("contempt", "validation", ""),
    }
    (sample,), split = read_measured(tmp_path)
    assert (sample.box, split) == (Box(5, 6, 70, 80), "validation")
    (place / "training.csv").write_text("image,label\na/b.png,happy\n")
    assert labels(read_collection(tmp_path)) == {"2/c.jpg": "contempt"}


def test_files_that_macos_leaves_beside_the_others_are_passed_over(tmp_path):
    notes = tmp_path / "a" / "val_set" / "annotations"
    label = tmp_path / "b" / "Emotion" / "S005" / "001" / "S005_001_00000011_emotion.txt"
    for folder in (notes, label.parent, tmp_path / "b" / "cohn-kanade-images"):
        folder.mkdir(parents=True)
    np.save(notes / "0_exp.npy", np.array("1"))
    label.write_bytes("\ufeff   3.0000000e+00\r\n".encode())
    for place in (notes / "._0_exp.npy", label.with_name(f"._{label.name}")):
        place.write_bytes(b"\0\5\x16\7\0\2\0\0Mac OS X")
    assert labels(read_collection(tmp_path / "a")) == {"val_set/images/0.jpg": "happiness"}
    assert labels(read_collection(tmp_path / "b")) == {"S005/001/S005_001_00000011.png": "disgust"}


def test_names_that_are_not_utf_8_are_escaped(tmp_path):
    place = put(tmp_path / "test" / "happy" / "a.png").parent
    path = Path(os.fsdecode(bytes(place) + b"/caf\xe9.png"))
    try:
        put(path)
    except OSError:
        pytest.skip("this system has no such names")
    one, other = read_collection(tmp_path)
    assert (one.name, other.name) == ("test/happy/a.png", "test/happy/caf\\udce9.png")
    assert other.load().shape == (120, 120, 3)


def test_expw(tmp_path):
    image = np.zeros((60, 80), np.uint8)
    image[10:40, 20:40] = 200
    (tmp_path / "origin").mkdir()
    PIL.Image.fromarray(image).save(tmp_path / "origin" / "fun_1.png")
    (tmp_path / "label.lst").write_text(
        "fun_1.png 0 10 20 40 40 61.3 3\nfun_1.png 1 0 50 20 70 30.0 6\n"
        "fun_1.png 2 100 100 120 120 9.0 0\n"
    )
    assert find_layout(tmp_path) == "expw"
    found = read_collection(tmp_path)
    assert labels(found) == {
        "fun_1.png#0": "happiness",
        "fun_1.png#1": "neutral",
        "fun_1.png#2": "anger",
    }
    assert not found[0].cropped
    assert found[0].load().shape == (60, 80, 3)
    crops = read_collection(tmp_path, whole=False)
    assert crops[0].load().shape == (30, 20, 3)
    assert crops[0].load().min() == 200
    assert crop_of(crops[0]).shape == (48, 48)
    with pytest.raises(MediaError, match=r"fun_1\.png#2 lies outside"):
        crops[2].load()
    (tmp_path / "label.lst").write_text("fun_1.png 0 10 nan 40 40 61.3 3\n")
    with pytest.raises(InputError, match=r"row 1 .* box that is not of numbers"):
        read_collection(tmp_path)
    (tmp_path / "label.lst").write_text("fun_1.png 0 10 20 40\n")
    with pytest.raises(InputError, match="5 values, not 8"):
        read_collection(tmp_path)


def test_ck_plus(tmp_path):
    frames = tmp_path / "cohn-kanade-images" / "S005" / "001"
    for number, grey in ((1, 10), (11, 200)):
        put(frames / f"S005_001_{number:08}.png", grey=grey)
    label = tmp_path / "Emotion" / "S005" / "001" / "S005_001_00000011_emotion.txt"
    label.parent.mkdir(parents=True)
    label.write_text("   3.0000000e+00\n")
    (tmp_path / "Emotion" / "S005" / "002").mkdir()
    assert find_layout(tmp_path) == "ck+"
    (sample,) = read_collection(tmp_path)
    assert rows([sample]) == {"S005/001/S005_001_00000011.png": ("disgust", "", "S005")}
    assert sample.load().mean() == 200
    label.write_text("nothing")
    with pytest.raises(InputError, match=r"'nothing'.*2 \(contempt\)"):
        read_collection(tmp_path)


def test_jaffe(tmp_path):
    for name in ("KA.AN1.39.tiff", "NM.FE2.112.tiff", "README.png", "ym.ha3.54.tiff"):
        put(tmp_path / name)
    assert find_layout(tmp_path) == "jaffe"
    assert rows(read_collection(tmp_path)) == {
        "KA.AN1.39.tiff": ("anger", "", "KA"),
        "NM.FE2.112.tiff": ("fear", "", "NM"),
        "README.png": (None, "", ""),
        "ym.ha3.54.tiff": ("happiness", "", "YM"),
    }


def test_kdef(tmp_path):
    for name in ("AF01/AF01ANS.JPG", "BM35/BM35AFHL.JPG", "AF31/AF31V.JPG"):
        put(tmp_path / name)
    assert find_layout(tmp_path) == "kdef"
    assert rows(read_collection(tmp_path)) == {
        "AF01/AF01ANS.JPG": ("anger", "", "F01"),
        "BM35/BM35AFHL.JPG": ("fear", "", "M35"),
        "AF31/AF31V.JPG": (None, "", ""),
    }


def test_manifest(tmp_path):
    put(tmp_path / "one.png")
    put(tmp_path / "images" / "two.png")
    (tmp_path / "manifest.csv").write_text(
        "Image,label,split,subject\n./one.png,Happy,test,anna\ntwo.png,,test,\n"
        "gone/three.png,contempt,train,\n",
        encoding="utf-8-sig",
    )
    assert find_layout(tmp_path) == find_layout(tmp_path / "manifest.csv") == "manifest"
    found = read_collection(tmp_path)
    assert rows(found) == {
        "one.png": ("happiness", "test", "anna"),
        "two.png": (None, "test", ""),
        "gone/three.png": ("contempt", "train", ""),
    }
    assert not found[0].cropped
    assert found[1].load().shape == (120, 120, 3)
    with pytest.raises(MediaError, match=r"three\.png"):
        found[2].load()
    assert [sample.name for sample in read_collection(tmp_path, split="train")] == [
        "gone/three.png"
    ]
    with pytest.raises(InputError, match=r"no split 'dev'; choose one of: test, train"):
        read_collection(tmp_path, split="dev")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "image,label\na.png,happy\nb.png,glad\nc.png,cross\n",
            r"'glad' \(line 3\).*'cross'.*fear",
        ),
        ("image,emotions\na.png,happy\n", "no column label or emotion, but: image, emotions"),
        ("", "no column image"),
        ("image,label\na.png\n", "line 2 .* has 1 cells, not 2"),
        ("image,label\n\n\na.png\n", "line 4 .* has 1 cells, not 2"),
        ("image,label\n\n\na.png,glad\n", r"'glad' \(line 4\)"),
        ("image,label\n\n,sad\n", "line 3 .* path relative"),
        ("image,label,label\na.png,happy,sad\n", "has two columns 'label'; remove or rename one"),
        ("image,label\n/etc/a.png,happy\n", "path relative"),
        ("image,label\nC:\\faces\\a.png,happy\n", "path relative"),
        ("image,label\n,happy\n", "path relative"),
        ("image,label\na.png,sad\n./a.png,sad\n", r"listed twice: a\.png"),
        ("image,label\na.png,sad\na.png,happy\n", r"listed twice: a\.png"),
        (
            "image,label,split\na.png,sad,train\nb.png,sad,test\nx/../a.png,sad,test\n",
            r"in two splits: a\.png \(train and test\)",
        ),
    ],
)
def test_manifests_that_are_refused(tmp_path, text, sentence):
    (tmp_path / "manifest.csv").write_text(text)
    with pytest.raises(InputError, match=sentence):
        read_collection(tmp_path)


def test_one_file_that_is_spelled_in_two_ways_is_refused(tmp_path):
    put(tmp_path / "images" / "a.png")
    (tmp_path / "manifest.csv").write_text("image,label\na.png,sad\nimages/a.png,sad\n")
    with pytest.raises(InputError, match=r"listed twice: images/a\.png"):
        read_collection(tmp_path)


def test_a_manifest_of_another_encoding_is_refused(tmp_path):
    (tmp_path / "labels.csv").write_bytes("image,label\nzoë.png,sad\n".encode("utf-16"))
    with pytest.raises(InputError, match="not a CSV file in UTF-8"):
        read_collection(tmp_path)


def test_one_file_in_the_folders_of_two_splits_is_refused_by_name(tmp_path):
    put(tmp_path / "train" / "sad" / "a.png", grey=5)
    put(tmp_path / "test" / "sad" / "a.png", grey=6)
    assert len(read_collection(tmp_path)) == 2
    put(tmp_path / "train" / "fear" / "a.png", grey=6)
    with pytest.raises(InputError, match=r"test/sad/a\.png and train/fear/a\.png"):
        read_collection(tmp_path, split="test")


def test_a_folder_of_an_unknown_label_is_refused(tmp_path):
    put(tmp_path / "happy" / "a.png")
    put(tmp_path / "bored" / "b.png")
    with pytest.raises(InputError, match=r"bored.*neutral, happiness, surprise"):
        read_collection(tmp_path)


def test_what_no_layout_fits_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"no known layout.*raf-db.*manifest"):
        read_collection(tmp_path)
    with pytest.raises(InputError, match="no layout 'raf'; choose one of: auto, fer2013"):
        read_collection(tmp_path, "raf")
    with pytest.raises(InputError, match="is missing"):
        read_collection(tmp_path / "nowhere")
    for layout in Layout:
        with pytest.raises(InputError):
            read_collection(tmp_path, layout)


def test_a_box_is_cut_at_the_edge_of_the_picture():
    image = np.arange(48 * 48, dtype=np.uint16).astype(np.uint8).reshape(48, 48)
    sample = Sample("a", Emotion.FEAR, pixels=image, cropped=True, box=Box(-5, 40, 20, 20))
    assert np.array_equal(sample.load(), image[40:, :15])
