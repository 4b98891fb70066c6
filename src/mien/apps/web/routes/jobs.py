"""`/api/v1/jobs`: progress, results and deletion of jobs."""

from enum import StrEnum
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter
from fastapi import Path as PathParameter
from fastapi.responses import FileResponse, Response
from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from mien.apps.web.context import EngineNeeded
from mien.apps.web.jobs import Job
from mien.apps.web.problems import ProblemError, responses
from mien.apps.web.schemas import JobState, JobView
from mien.report.html import page_policy

__all__ = ["router"]

router = APIRouter(prefix="/jobs", tags=["jobs"])

Identifier = Annotated[
    str,
    PathParameter(max_length=64, pattern="^[A-Za-z0-9_-]+$", examples=["c0ffee-4rTz0k2b"]),
]


class ResultForm(StrEnum):
    """The results of a film that can be downloaded."""

    JSON = "json"
    CSV = "csv"
    EVENTS = "events"
    EAF = "eaf"
    FILM = "film"


_TYPES = {
    ResultForm.JSON: "application/json",
    ResultForm.CSV: "text/csv; charset=utf-8",
    ResultForm.EVENTS: "text/csv; charset=utf-8",
    ResultForm.EAF: "application/xml",
    ResultForm.FILM: "video/mp4",
}
_NAMES = {ResultForm.EVENTS: "events", ResultForm.EAF: "events", ResultForm.FILM: "annotated"}


_RANGE_FAULTS = (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)


class _Download(FileResponse):
    """A file whose headers are sent only after it is opened, since it may be deleted until then."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        waiting: list[Message] = []
        begun = False

        async def deliver(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                if message["status"] in _RANGE_FAULTS:
                    headers = Headers(raw=message["headers"])
                    raise _bad_range(message["status"], headers.get("content-range"))
                waiting.append(message)
                return
            begun = True
            while waiting:
                await send(waiting.pop())
            await send(message)

        try:
            await super().__call__(scope, receive, deliver)
        except (FileNotFoundError, RuntimeError) as error:
            if begun:
                raise
            raise ProblemError(
                HTTPStatus.NOT_FOUND,
                "the film was deleted with its results; upload it again",
            ) from error


def _bad_range(status: int, size: str | None) -> ProblemError:
    return ProblemError(
        HTTPStatus(status),
        "the Range header is invalid or outside the file; correct it, or leave it out",
        {"Content-Range": size} if size else None,
    )


def _parts(*kinds: str) -> dict[int | str, dict[str, Any]]:
    """OpenAPI descriptions of a file that supports range requests."""
    whole: dict[str, Any] = {kind.partition(";")[0]: {} for kind in kinds}
    parts = {**whole, "multipart/byteranges": {}}
    return {
        200: {"content": whole},
        206: {"description": HTTPStatus.PARTIAL_CONTENT.phrase, "content": parts},
        **responses(400, 401, 404, 416, 421, 422, 503),
    }


@router.head("/{identifier}", include_in_schema=False)
@router.get("/{identifier}", responses=responses(401, 404, 421, 422, 503))
async def find(identifier: Identifier, engine: EngineNeeded) -> JobView:
    """Get the progress of a film."""
    return engine.jobs.find(identifier).view()


@router.delete("/{identifier}", status_code=204, responses=responses(401, 403, 404, 421, 422, 503))
async def delete(identifier: Identifier, engine: EngineNeeded) -> None:
    """Stop reading a film, and delete the film and its results."""
    await engine.jobs.delete(identifier)


@router.head("/{identifier}/results/{form}", include_in_schema=False)
@router.get(
    "/{identifier}/results/{form}",
    response_class=Response,
    responses=_parts(*_TYPES.values()),
)
async def result(identifier: Identifier, form: ResultForm, engine: EngineNeeded) -> Response:
    """Download a result of a finished film."""
    job = engine.jobs.find(identifier)
    path = _path(job, form.value)
    name = f"{Path(job.source).stem}.{_NAMES.get(form, 'mien')}{path.suffix}"
    return _Download(path, media_type=_TYPES[form], filename=name)


@router.head("/{identifier}/report", include_in_schema=False)
@router.get(
    "/{identifier}/report",
    response_class=Response,
    responses=_parts("text/html"),
)
async def report(identifier: Identifier, engine: EngineNeeded) -> Response:
    """Show the HTML report of a finished film."""
    job = engine.jobs.find(identifier)
    return _Download(
        _path(job, "report"),
        media_type="text/html; charset=utf-8",
        filename=f"{Path(job.source).stem}.report.html",
        content_disposition_type="inline",
        # The default policy of the pages would forbid the inline style sheet.
        headers={"Content-Security-Policy": f"{page_policy()}; frame-ancestors 'none'"},
    )


def _path(job: Job, form: str) -> Path:
    path = job.results.get(form)
    if path is None or job.state is not JobState.DONE:
        raise ProblemError(
            HTTPStatus.NOT_FOUND,
            f"there is no result {form} of this film; its job lists those that there are",
        )
    return path
