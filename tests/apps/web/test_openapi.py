"""The description is complete, and the server keeps to it."""

import json
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from mien.apps.settings import WebSettings
from mien.apps.web.app import create_app

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


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda found: found.label)
def test_the_server_keeps_to_its_description(operation, server):
    _, port, _ = server

    @given(case=operation.as_strategy())
    @settings(
        max_examples=10,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def keeps(case):
        answer = case.call(base_url=f"http://127.0.0.1:{port}")
        case.validate_response(answer, checks=CHECKS)

    keeps()


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
    assert document["components"]["schemas"]["Face"]["examples"]
