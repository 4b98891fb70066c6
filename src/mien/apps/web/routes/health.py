"""`/healthz`, `/readyz` and `/metrics` for operators; `/api/v1/session`."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from mien.apps.web.access import COOKIE
from mien.apps.web.context import Address, EngineNeeded, GateNeeded
from mien.apps.web.problems import ProblemError, responses

__all__ = ["router", "sessions"]

router = APIRouter(tags=["health"])
sessions = APIRouter(tags=["session"])


class State(BaseModel):
    """The state of the server."""

    status: str = Field(examples=["ok"])


class Credentials(BaseModel):
    """The token that opens a session."""

    token: Annotated[str, Field(max_length=512)]


@router.head("/healthz", include_in_schema=False)
@router.get("/healthz", responses=responses(421))
async def healthz() -> State:
    """Report that the server is running."""
    return State(status="ok")


@router.head("/readyz", include_in_schema=False)
@router.get("/readyz", responses=responses(421, 503))
async def readyz(engine: EngineNeeded) -> State:  # noqa: ARG001
    """Report that the weights are loaded."""
    return State(status="ready")


@router.head("/metrics", include_in_schema=False)
@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}, **responses(401, 421, 503)},
)
async def metrics(engine: EngineNeeded) -> Response:
    """Report counts of requests, frames and connections in the Prometheus text format."""
    engine.metrics.jobs.set(len(engine.jobs))
    return Response(engine.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


@sessions.post("/session", status_code=204, responses=responses(400, 401, 403, 413, 421, 422, 429))
async def open_session(
    credentials: Credentials, request: Request, gate: GateNeeded, address: Address
) -> Response:
    """Exchange the token for a session cookie that scripts cannot read."""
    if not gate.accepts(credentials.token, address):
        raise ProblemError(
            HTTPStatus.UNAUTHORIZED,
            "that is not the token; ask whoever runs the server",
            {"WWW-Authenticate": "Bearer"},
        )
    response = Response(status_code=HTTPStatus.NO_CONTENT)
    if gate.session:
        # Behind a proxy that terminates TLS, only the origin of the page is https.
        origin = request.headers.get("origin", "")
        secure = request.url.scheme == "https" or origin.startswith("https:")
        response.set_cookie(COOKIE, gate.session, httponly=True, samesite="strict", secure=secure)
    return response
