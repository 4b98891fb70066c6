# ruff: noqa: PT012 (that the whole block fails is what is tested)
import io
import json
import tracemalloc

import jsonschema
import pytest

from mien.core.errors import InputError, MediaError, TruncatedError
from mien.core.media import Media, MediaKind
from mien.core.types import Doubt, FrameReading
from mien.report.schema import document_schema, line_schema
from mien.report.writing import ReportFormat, open_report

MODEL = {"name": "expression", "version": "1"}
PHOTO = Media("face.jpg", MediaKind.IMAGE, 100, 80)
FILM = Media("film.mp4", MediaKind.VIDEO, 64, 48)


@pytest.fixture
def written(make_reading):
    def write(form):
        stream = io.StringIO()
        with open_report(stream, form, MODEL) as report:
            report.begin(PHOTO)
            report.write(FrameReading(0, 0.0, (make_reading(), make_reading(doubt=Doubt.EXPOSURE))))
            report.end()
            report.fail("gone.jpg", MediaError("gone.jpg does not exist"))
            report.begin(FILM)
            report.write(FrameReading(0, 0.0, ()))
            report.write(FrameReading(1, 0.04, (make_reading(track_id=3),)))
            report.end(TruncatedError("film.mp4 is cut off"))
        return stream.getvalue()

    return write


def validator(schema):
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_document_has_the_layout_of_the_contract(written):
    document = json.loads(written(ReportFormat.JSON))
    assert list(document) == ["schema", "model", "items"]
    assert document["schema"] == "mien/1"
    assert document["model"] == MODEL
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


@pytest.mark.parametrize(
    "spoil",
    [
        lambda face: face.pop("score"),
        lambda face: face.update(score=1.5),
        lambda face: face.update(top="happy"),
        lambda face: face.update(extra=1),
        lambda face: face["emotions"].pop("fear"),
        lambda face: face["box"].pop("x"),
        lambda face: face["landmarks"].update(nose=[1, 2, 3]),
        lambda face: face.update(uncertain_reason="because"),
        lambda face: face.update(valence=-2),
    ],
)
def test_schema_refuses_what_is_wrong(written, spoil):
    document = json.loads(written(ReportFormat.JSON))
    spoil(document["items"][0]["frames"][0]["faces"][0])
    with pytest.raises(jsonschema.ValidationError):
        validator(document_schema()).validate(document)


def test_schema_is_plain_and_complete():
    schema = json.loads(json.dumps(document_schema()))
    assert set(schema["required"]) == {"schema", "model", "items"}
    assert set(schema["$defs"]["MediaItem"]["required"]) == {
        "source", "kind", "width", "height", "frames",
    }  # fmt: skip
    assert len(schema["$defs"]["Scores"]["required"]) == 8
    assert all("description" in value for value in schema["$defs"].values())


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


def test_parquet_needs_a_file():
    with (
        pytest.raises(InputError, match="--out"),
        open_report(io.StringIO(), ReportFormat.PARQUET, {}),
    ):
        pass


def test_failure_within_the_block_leaves_no_file(tmp_path, written):
    for form in ReportFormat:
        with (
            pytest.raises(ZeroDivisionError),
            open_report(tmp_path / "out", form, {}) as report,
        ):
            report.begin(PHOTO)
            raise ZeroDivisionError
        assert list(tmp_path.iterdir()) == [], form


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
