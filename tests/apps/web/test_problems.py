import json
from http import HTTPStatus

import pytest

from mien.apps.web.problems import ProblemError, problem_message, status_of
from mien.core.errors import (
    ArtifactError,
    InputError,
    MediaError,
    OutputError,
    TooLargeError,
    TruncatedError,
    out_of_memory,
)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ProblemError(HTTPStatus.TOO_MANY_REQUESTS, "come again"), 429),
        (TooLargeError("it has too many pixels"), 413),
        (out_of_memory("it"), 413),
        (TruncatedError("it is cut off"), 415),
        (MediaError("it is no picture"), 415),
        (InputError("every must be 1 or more"), 422),
        (OutputError("the disk is full"), 500),
        (ArtifactError("weights are altered"), 500),
        (RuntimeError("a fault"), 500),
    ],
)
def test_errors_have_the_status_of_who_can_mend_them(error, status):
    assert status_of(error) == status


def test_a_problem_of_the_live_socket_is_like_others_and_says_its_kind():
    assert json.loads(problem_message(429, "come again")) == {
        "type": "about:blank", "title": "Too Many Requests", "status": 429,
        "detail": "come again", "kind": "problem",
    }  # fmt: skip
