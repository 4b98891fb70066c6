"""How parts are wired together: what is loaded, and what is shared."""

import json
import shutil

import numpy as np
import pytest

from mien.pipeline import build as module
from mien.pipeline.build import LIVE_SIZE, Config, build_parts
from mien.runtime.artifact import weights_folder
from mien.vision.proposals import FaceProposer


def test_films_and_live_pictures_share_their_networks(monkeypatch):
    opened, searched = [], []
    real = module.open_session
    monkeypatch.setattr(
        module,
        "open_session",
        lambda name, **options: opened.append(name) or real(name, **options),
    )
    sizes = FaceProposer.__init__

    def noted(self, session, size):
        searched.append(size)
        sizes(self, session, size)

    monkeypatch.setattr(FaceProposer, "__init__", noted)
    parts = build_parts(Config(threads=1))
    assert sorted(opened) == ["detector", "expression", "landmarks", "refiner", "temporal"]
    assert searched == [1280, LIVE_SIZE]
    assert parts.live.classifier is parts.reader.classifier
    assert parts.live.detector is not parts.reader.detector
    assert parts.reader.coarse is parts.live.detector
    assert parts.live.coarse is None


def test_a_search_size_of_ones_own_is_that_of_every_search():
    parts = build_parts(Config(threads=1, search_size=320))
    assert (parts.reader.coarse, parts.live.coarse) == (None, None)


def test_a_search_size_of_ones_own_serves_live_pictures_too(astronaut):
    parts = build_parts(Config(threads=1, search_size=320))
    one, other = (reader.find(astronaut)[0] for reader in (parts.reader, parts.live))
    assert np.allclose(one.box.as_tuple(), other.box.as_tuple())


@pytest.fixture
def folder(tmp_path):
    """A copy of the shipped weights."""
    return shutil.copytree(weights_folder(), tmp_path / "weights")


def change(path, **fields):
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def test_the_checksums_are_those_of_the_folder_that_is_read(folder):
    shipped = build_parts(Config()).provenance()
    assert list(shipped) == ["detector", "expression", "landmarks", "refiner", "temporal"]
    full = build_parts(Config(precision="fp32")).provenance()
    assert (shipped["expression"]["precision"], full["expression"]["precision"]) == ("int8", "fp32")
    change(folder / "detector.json", version="77")
    mine = build_parts(Config(weights=folder)).provenance()
    assert mine["detector"]["version"] == "77"
    assert mine["expression"] == shipped["expression"]


def test_what_was_loaded_counts_not_what_lies_there_now(folder):
    parts = build_parts(Config(weights=folder))
    before = parts.provenance()
    change(folder / "detector.json", sha256="0" * 64)
    assert parts.provenance() == before


def test_weights_that_do_not_read_are_not_named(folder):
    assert "temporal" not in build_parts(Config(smooth=False)).provenance()
    change(folder / "temporal.json", extra={"reads": "another expression network"})
    assert "temporal" not in build_parts(Config(weights=folder)).provenance()
