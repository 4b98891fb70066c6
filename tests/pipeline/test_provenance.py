import json
import shutil

import pytest

from mien import Config
from mien.pipeline.build import build_parts
from mien.pipeline.provenance import provenance
from mien.runtime.artifact import weights_folder


@pytest.fixture
def folder(tmp_path):
    """A copy of the shipped weights."""
    return shutil.copytree(weights_folder(), tmp_path / "weights")


def change(path, **fields):
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def test_the_checksums_are_those_of_the_folder_that_is_read(folder):
    shipped = provenance(build_parts(Config()))
    assert list(shipped) == ["detector", "expression", "landmarks", "refiner", "temporal"]
    full = provenance(build_parts(Config(precision="fp32")))
    assert (shipped["expression"]["precision"], full["expression"]["precision"]) == ("int8", "fp32")
    change(folder / "detector.json", version="77")
    mine = provenance(build_parts(Config(weights=folder)))
    assert mine["detector"]["version"] == "77"
    assert mine["expression"] == shipped["expression"]


def test_what_was_loaded_counts_not_what_lies_there_now(folder):
    parts = build_parts(Config(weights=folder))
    before = provenance(parts)
    change(folder / "detector.json", sha256="0" * 64)
    assert provenance(parts) == before


def test_weights_that_do_not_read_are_not_named(folder):
    assert "temporal" not in provenance(build_parts(Config(smooth=False)))
    change(folder / "temporal.json", extra={"reads": "another expression network"})
    assert "temporal" not in provenance(build_parts(Config(weights=folder)))
