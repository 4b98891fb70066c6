"""Dependencies of routes: the engine, the gate and limits."""

from http import HTTPStatus
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from mien.apps.web.access import Gate, client_address
from mien.apps.web.engine import Engine
from mien.apps.web.limits import RateLimit
from mien.apps.web.problems import ProblemError

__all__ = [
    "Address",
    "EngineNeeded",
    "GateNeeded",
    "UploadLimit",
]


def _engine(connection: HTTPConnection) -> Engine:
    engine: Engine | None = getattr(connection.app.state, "engine", None)
    if engine is None:
        raise ProblemError(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "the server is starting; try again in a moment",
            {"Retry-After": "1"},
        )
    return engine


def _gate(connection: HTTPConnection) -> Gate:
    gate: Gate = connection.app.state.gate
    return gate


def _upload_limit(connection: HTTPConnection) -> RateLimit:
    limit: RateLimit = connection.app.state.uploads
    return limit


Address = Annotated[str, Depends(client_address)]
EngineNeeded = Annotated[Engine, Depends(_engine)]
GateNeeded = Annotated[Gate, Depends(_gate)]
UploadLimit = Annotated[RateLimit, Depends(_upload_limit)]
