"""`POST /api/v1/analyze`: a picture is answered at once, a film becomes a job."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response, status
from starlette.requests import ClientDisconnect

from mien.apps.web.activation import activations
from mien.apps.web.context import Address, EngineNeeded, UploadLimit
from mien.apps.web.engine import Engine
from mien.apps.web.problems import ProblemError, responses
from mien.apps.web.schemas import JobView, Result
from mien.apps.web.uploads import Upload, receive
from mien.apps.web.workspace import room_needed
from mien.core.media import Frame, Media, MediaKind
from mien.report.schema import SCHEMA
from mien.vision.media import open_media
from mien.vision.sources import VIDEO_EXTENSIONS
from mien.vision.stream import MediaStream

__all__ = ["router"]

router = APIRouter(tags=["analyze"])

_BINARY = {"schema": {"type": "string", "format": "binary"}}
_FORM = {
    "type": "object",
    "required": ["file"],
    "properties": {"file": {"type": "string", "format": "binary"}},
}
_BODY = {
    "requestBody": {
        "required": True,
        "description": "A picture or film, as it is or as the part `file` of a form.",
        "content": {
            "multipart/form-data": {"schema": _FORM},
            "application/octet-stream": _BINARY,
        },
    }
}


@router.post(
    "/analyze",
    response_model=Result,
    response_model_exclude_unset=True,
    responses={
        202: {
            "model": JobView,
            "description": "A film, which is read in the background.",
            "headers": {"Location": {"schema": {"type": "string"}}},
        },
        **responses(400, 401, 403, 408, 413, 415, 421, 422, 429, 503, 507),
    },
    openapi_extra=_BODY,
)
async def analyze(
    request: Request,
    engine: EngineNeeded,
    limit: UploadLimit,
    address: Address,
    every: Annotated[int, Query(ge=1, le=1000, description="Read each n-th frame.")] = 1,
    annotate: Annotated[bool, Query(description="Write an annotated film too.")] = True,
    activation: Annotated[bool, Query(description="Of a picture: where the net looked.")] = False,
    name: Annotated[str, Query(max_length=255, description="Of a file sent raw.")] = "",  # noqa: ARG001
) -> Any:
    """Read a picture, or begin to read a film."""
    limit.take(address)
    settings = engine.settings
    with _turn(engine), ExitStack() as stack:
        with room_needed():
            room = engine.workspace.room()
        stack.callback(engine.workspace.remove, room)
        stack.callback(engine.jobs.release, room)

        def announce(name: str) -> None:
            if Path(name).suffix.lower() in VIDEO_EXTENSIONS:
                engine.jobs.reserve(room)

        with room_needed():
            upload = await receive(
                request, room, settings.max_upload, settings.read_timeout_s, announce
            )
        owner = engine.pool.owner("picture")
        found = await engine.pool.run(owner, lambda: _open(engine, upload, activation=activation))
        if not isinstance(found, Media):
            return found
        if await request.is_disconnected():
            # Nobody would learn where the film is, and it would keep its place.
            raise ClientDisconnect
        job = engine.jobs.start(upload, found, every, annotate)
        stack.pop_all()
    headers = {"Location": f"/api/v1/jobs/{job.id}"}
    return Response(
        job.view().model_dump_json(), status.HTTP_202_ACCEPTED, headers, "application/json"
    )


@contextmanager
def _turn(engine: Engine) -> Iterator[None]:
    """Count an upload that is under way, unless there are too many: each takes room on the disk."""
    if engine.uploads >= engine.settings.max_uploads:
        raise ProblemError(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "the server takes as many uploads as it may; try again in a moment",
            {"Retry-After": "5"},
        )
    engine.uploads += 1
    try:
        yield
    finally:
        engine.uploads -= 1


def _open(engine: Engine, upload: Upload, *, activation: bool) -> dict[str, Any] | Media:
    """The document of a picture, or what is known of a film, which is opened anew to be read."""
    # The sender knows the file by its name; where it lies here is not disclosed.
    limit = engine.settings.max_pixels
    with open_media(upload.path, max_pixels=limit, name=upload.name) as stream:
        if stream.media.kind is not MediaKind.IMAGE:
            return stream.media
        return _picture(engine, stream, activation)


def _picture(engine: Engine, stream: MediaStream, activation: bool) -> dict[str, Any]:
    parts, image = engine.analyzer.parts, next(iter(stream)).image
    found = parts.reader.read(Frame(image))
    frame = found.to_dict()
    if activation:
        shown = activations(parts.reader, image, found.readings)
        for face, one in zip(frame["faces"], shown, strict=True):
            face["activation"] = one
    item = {**stream.media.to_dict(), "frames": [frame]}
    return {"schema": SCHEMA, "model": parts.provenance(), "items": [item]}
