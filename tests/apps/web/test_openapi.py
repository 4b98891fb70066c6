"""The OpenAPI document is complete, and the server conforms to it."""

import json
import time
from pathlib import Path

import httpx
import jsonschema
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from mien.apps.settings import WebSettings
from mien.apps.web.app import create_app
from mien.apps.web.problems import problem_message
from mien.apps.web.routes.jobs import ResultForm
from mien.apps.web.schemas import Face, Frame, Live, Result
from mien.report.schema import document_schema

COMMITTED = Path(__file__).parents[3] / "web" / "openapi.json"

app = create_app(WebSettings())
schema = schemathesis.openapi.from_dict(app.openapi())
OPERATIONS = [found.ok() for found in schema.get_all_operations()]
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


# Operations without input have no invalid requests.
WAYS = [
    pytest.param(one, mode, id=f"{one.label} {mode.value}")
    for one in OPERATIONS
    for mode in GenerationMode
    if mode is GenerationMode.POSITIVE or one.body or one.query or one.path_parameters
]


@pytest.mark.parametrize(("operation", "mode"), WAYS)
def test_the_server_keeps_to_its_description(operation, mode, server):
    _, port, _ = server

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=20,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def keeps(case):
        answer = case.call(base_url=f"http://127.0.0.1:{port}")
        case.validate_response(answer, checks=CHECKS)

    keeps()


JOBS = [
    pytest.param(one, form, id=f"{one.label} {form}")
    for one in OPERATIONS
    if one.path.startswith("/api/v1/jobs/")
    for form in (ResultForm if "{form}" in one.path else [None])
]


@pytest.mark.parametrize(("operation", "form"), JOBS)
def test_so_it_does_of_a_film_that_is_done(operation, form, server, make_film, tmp_path):
    base = f"http://127.0.0.1:{server[1]}"
    film = make_film(tmp_path / "clip.mp4").read_bytes()
    where = httpx.post(f"{base}/api/v1/analyze", content=film).headers["location"]
    end = time.monotonic() + 60
    while httpx.get(base + where).json()["state"] != "done":
        assert time.monotonic() < end
        time.sleep(0.1)
    known = {"identifier": where.rpartition("/")[2]} | ({"form": form.value} if form else {})
    case = operation.Case(path_parameters=known)
    answer = case.call(base_url=base)
    assert answer.status_code in (200, 204)
    case.validate_response(answer, checks=CHECKS)
    httpx.delete(base + where)


def test_the_client_was_generated_from_this_description():
    assert json.loads(COMMITTED.read_text()) == json.loads(json.dumps(app.openapi())), (
        "run: make client"
    )


def test_errors_and_examples_are_described():
    document = app.openapi()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"], (path, method)
            for status, response in operation["responses"].items():
                if status.startswith("4") or status.startswith("5"):
                    assert "application/problem+json" in response["content"], (path, status)


def test_whole_examples_are_valid():
    described = app.openapi()["components"]["schemas"]
    for model in (Face, Frame, Result, Live):
        (example,) = described[model.__name__]["examples"]
        model.model_validate(example)
    (result,) = described["Result"]["examples"]
    jsonschema.Draft202012Validator(document_schema()).validate(result)


def shape(schema, definitions):
    """Types, properties and what is required, without bounds and descriptions."""
    if "$ref" in schema:
        return shape(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if "anyOf" in schema:
        return {"any of": [shape(one, definitions) for one in schema["anyOf"]]}
    if "propertyNames" in schema:
        names = shape(schema["propertyNames"], definitions)["enum"]
        value = shape(schema["additionalProperties"], definitions)
        return {"properties": dict.fromkeys(names, value), "required": set(names)}
    if "properties" in schema:
        properties = {name: shape(one, definitions) for name, one in schema["properties"].items()}
        return {"properties": properties, "required": set(schema["required"])}
    if schema.get("type") == "array":
        items = schema.get("prefixItems", [schema.get("items")])
        count = schema.get("minItems"), schema.get("maxItems")
        (item, *others) = [shape(one, definitions) for one in items]
        assert all(one == item for one in others)
        return {"items": item, "count": count}
    return {name: schema[name] for name in ("type", "enum", "const") if name in schema}


def test_results_have_the_form_of_the_document():
    document = document_schema()
    ours = Result.model_json_schema(mode="serialization")
    definitions = ours["$defs"]
    # The server alone sends activation maps; a null error is never sent.
    definitions["Face"]["properties"].pop("activation")
    definitions["Item"]["properties"]["error"] = {"type": "string"}
    # A const has a type only in one of the two.
    ours["properties"]["schema"].pop("type")
    assert shape(ours, definitions) == shape(document, document["$defs"])


def test_what_the_live_socket_says_is_described():
    document = app.openapi()
    described = document["components"]["schemas"]["LiveProblem"]
    jsonschema.validate(json.loads(problem_message(429, "try again later")), described)
    for code in ("1001", "1003", "1008", "1009", "1013"):
        assert code in document["info"]["description"]


def test_what_is_asked_before_a_route_is():
    document = app.openapi()
    schemes = document["components"]["securitySchemes"]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert "413" in operation["responses"], (path, method)
            assert ("408" in operation["responses"]) == ("requestBody" in operation), path
            asked = {name for one in operation.get("security", ()) for name in one}
            assert asked <= schemes.keys()
            open_ = path in ("/healthz", "/readyz", "/api/v1/session")
            assert bool(asked) != open_, (path, method)
            assert open_ or "401" in operation["responses"]
