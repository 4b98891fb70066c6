# ruff: noqa: PT012 (that the whole block fails is what is tested)
import io
from unittest.mock import Mock, call

import pytest

from mien.core.errors import InputError, MediaError, OutputError
from mien.core.labels import Emotion
from mien.core.media import Media, MediaKind
from mien.core.types import Doubt, FrameReading
from mien.report.writing import ReportFormat, ReportWriters, open_report

PHOTO = Media("face.jpg", MediaKind.IMAGE, 100, 80)


def test_parquet_needs_a_file():
    with (
        pytest.raises(InputError, match="give the path of a file"),
        open_report(io.StringIO(), ReportFormat.PARQUET, {}),
    ):
        pass


def test_failure_within_the_block_leaves_no_file(tmp_path):
    for form in ReportFormat:
        with (
            pytest.raises(ZeroDivisionError),
            open_report(tmp_path / "out", form, {}) as report,
        ):
            report.begin(PHOTO)
            raise ZeroDivisionError
        assert list(tmp_path.iterdir()) == [], form


@pytest.mark.parametrize(
    ("form", "kept"), [("jsonl", True), ("csv", True), ("json", False), ("parquet", False)]
)
def test_of_what_breaks_off_whole_rows_are_kept_if_asked(form, kept, make_reading, tmp_path):
    path = tmp_path / f"a.{form}"
    with (
        pytest.raises(ZeroDivisionError),
        open_report(path, ReportFormat(form), {}, salvage=True) as report,
    ):
        report.begin(PHOTO)
        report.write(FrameReading(0, 0.0, (make_reading(),)))
        raise ZeroDivisionError
    assert [one.name for one in tmp_path.iterdir()] == ([f"a.partial.{form}"] if kept else [])


@pytest.mark.parametrize("form", list(ReportFormat))
def test_full_disk_leaves_no_half_file(form, make_reading, tmp_path, small_disk):
    frames = [
        FrameReading(0, 0.0, (make_reading(track_id=7), make_reading(top=Emotion.ANGER))),
        FrameReading(1, 0.04, ()),
        FrameReading(2, 0.08, (make_reading(doubt=Doubt.SMALL),)),
    ]
    with (
        pytest.raises(OutputError) as caught,
        small_disk(3000),
        open_report(tmp_path / "out", form, {}) as report,
    ):
        report.begin(PHOTO)
        for frame in frames * 50:
            report.write(frame)
        report.end()
    assert str(tmp_path / "out") in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_several_writers_are_told_the_same():
    first, second = Mock(), Mock()
    writers, frame = ReportWriters([first, second]), FrameReading(0, 0.0, ())
    fault = MediaError("a fault")
    writers.begin(PHOTO)
    writers.write(frame)
    writers.end(fault)
    writers.fail("gone.jpg", fault)
    told = [call.begin(PHOTO), call.write(frame), call.end(fault), call.fail("gone.jpg", fault)]
    assert first.mock_calls == second.mock_calls == told
