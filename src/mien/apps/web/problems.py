"""Errors as problem details (RFC 9457)."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Literal

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, HTTPConnection

from mien.core.errors import InputError, MediaError, MienError, TooLargeError

__all__ = [
    "LiveProblem",
    "Problem",
    "ProblemError",
    "install",
    "problem_message",
    "problem_response",
    "responses",
    "status_of",
]

MEDIA_TYPE = "application/problem+json"
CLIENT_CLOSED = 499
"""Status counted if the client has disconnected, as in nginx."""


class Problem(BaseModel):
    """Problem details (RFC 9457)."""

    type: str = Field("about:blank", examples=["about:blank"])
    title: str = Field(examples=["Content Too Large"])
    status: int = Field(examples=[413])
    detail: str = Field(examples=["the upload has more than 512 MB; send a smaller file"])


class LiveProblem(Problem):
    """A problem sent by the live socket in place of a reading, or before it closes."""

    kind: Literal["problem"] = "problem"


class ProblemError(HTTPException):
    """An error response with problem details; may be raised anywhere in a request.

    Args:
        status: HTTP status.
        detail: one sentence that says what is wrong and what to do.
        headers: additional headers, e.g. Retry-After.
    """

    def __init__(
        self, status: HTTPStatus, detail: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status, detail, dict(headers or {}))
        self.status = status

    def __str__(self) -> str:
        """The detail."""
        return self.detail


def problem_response(
    status: int, detail: str, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """A response with problem details."""
    return JSONResponse(_document(status, detail), status, dict(headers or {}), MEDIA_TYPE)


def problem_message(status: int, detail: str) -> str:
    """A problem as a JSON message of the live socket."""
    return LiveProblem(**_document(status, detail)).model_dump_json()


def _document(status: int, detail: str) -> dict[str, Any]:
    title = HTTPStatus(status).phrase
    return Problem(type="about:blank", title=title, status=status, detail=detail).model_dump()


def status_of(error: Exception) -> HTTPStatus:
    """The HTTP status of a `ProblemError` or `MienError`."""
    if isinstance(error, ProblemError):
        return error.status
    if isinstance(error, TooLargeError):
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    if isinstance(error, MediaError):
        return HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    if isinstance(error, InputError):
        return HTTPStatus.UNPROCESSABLE_ENTITY
    return HTTPStatus.INTERNAL_SERVER_ERROR


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI descriptions of the problems that a route may respond with."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }


def install(app: FastAPI) -> None:
    """Install handlers that turn exceptions of routes into problem details."""
    app.add_exception_handler(ProblemError, _problem)
    app.add_exception_handler(MienError, _mien)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(ClientDisconnect, _gone)


def _problem(connection: HTTPConnection, error: Exception) -> Response:
    assert isinstance(error, ProblemError)  # noqa: S101
    if connection.scope["type"] == "websocket":
        raise error  # the guard refuses handshakes
    return problem_response(error.status, str(error), error.headers)


def _mien(_: Request, error: Exception) -> Response:
    return problem_response(status_of(error), str(error))


def _http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    return problem_response(error.status_code, str(error.detail), error.headers)


def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        detail = f"the body is not valid JSON ({first['ctx']['error']}); correct it"
        return problem_response(HTTPStatus.UNPROCESSABLE_ENTITY, detail)
    place = ".".join(str(part) for part in first["loc"][1:]) or "the request"
    return problem_response(HTTPStatus.UNPROCESSABLE_ENTITY, f"{place}: {first['msg']}")


def _gone(_: Request, __: Exception) -> Response:
    """A response only for the metrics: the client has disconnected."""
    return Response(status_code=CLIENT_CLOSED)
