import io
import json
import tracemalloc

import jsonschema

from mien.core.media import Media, MediaKind
from mien.core.types import FrameReading
from mien.report.schema import document_schema, line_schema
from mien.report.writing import ReportFormat, open_report

FILM = Media("film.mp4", MediaKind.VIDEO, 64, 48)


def validator(schema):
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_document_has_the_layout_of_the_contract(written):
    document = json.loads(written(ReportFormat.JSON))
    assert list(document) == ["schema", "model", "items"]
    assert document["schema"] == "mien/1"
    assert document["model"] == {"name": "expression", "version": "1"}
    photo, gone, film = document["items"]
    assert list(photo) == ["source", "kind", "width", "height", "frames"]
    assert list(photo["frames"][0]) == ["index", "time_s", "faces"]
    face = photo["frames"][0]["faces"][1]
    assert " ".join(face) == (
        "track_id box score landmarks emotions top prediction_set uncertain uncertain_reason "
        "valence arousal sentiment"
    )
    assert face["uncertain_reason"] == "too dark or too bright"
    assert gone["error"] == "gone.jpg does not exist"
    assert gone["frames"] == []
    assert [frame["time_s"] for frame in film["frames"]] == [0.0, 0.04]
    assert film["error"] == "film.mp4 is cut off"


def test_document_follows_the_schema(written):
    validator(document_schema()).validate(json.loads(written(ReportFormat.JSON)))


def test_lines_follow_the_schema(written):
    lines = [json.loads(line) for line in written(ReportFormat.JSONL).splitlines()]
    for line in lines:
        validator(line_schema()).validate(line)
    assert [(line["source"], line.get("index"), "error" in line) for line in lines] == [
        ("face.jpg", 0, False),
        ("gone.jpg", None, True),
        ("film.mp4", 0, False),
        ("film.mp4", 1, False),
        ("film.mp4", None, True),
    ]


def test_empty_document():
    stream = io.StringIO()
    with open_report(stream, ReportFormat.JSON, {}):
        pass
    document = json.loads(stream.getvalue())
    assert document["items"] == []
    validator(document_schema()).validate(document)


def test_names_keep_their_letters(tmp_path):
    path = tmp_path / "out.json"
    with open_report(path, ReportFormat.JSON, {}) as report:
        report.begin(Media('Zoë "1".jpg', MediaKind.IMAGE, 1, 1))
        report.end()
    assert "Zoë" in path.read_text("utf-8")
    assert json.loads(path.read_text("utf-8"))["items"][0]["source"] == 'Zoë "1".jpg'


def test_memory_stays_flat_over_a_long_film(make_reading, tmp_path):
    reading = make_reading()
    with open_report(tmp_path / "out.json", ReportFormat.JSON, {}) as report:
        report.begin(FILM)
        tracemalloc.start()
        for index in range(1500):
            report.write(FrameReading(index, index / 25, (reading,)))
        held = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        report.end()
    assert held < 100_000
