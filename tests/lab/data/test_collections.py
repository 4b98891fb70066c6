"""How a layout is told by its files, what is measured of a collection, and what is refused."""

import pytest

from mien.core.errors import InputError
from mien_lab.data.collections import Layout, find_layout, read_collection, read_measured


def test_fer2013_as_folders(put, rows, tmp_path):
    put(tmp_path / "train" / "angry" / "Training_1.jpg", 48)
    put(tmp_path / "test" / "happy" / "PrivateTest_1.jpg", 48)
    put(tmp_path / "test" / "sad" / "PublicTest_2.jpg", 48)
    (tmp_path / "test" / "happy" / "Thumbs.db").write_bytes(b"")
    put(tmp_path / "test" / "happy" / ".hidden.jpg", 48)
    assert find_layout(tmp_path) == "folders"
    found = read_collection(tmp_path)
    assert rows(found) == {
        "test/happy/PrivateTest_1.jpg": ("happiness", "PrivateTest", ""),
        "test/sad/PublicTest_2.jpg": ("sadness", "PublicTest", ""),
        "train/angry/Training_1.jpg": ("anger", "Training", ""),
    }
    for layout in ("auto", "fer2013"):
        (measured,), split = read_measured(tmp_path, layout)
        assert (measured.label, split) == ("happiness", "PrivateTest")
    assert all(sample.cropped for sample in found)
    assert not read_collection(tmp_path, whole=True)[0].cropped


def test_one_file_that_is_spelled_in_two_ways_is_refused(put, tmp_path):
    put(tmp_path / "images" / "a.png")
    (tmp_path / "manifest.csv").write_text("image,label\na.png,sad\nimages/a.png,sad\n")
    with pytest.raises(InputError, match=r"listed twice: images/a\.png"):
        read_collection(tmp_path)


def test_one_file_in_the_folders_of_two_splits_is_refused_by_name(put, tmp_path):
    put(tmp_path / "train" / "sad" / "a.png", grey=5)
    put(tmp_path / "test" / "sad" / "a.png", grey=6)
    assert len(read_collection(tmp_path)) == 2
    put(tmp_path / "train" / "fear" / "a.png", grey=6)
    with pytest.raises(InputError, match=r"test/sad/a\.png and train/fear/a\.png"):
        read_collection(tmp_path, split="test")


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


@pytest.mark.parametrize(
    ("splits", "measured"),
    [
        (("train", "test", "test"), "test"),
        (("train", "val", "train"), "val"),
        (("train", "", "train"), None),
        (("", "", ""), None),
        (("test_a", "test_b", "val"), "test_a, test_b"),
    ],
)
def test_the_test_split_is_measured_where_there_is_one(tmp_path, splits, measured):
    labels = ("sad", "fear", "happy")
    rows = [f"{label}.png,{label},{split}" for label, split in zip(labels, splits, strict=True)]
    rows.append("unlabelled.png,,eval")
    (tmp_path / "manifest.csv").write_text("\n".join(["image,label,split", *rows]) + "\n")
    samples, said = read_measured(tmp_path)
    taken = {sample.split for sample in samples if sample.label is not None}
    assert said == measured
    assert taken == (set(splits) if measured is None else set(measured.split(", ")))
    assert read_measured(tmp_path, split=splits[0])[1] == splits[0]
