import json

import jsonschema
import pytest

from mien.report.schema import document_schema
from mien.report.writing import ReportFormat


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
        jsonschema.Draft202012Validator(document_schema()).validate(document)


def test_schema_is_plain_and_complete():
    schema = json.loads(json.dumps(document_schema()))
    assert set(schema["required"]) == {"schema", "model", "items"}
    assert set(schema["$defs"]["MediaItem"]["required"]) == {
        "source", "kind", "width", "height", "frames",
    }  # fmt: skip
    assert len(schema["$defs"]["Scores"]["required"]) == 8
    assert all("description" in value for value in schema["$defs"].values())
