import csv
import io
import sys

import pytest

from mien.core.errors import InputError, MediaError, OutputError
from mien.core.labels import Emotion
from mien.core.media import Media, MediaKind
from mien.core.types import Doubt, FrameReading, flat_rows
from mien.report import tables
from mien.report.tables import COLUMNS, columns, to_table
from mien.report.writing import ReportFormat, open_report

HEADER = (
    "source,frame,time_s,face,track_id,x,y,width,height,score,top,neutral,happiness,surprise,"
    "sadness,anger,disgust,fear,contempt,valence,arousal,sentiment,uncertain"
)
MEDIA = Media('a, "b".mp4', MediaKind.VIDEO, 64, 48)


@pytest.fixture
def frames(make_reading):
    return [
        FrameReading(0, 0.0, (make_reading(track_id=7), make_reading(top=Emotion.ANGER))),
        FrameReading(1, 0.04, ()),
        FrameReading(2, 0.08, (make_reading(doubt=Doubt.SMALL),)),
    ]


def write(out, form, frames):
    with open_report(out, form, {}) as report:
        report.begin(MEDIA)
        for frame in frames:
            report.write(frame)
        report.end()
        report.fail("gone.jpg", MediaError("gone.jpg does not exist"))


def rows_of(path, source, frame):
    """Write a CSV of one frame of a source, and read its rows."""
    with open_report(path, ReportFormat.CSV, {}) as report:
        report.begin(Media(source, MediaKind.VIDEO, 64, 48))
        report.write(frame)
        report.end()
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, strict=True))


def test_csv_has_one_row_per_face(frames, tmp_path):
    path = tmp_path / "out.csv"
    write(path, ReportFormat.CSV, frames)
    text = path.read_text("utf-8")
    assert text.splitlines()[0] == HEADER
    table = list(csv.DictReader(io.StringIO(text)))
    assert [(row["frame"], row["face"], row["track_id"]) for row in table] == [
        ("0", "0", "7"),
        ("0", "1", ""),
        ("2", "0", ""),
    ]
    assert table[0]["source"] == MEDIA.source
    assert [row["uncertain"] for row in table] == ["false", "false", "true"]
    assert table[1]["top"] == "anger"
    assert float(table[1]["anger"]) == 0.9


def test_csv_without_faces_is_a_header(tmp_path):
    write(tmp_path / "out.csv", ReportFormat.CSV, [])
    assert (tmp_path / "out.csv").read_text() == HEADER + "\n"


def test_csv_without_sources_is_a_header(tmp_path, capsys):
    for out in (tmp_path / "out.csv", sys.stdout):
        with open_report(out, ReportFormat.CSV, {}):
            pass
    assert (tmp_path / "out.csv").read_text() == capsys.readouterr().out == HEADER + "\n"


@pytest.mark.parametrize("source", ["a\rb.mp4", "a\nb.mp4", "a\r\nb.mp4", "a.mp4\r\n", " a,b "])
def test_a_name_of_several_lines_stays_one_cell(frames, tmp_path, source):
    path = tmp_path / "out.csv"
    table = rows_of(path, source, frames[0])
    assert [(row["source"], row["track_id"], row["uncertain"]) for row in table] == [
        (source, "7", "false"),
        (source, "", "false"),
    ]
    assert path.read_bytes().endswith(b"false\n")
    assert path.read_bytes().startswith(HEADER.encode() + b"\n")


@pytest.mark.parametrize("name", ["=1+1.mp4", "+a", "-a", "@a"])
def test_a_name_like_a_formula_is_not_one_in_a_spreadsheet(frames, tmp_path, name):
    (row, *_) = rows_of(tmp_path / "a.csv", name, frames[0])
    assert row["source"] == f"'{name}"


def test_csv_to_a_stream(frames):
    stream = io.StringIO()
    write(stream, ReportFormat.CSV, frames)
    assert len(stream.getvalue().splitlines()) == 4
    assert not stream.closed


def test_columns_match_the_types(frames):
    table = flat_rows("a.mp4", frames)
    assert list(table[0]) == list(COLUMNS) == HEADER.split(",")
    for name, values in columns(table).items():
        assert len(values) == 3
        assert all(type(v) is COLUMNS[name] or (name == "track_id" and v is None) for v in values)
    assert columns([]) == {name: [] for name in COLUMNS}


def test_what_is_no_row_is_refused(frames):
    for table in (frames[0].to_dicts(), frames, {"source": "a.mp4"}):
        with pytest.raises(InputError, match=r"'source'; give the rows of Analysis\.to_dicts\(\)"):
            columns(table)


def test_arrow_table_is_typed_with_and_without_rows(frames):
    full, empty = to_table(rows=flat_rows("a.mp4", frames)), to_table([])
    assert full.schema == empty.schema
    assert full.num_rows == 3
    assert empty.num_rows == 0
    assert full.column("track_id").to_pylist() == [7, None, None]
    assert str(full.schema.field("time_s").type) == "double"


def test_parquet_round_trip_in_several_groups(frames, tmp_path, monkeypatch):
    parquet = pytest.importorskip("pyarrow.parquet")
    monkeypatch.setattr(tables, "_ROW_GROUP", 2)
    path = tmp_path / "out.parquet"
    write(path, ReportFormat.PARQUET, frames * 3)
    table = parquet.read_table(path)
    assert table.schema.names == list(COLUMNS)
    assert table.to_pylist() == flat_rows(MEDIA.source, frames * 3)
    assert parquet.ParquetFile(path).num_row_groups > 1


def test_parquet_without_rows_keeps_its_schema(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    write(tmp_path / "out.parquet", ReportFormat.PARQUET, [])
    assert parquet.read_table(tmp_path / "out.parquet").schema == to_table([]).schema


def test_missing_pyarrow_is_said(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(OutputError, match=r"pip install '\.\[report\]'"):
        write(tmp_path / "out.parquet", ReportFormat.PARQUET, [])
    assert list(tmp_path.iterdir()) == []
