"""Every layout of a publisher from a tiny folder of it."""

import numpy as np
import PIL.Image
import pytest

from mien.core.errors import InputError, MediaError
from mien.core.labels import Emotion
from mien.core.types import Box
from mien_lab.data.collections import find_layout, read_collection, read_measured
from mien_lab.data.samples import crop_of, landmarks_of


def test_raf_db(put, rows, tmp_path):
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
    with pytest.raises(InputError, match="'9' is not one of RAF-DB's numbers"):
        read_collection(tmp_path)


def test_raf_db_beside_its_table(put, tmp_path):
    put(tmp_path / "test_0001_aligned.jpg", 100)
    (tmp_path / "list_patition_label.txt").write_text("test_0001.jpg 7\n")
    (sample,) = read_collection(tmp_path)
    assert sample.label == "neutral"
    assert sample.path.is_file()


def test_affectnet_with_annotations(put, rows, tmp_path):
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


def test_affectnet_as_folders(put, rows, tmp_path):
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
def test_the_first_affectnet(put, rows, tmp_path, place):
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


def test_the_first_affectnet_as_it_is_published(rows, labels, tmp_path):
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


def test_files_that_macos_leaves_beside_the_others_are_passed_over(labels, tmp_path):
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


def test_expw(labels, tmp_path):
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
    assert crop_of(crops[0].load(), landmarks_of(crops[0], crops[0].load())).shape == (48, 48)
    with pytest.raises(MediaError, match=r"fun_1\.png#2 lies outside"):
        crops[2].load()
    (tmp_path / "label.lst").write_text("fun_1.png 0 10 nan 40 40 61.3 3\n")
    with pytest.raises(InputError, match=r"row 1 .* box that is not of numbers"):
        read_collection(tmp_path)
    (tmp_path / "label.lst").write_text("fun_1.png 0 10 20 40\n")
    with pytest.raises(InputError, match="5 values, not 8"):
        read_collection(tmp_path)


def test_ck_plus(put, rows, tmp_path):
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


def test_jaffe(put, rows, tmp_path):
    for name in ("KA.AN1.39.tiff", "NM.FE2.112.tiff", "README.png", "ym.ha3.54.tiff"):
        put(tmp_path / name)
    assert find_layout(tmp_path) == "jaffe"
    assert rows(read_collection(tmp_path)) == {
        "KA.AN1.39.tiff": ("anger", "", "KA"),
        "NM.FE2.112.tiff": ("fear", "", "NM"),
        "README.png": (None, "", ""),
        "ym.ha3.54.tiff": ("happiness", "", "YM"),
    }


def test_kdef(put, rows, tmp_path):
    for name in ("AF01/AF01ANS.JPG", "BM35/BM35AFHL.JPG", "AF31/AF31V.JPG"):
        put(tmp_path / name)
    assert find_layout(tmp_path) == "kdef"
    assert rows(read_collection(tmp_path)) == {
        "AF01/AF01ANS.JPG": ("anger", "", "F01"),
        "BM35/BM35AFHL.JPG": ("fear", "", "M35"),
        "AF31/AF31V.JPG": (None, "", ""),
    }


def test_the_box_of_the_face_meant_in_a_photograph_of_raf_db(tmp_path):
    table = tmp_path / "EmoLabel" / "list_patition_label.txt"
    file = tmp_path / "Annotation" / "boundingbox" / "train_00001_boundingbox.txt"
    for path in (table, file):
        path.parent.mkdir(parents=True)
    table.write_text("train_00001.jpg 5\ntest_0001.jpg 2\n")
    file.write_text("10.5 20 40.5 80 \n")
    found = read_collection(tmp_path, whole=True)
    assert [sample.box for sample in found] == [Box(10.5, 20, 30, 60), None]
    assert [sample.box for sample in read_collection(tmp_path)] == [None, None]
    for text, sentence in (
        ("", "has 0 values, not 4"),
        ("10 20 40", "has 3 values, not 4"),
        ("10 20 nan 80", "has a box that is not of numbers"),
        ("10 20 10 80", "has a box without a face; get it again"),
    ):
        file.write_text(text)
        with pytest.raises(InputError, match=rf"train_00001_boundingbox\.txt {sentence}"):
            read_collection(tmp_path, whole=True)
