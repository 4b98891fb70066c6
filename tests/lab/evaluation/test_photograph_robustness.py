import shutil
from dataclasses import replace

import pytest

from mien.core.errors import InputError
from mien_lab.data.corruptions import CORRUPTIONS
from mien_lab.evaluation.photograph_robustness import measure_photographs


def test_whole_photographs_are_damaged_too(portrait_file, tmp_path):
    (tmp_path / "images").mkdir()
    shutil.copyfile(portrait_file, tmp_path / "images" / "a.jpg")
    (tmp_path / "labels.csv").write_text("image,emotion\na.jpg,happiness\n")
    dark = [corruption for corruption in CORRUPTIONS if corruption.name == "darkness"]
    found = measure_photographs(tmp_path, precision="int8", corruptions=dark)
    assert found["n"] == 1
    assert (found["clean"]["missed"], found["clean"]["accuracy"]) == (0, 1.0)
    assert len(found["curves"]["darkness"]) == 5
    # Without any light there is no face to find.
    black = replace(dark[0], amounts=(99, 99, 99, 99, 99))
    found = measure_photographs(tmp_path, precision="int8", corruptions=[black])
    assert [row["missed"] for row in found["curves"]["darkness"]] == [1] * 5
    assert found["relative_accuracy"] == 0
    (tmp_path / "images" / "b.jpg").write_text("no picture")
    (tmp_path / "labels.csv").write_text("image,emotion\nb.jpg,sadness\na.jpg,happiness\n")
    found = measure_photographs(tmp_path, precision="int8", corruptions=dark)
    assert (found["n"], [failure["name"] for failure in found["failures"]]) == (1, ["b.jpg"])
    (tmp_path / "images" / "a.jpg").write_text("no picture")
    with pytest.raises(InputError, match=r"no photograph that can be read; .*b\.jpg cannot"):
        measure_photographs(tmp_path, precision="int8")
