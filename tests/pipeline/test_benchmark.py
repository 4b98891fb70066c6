import json

import numpy as np
import pytest

from mien.pipeline.benchmark import benchmark, face_grid, measure, sample_image, summarize
from mien.pipeline.build import Config


@pytest.fixture(scope="module")
def rows():
    return list(benchmark(threads=(1,), faces=(1, 4), seconds=0.01))


def test_every_part_is_measured(rows):
    found = {(row.part, row.precision, row.threads, row.faces) for row in rows}
    expected = {("detector", "", 1, 0)}
    for part in ("expression", "pipeline"):
        for precision in ("fp32", "int8"):
            expected |= {(part, precision, 1, faces) for faces in (1, 4)}
    assert found == expected
    assert len(rows) == len(expected)


def test_times_are_sane(rows):
    for row in rows:
        assert 0 < row.low_ms <= row.median_ms <= row.high_ms
        assert row.per_second == pytest.approx(1000 / row.median_ms)
        assert json.loads(json.dumps(row.to_dict())) == row.to_dict()


def test_the_configuration_counts():
    options = {"threads": (1,), "faces": (), "seconds": 0.0}
    (row,) = benchmark(**options, config=Config(threshold=0.9))
    assert row.part == "detector"


def test_the_sample_picture_has_no_face(analyzer):
    image = sample_image()
    assert (image.shape, image.dtype) == ((480, 640, 3), np.uint8)
    assert analyzer.read(image) == ()


def test_faces_stand_in_rows():
    faces = face_grid(3, 10.0, columns=2, corner=(1, 2), step=(30, 40))
    assert [face.box.as_tuple() for face in faces] == [
        (1, 2, 10, 10), (31, 2, 10, 10), (1, 42, 10, 10),
    ]  # fmt: skip
    for face in faces:
        points = face.landmarks.as_array() - (face.box.x, face.box.y)
        assert ((points > 0) & (points < 10)).all()


def test_measure_leaves_out_two_calls():
    calls = []
    times = measure(lambda: calls.append(1), 0.0, least=5)
    assert (len(times), len(calls)) == (5, 7)


def test_summary():
    row = summarize("x", "", 1, 0, [float(n) for n in range(101)])
    assert (row.low_ms, row.median_ms, row.high_ms, row.per_second) == (10, 50, 90, 20)
