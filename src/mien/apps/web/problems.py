"""Errors as problem details (RFC 9457): one clear sentence each, whatever raised them."""

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
"""Counted where nobody is left to be answered; the number that nginx uses."""


class Problem(BaseModel):
    """What went wrong, after RFC 9457."""

    type: str = Field("about:blank", examples=["about:blank"])
    title: str = Field(examples=["Content Too Large"])
    status: int = Field(examples=[413])
    detail: str = Field(examples=["the upload has more than 512 MB; send a smaller file"])


class LiveProblem(Problem):
    """What the live socket says in place of a reading, or before it closes."""

    kind: Literal["problem"] = "problem"


class ProblemError(HTTPException):
    """An answer that is a problem; FastAPI passes it on from wherever it is raised.

    Args:
        status: of HTTP.
        detail: one sentence that says what to do.
        headers: to send along, e.g. Retry-After.
    """

    def __init__(
        self, status: HTTPStatus, detail: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status, detail, dict(headers or {}))
        self.status = status

    def __str__(self) -> str:
        """The sentence alone."""
        return self.detail


def problem_response(
    status: int, detail: str, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """The response for one problem."""
    return JSONResponse(_document(status, detail), status, dict(headers or {}), MEDIA_TYPE)


def problem_message(status: int, detail: str) -> str:
    """One problem as the live socket tells it."""
    return LiveProblem(**_document(status, detail)).model_dump_json()


def _document(status: int, detail: str) -> dict[str, Any]:
    title = HTTPStatus(status).phrase
    return Problem(type="about:blank", title=title, status=status, detail=detail).model_dump()


def status_of(error: Exception) -> HTTPStatus:
    """The status of HTTP that tells of an error: a `ProblemError` or what mien itself reports."""
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
    """What OpenAPI says of the problems that a route may answer with."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }


def install(app: FastAPI) -> None:
    """Turn whatever routes raise into problem details."""
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
        detail = f"the body is no JSON ({first['ctx']['error']}); correct it"
        return problem_response(HTTPStatus.UNPROCESSABLE_ENTITY, detail)
    place = ".".join(str(part) for part in first["loc"][1:]) or "the request"
    return problem_response(HTTPStatus.UNPROCESSABLE_ENTITY, f"{place}: {first['msg']}")


def _gone(_: Request, __: Exception) -> Response:
    """For the count alone: who cancels an upload takes no answer."""
    return Response(status_code=CLIENT_CLOSED)
