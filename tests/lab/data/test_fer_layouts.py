import numpy as np
import pytest

from mien.core.errors import InputError
from mien_lab.data.collections import find_layout, read_collection, read_measured


def test_fer2013_and_ferplus_as_published(rows, labels, write_rows, row, picture):
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
    assert first.framed
    assert first.landmarks is None
    assert np.array_equal(second.load(), picture(2))
    assert labels(read_collection(folder, "fer+")) == {"00000": "fear", "00001": None}
    assert labels(read_collection(folder, split="PrivateTest")) == {"00001": "neutral"}
    (folder / "fer2013new.csv").unlink()
    assert len(read_collection(folder, "fer2013")) == 2
    with pytest.raises(InputError, match=r"fer2013new\.csv"):
        read_collection(folder, "fer+")


def test_fer2013_beside_the_folders_of_ferplus(put, write_rows, row, picture):
    folder = write_rows([row(picture(1), 0, "PrivateTest")], packed=False)
    put(folder / "FER2013Test" / "fer0032220.png", 48)
    (folder / "FER2013Test" / "label.csv").write_text("fer0032220.png,0,0,0,1,0,8,1,0,0,0\n")
    (sample,), split = read_measured(folder)
    assert (sample.label, split) == ("anger", "PrivateTest")
    (sample,), split = read_measured(folder, "fer+")
    assert (sample.label, split) == ("disgust", "FER2013Test")


def test_fer2013_with_an_unknown_label(tmp_path):
    (tmp_path / "fer2013.csv").write_text(f"emotion,pixels,Usage\n7,{' '.join(['9'] * 2304)},x\n")
    with pytest.raises(InputError, match=r"emotion '7'.*0 \(anger\).*6 \(neutral\)"):
        read_collection(tmp_path)


def test_ferplus_as_folders(put, rows, tmp_path):
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
