"""Manifests, and folders named by labels."""

import os
from pathlib import Path

import pytest

from mien.core.errors import InputError, MediaError
from mien_lab.data.collections import find_layout, read_collection


def test_manifest(put, rows, tmp_path):
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
        (
            "image,label,cropped\na.png,sad,\nb.png,sad,x\n",
            "line 3 .* cropped 'x'; write yes or no",
        ),
        ("image,label,framed\na.png,sad,cut\n", "line 2 .* says framed 'cut'"),
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


def test_answers_are_read_in_any_case(put, tmp_path):
    answers = ("yes", "TRUE", "1", "Y", "no", "False", "0", "n", "")
    rows = [f"{number}.png,sad,{answer}" for number, answer in enumerate(answers)]
    (tmp_path / "manifest.csv").write_text("\n".join(["image,label,cropped", *rows]))
    assert [one.cropped for one in read_collection(tmp_path)] == [True] * 4 + [False] * 5
    # Whatever the sizes say, unless no row answers.
    for number in range(2):
        put(tmp_path / f"{number}.png", 48)
    for answers, cropped in ((("no", ""), False), (("", ""), True)):
        rows = [f"{number}.png,sad,{answer}" for number, answer in enumerate(answers)]
        (tmp_path / "manifest.csv").write_text("\n".join(["image,label,cropped", *rows]))
        assert [one.cropped for one in read_collection(tmp_path)] == [cropped] * 2


def test_a_manifest_of_another_encoding_is_refused(tmp_path):
    (tmp_path / "labels.csv").write_bytes("image,label\nzoë.png,sad\n".encode("utf-16"))
    with pytest.raises(InputError, match="not a CSV file in UTF-8"):
        read_collection(tmp_path)


def test_names_that_are_not_utf_8_are_escaped(put, tmp_path):
    place = put(tmp_path / "test" / "happy" / "a.png").parent
    path = Path(os.fsdecode(bytes(place) + b"/caf\xe9.png"))
    try:
        put(path)
    except OSError:
        pytest.skip("this system has no such names")
    one, other = read_collection(tmp_path)
    assert (one.name, other.name) == ("test/happy/a.png", "test/happy/caf\\udce9.png")
    assert other.load().shape == (120, 120, 3)


def test_a_folder_of_an_unknown_label_is_refused(put, tmp_path):
    put(tmp_path / "happy" / "a.png")
    put(tmp_path / "bored" / "b.png")
    with pytest.raises(InputError, match=r"bored.*neutral, happiness, surprise"):
        read_collection(tmp_path)


def test_a_table_without_images_is_no_manifest(put, labels, tmp_path):
    put(tmp_path / "anger" / "image0000006.jpg", 96)
    table = ",pth,label,relFCs\n0,anger/image0000006.jpg,surprise,0.873142\n"
    (tmp_path / "labels.csv").write_text(table)
    assert find_layout(tmp_path) == "folders"
    assert labels(read_collection(tmp_path)) == {"anger/image0000006.jpg": "anger"}
    with pytest.raises(InputError, match=r"labels\.csv has no column image, but: , pth"):
        read_collection(tmp_path, "manifest")
    (tmp_path / "manifest.csv").write_text("\nimage;label\nanger/image0000006.jpg;anger\n")
    with pytest.raises(InputError, match=r"no column image, but: image;label; .* commas"):
        read_collection(tmp_path)
    (tmp_path / "manifest.csv").write_text(table)
    (tmp_path / "labels.csv").write_text('"Image","label"\nanger/image0000006.jpg,fear\n')
    assert labels(read_collection(tmp_path)) == {"anger/image0000006.jpg": "fear"}
