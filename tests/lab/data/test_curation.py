import csv

import PIL.Image
import pytest

pytest.importorskip("imagehash")

from mien.core.errors import InputError
from mien.core.labels import Emotion
from mien_lab.data.collections import read_collection
from mien_lab.data.curation import write_manifest
from mien_lab.data.samples import Sample


def sample(name, split="train", label=Emotion.FEAR, **others):
    return Sample(name, label, split=split, **others)


def test_a_manifest_is_read_again(tmp_path):
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    (tmp_path / "lists").mkdir()
    samples = [
        sample("x.png", path=pictures / "x.png", subject="S1"),
        sample("y.png", "test", None, path=pictures / "y.png"),
    ]
    for one in samples:
        one.path.write_bytes(b"")
    write_manifest(tmp_path / "lists" / "kept.csv", samples)
    again = read_collection(tmp_path / "lists" / "kept.csv", whole=True)
    assert [one.path.resolve() for one in again] == [one.path for one in samples]
    assert [(one.label, one.split, one.subject) for one in again] == [
        (Emotion.FEAR, "train", "S1"), (None, "test", ""),
    ]  # fmt: skip


def test_a_manifest_tells_crops_from_photographs(tmp_path):
    samples = [
        sample("x.png", path=tmp_path / "x.png", cropped=True),
        sample("y.png", path=tmp_path / "y.png"),
    ]
    for one in samples:
        PIL.Image.new("L", (224, 224)).save(one.path)
    write_manifest(tmp_path / "kept.csv", samples)
    assert [one.cropped for one in read_collection(tmp_path / "kept.csv")] == [True, False]
    assert not read_collection(tmp_path / "kept.csv", whole=True)[0].cropped


@pytest.mark.parametrize(("cropped", "side"), [(True, 224), (False, 48)])
def test_a_manifest_is_believed_whatever_the_size_of_its_pictures(tmp_path, cropped, side):
    samples = [sample(name, path=tmp_path / name, cropped=cropped) for name in ("x.png", "y.png")]
    for one in samples:
        PIL.Image.new("L", (side, side)).save(one.path)
    write_manifest(tmp_path / "kept.csv", samples)
    assert [one.cropped for one in read_collection(tmp_path / "kept.csv")] == [cropped] * 2


def test_a_manifest_keeps_how_crops_are_framed(tmp_path):
    samples = [
        sample("x.png", path=tmp_path / "x.png", cropped=True, framed=True),
        sample("y.png", path=tmp_path / "y.png", cropped=True),
    ]
    write_manifest(tmp_path / "kept.csv", samples)
    assert [one.framed for one in read_collection(tmp_path / "kept.csv")] == [True, False]
    write_manifest(tmp_path / "kept.csv", samples[1:])
    assert "framed" not in (tmp_path / "kept.csv").read_text()


def test_a_manifest_of_what_has_no_files_is_a_list(tmp_path, picture):
    write_manifest(tmp_path / "kept.csv", [sample("00007", pixels=picture(1))])
    with (tmp_path / "kept.csv").open(newline="") as stream:
        assert list(csv.reader(stream)) == [
            ["name", "label", "split", "subject"], ["00007", "fear", "train", ""],
        ]  # fmt: skip
    with pytest.raises(InputError, match="no column image"):
        read_collection(tmp_path / "kept.csv", "manifest")
