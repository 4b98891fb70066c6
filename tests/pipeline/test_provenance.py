import json
import shutil

import pytest

from mien import Config
from mien.core.errors import ArtifactError
from mien.pipeline.provenance import provenance
from mien.runtime.artifact import weights_folder


def test_the_checksums_are_those_of_the_folder_that_is_read(tmp_path):
    shipped = provenance(Config())
    assert {"detector", "refiner", "landmarks", "expression"} <= set(shipped)
    assert provenance(Config(precision="fp32"))["expression"]["precision"] == "fp32"
    folder = tmp_path / "weights"
    shutil.copytree(weights_folder(), folder)
    card = json.loads((folder / "detector.json").read_text())
    (folder / "detector.json").write_text(json.dumps(card | {"version": "77"}))
    mine = provenance(Config(weights=folder))
    assert mine["detector"]["version"] == "77"
    assert mine["expression"] == shipped["expression"]
    with pytest.raises(ArtifactError, match="holds no model cards"):
        provenance(Config(weights=tmp_path))
