"""The ASGI application, created from settings."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, closing, suppress
from typing import Any

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from mien import __version__
from mien.apps.settings import WebSettings
from mien.apps.web import live, problems
from mien.apps.web.access import COOKIE, Gate, needs_token
from mien.apps.web.engine import Engine
from mien.apps.web.guard import Guard
from mien.apps.web.limits import RateLimit
from mien.apps.web.metrics import Metrics
from mien.apps.web.pages import Pages
from mien.apps.web.routes import analyze, health, jobs, models
from mien.apps.web.schemas import Live, Result
from mien.apps.web.workspace import Workspace

__all__ = ["create_app"]

API = "/api/v1"
SWEEP_S = 30.0
DESCRIPTION = (
    "Reads apparent facial expressions in photographs, films and live pictures. An expression "
    "is not a feeling. Errors are problem details (RFC 9457). Live: open a WebSocket at "
    "`/api/v1/live`, send JPEG or WebP pictures as binary messages, and receive `Live` documents; "
    "a newer picture replaces one that is still waiting. A message that is not a picture is "
    "answered with a `LiveProblem`. The socket is closed with 1003 after a message that is not "
    "binary, with 1009 after one that is too large, and with 1001 if the client is idle. If the "
    "token is missing, or the limit of live connections is reached, a `LiveProblem` is sent before "
    "the socket is closed with 1008 or 1013, respectively; after 1013, try again later."
)


def create_app(settings: WebSettings | None = None) -> FastAPI:
    """Create the application; weights are loaded when it starts.

    Args:
        settings: settings of the server; those of the environment if None.
    """
    settings = settings or WebSettings()
    metrics = Metrics()
    app = FastAPI(
        title="mien",
        version=__version__,
        description=DESCRIPTION,
        lifespan=_lifespan,
        openapi_url=f"{API}/openapi.json",
        docs_url=None,
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
    )
    app.state.settings = settings
    app.state.metrics = metrics
    app.state.fault = None
    app.state.gate = Gate(settings)
    app.state.uploads = RateLimit(settings.uploads_per_minute, "uploads")
    problems.install(app)
    for router in (analyze.router, jobs.router, models.router, health.sessions, live.router):
        app.include_router(router, prefix=API)
    app.include_router(health.router)
    app.include_router(models.weights)
    app.mount("/", Pages(), name="pages")
    app.add_middleware(
        Guard,
        gate=app.state.gate,
        metrics=metrics,
        read_timeout_s=settings.read_timeout_s,
        write_timeout_s=settings.write_timeout_s,
    )
    if settings.allowed_origins:
        # Outside the guard, so that allowed origins can read its refusals.
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.allowed_origins),
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Authorization", "Content-Type"],
            expose_headers=["Location", "Retry-After"],
        )
    _describe(app)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings: WebSettings = app.state.settings
    with ExitStack() as stack:
        try:
            workspace = stack.enter_context(closing(Workspace(settings.temporary)))
            engine = await asyncio.to_thread(Engine, settings, app.state.metrics, workspace)
        except Exception as error:
            app.state.fault = error
            raise
        app.state.engine = engine
        sweeping = asyncio.create_task(_sweep(engine))
        try:
            yield
        finally:
            app.state.engine = None
            sweeping.cancel()
            try:
                with suppress(asyncio.CancelledError):
                    await sweeping
            finally:
                await engine.close()


async def _sweep(engine: Engine) -> None:
    while True:
        await asyncio.sleep(SWEEP_S)
        await engine.jobs.sweep()


def _describe(app: FastAPI) -> None:
    """Add schemas to the OpenAPI document that no route refers to by type."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = generate()
            schemas = document["components"]["schemas"]
            for model in (problems.Problem, problems.LiveProblem, Result, Live):
                found = model.model_json_schema(ref_template="#/components/schemas/{model}")
                schemas.update(found.pop("$defs", {}))
                schemas[model.__name__] = found
            for name in ("HTTPValidationError", "ValidationError"):
                schemas.pop(name, None)
            document["components"]["securitySchemes"] = {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": COOKIE},
            }
            for path, operations in document["paths"].items():
                for operation in operations.values():
                    _describe_guard(path, operation)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _describe_guard(path: str, operation: dict[str, Any]) -> None:
    """Add the security requirements and responses of the guard to an operation."""
    statuses = [408, 413] if "requestBody" in operation else [413]
    if needs_token(path):
        # Token or session cookie; neither if the server has no token.
        operation["security"] = [{"token": []}, {"session": []}, {}]
        statuses.append(429)
    for status, response in problems.responses(*statuses).items():
        operation["responses"].setdefault(str(status), response)
