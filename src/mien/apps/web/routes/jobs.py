"""`/api/v1/jobs`: how far a film is, what came of it, and its end."""

from enum import StrEnum
from http import HTTPStatus
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter
from fastapi import Path as PathParameter
from fastapi.responses import FileResponse, Response

from mien.apps.web.context import EngineNeeded
from mien.apps.web.problems import ProblemError, responses
from mien.apps.web.schemas import JobView

__all__ = ["router"]

router = APIRouter(prefix="/jobs", tags=["jobs"])

Identifier = Annotated[
    str,
    PathParameter(max_length=64, pattern="^[A-Za-z0-9_-]+$", examples=["c0ffee-4rTz0k2b"]),
]


class ResultForm(StrEnum):
    """What can be downloaded of a film."""

    JSON = "json"
    CSV = "csv"
    FILM = "film"
    REPORT = "report"


_TYPES = {
    ResultForm.JSON: "application/json",
    ResultForm.CSV: "text/csv; charset=utf-8",
    ResultForm.FILM: "video/mp4",
    ResultForm.REPORT: "text/html; charset=utf-8",
}


@router.get("/{identifier}", responses=responses(401, 404, 421, 422, 503))
async def find(identifier: Identifier, engine: EngineNeeded) -> JobView:
    """Tell how far a film is."""
    return engine.jobs.find(identifier).view()


@router.delete("/{identifier}", status_code=204, responses=responses(401, 403, 404, 421, 422, 503))
async def delete(identifier: Identifier, engine: EngineNeeded) -> None:
    """Stop reading a film, and delete the film and all that was read."""
    await engine.jobs.delete(identifier)


@router.get(
    "/{identifier}/results/{form}",
    response_class=Response,
    responses={
        200: {"content": {kind.partition(";")[0]: {} for kind in _TYPES.values()}},
        **responses(401, 404, 421, 422, 503),
    },
)
async def result(identifier: Identifier, form: ResultForm, engine: EngineNeeded) -> FileResponse:
    """Download one result of a film that is done."""
    job = engine.jobs.find(identifier)
    path = job.results.get(form.value)
    if path is None:
        raise ProblemError(
            HTTPStatus.NOT_FOUND,
            f"there is no result {form.value} of this film; its job lists those that there are",
        )
    name = f"{Path(job.source).stem}.{'annotated' if form is ResultForm.FILM else 'mien'}"
    return FileResponse(path, media_type=_TYPES[form], filename=name + path.suffix)
