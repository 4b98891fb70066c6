import numpy as np
import pytest

pytest.importorskip("sklearn")

from mien.core.errors import InputError
from mien.core.labels import EMOTIONS
from mien_lab.data.fer2013 import load_fer
from mien_lab.evaluation.embedded_faces import columns_of, embed


def test_the_network_is_read_once(faces_folder):
    faces = embed(faces_folder, precision="int8", threads=1)
    assert faces.names == tuple(f"{row:05}" for row in range(90))
    assert faces.targets == pytest.approx(
        np.eye(8)[[0, 1, 4] * 20] * 0.8 + np.eye(8)[[EMOTIONS.index("fear")] * 60] * 0.2
    )
    data = load_fer(faces_folder)
    assert len(data) == 100
    said = faces.read()
    assert said.probabilities.sum(axis=1) == pytest.approx(1)
    assert said.truth.tolist() == [0, 1, 4] * 10


def test_groups_of_one_part_only_are_refused(faces_folder, tmp_path):
    faces = embed(faces_folder, precision="int8", threads=1)
    table = tmp_path / "groups.csv"
    table.write_text("name,team\n" + "".join(f"{row:05},a\n" for row in range(60)))
    with pytest.raises(InputError, match="gives no PublicTest face a group"):
        columns_of(faces, table)
    table.write_text("name,team\n" + "".join(f"{row:05},a\n" for row in range(60, 100)))
    with pytest.raises(InputError, match="gives no training face a group"):
        columns_of(faces, table)
    table.write_text("name,team\n" + "".join(f"{row:05},{row % 2}\n" for row in range(100)))
    columns = columns_of(faces, table)
    assert columns.values["team"].tolist() == ["0", "1"] * 45
    assert columns.about["notes"] == [
        f"10 names in {table} are of no face used here, the first: 00090"
    ]


def test_a_folder_without_test_faces(write_rows, row, picture):
    folder = write_rows([row(picture(number)) for number in range(12)])
    with pytest.raises(InputError, match="12 training faces and 0 faces of PublicTest"):
        embed(folder, precision="int8", threads=1)
