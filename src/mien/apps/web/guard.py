"""The middleware around all routes: access, body and time limits, security headers, metrics."""

import asyncio
import logging
import time
from collections.abc import MutableMapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from mien.apps.web.access import Gate
from mien.apps.web.metrics import Metrics
from mien.apps.web.problems import ProblemError, problem_message, problem_response

__all__ = ["Guard"]

log = logging.getLogger(__name__)

MAX_BODY = 64_000
"""Maximum size in bytes of a request body that is not an upload."""
UPLOADS = "/api/v1/analyze"
CLOSE_CODES = {
    HTTPStatus.UNAUTHORIZED: 1008,
    HTTPStatus.TOO_MANY_REQUESTS: 1013,
    HTTPStatus.SERVICE_UNAVAILABLE: 1013,
}
"""WebSocket close codes of refusals that are explained to the client (RFC 6455 and IANA: policy
violation, try again later). Pages of other sites are refused before, without an explanation."""
BREAKS_OFF = (TimeoutError, asyncio.CancelledError)
"""Exceptions that end a response in progress without being errors: the client does not receive, or
the server stops."""

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "worker-src 'self'",
        "font-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    # Browsers allow shared memory between threads only on pages isolated from other origins.
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=(), interest-cohort=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Guard:
    """ASGI middleware around the whole application.

    Args:
        app: the application.
        gate: decides which requests are admitted.
        metrics: counts responses.
        read_timeout_s: time limit in seconds for a whole body; uploads have their own.
        write_timeout_s: time limit in seconds for sending each part of a response.
    """

    def __init__(
        self,
        app: ASGIApp,
        gate: Gate,
        metrics: Metrics,
        read_timeout_s: float,
        write_timeout_s: float,
    ) -> None:
        self._app = app
        self._gate = gate
        self._metrics = metrics
        self._read_timeout_s = read_timeout_s
        self._write_timeout_s = write_timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request, handshake or lifespan."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        begun = False

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        patient = self._patient(scope, noted)
        try:
            self._gate.admit(scope)
            if scope["type"] == "http" and scope["path"] != UPLOADS:
                receive = self._bounded(scope, receive)
            await self._app(scope, receive, patient)
        except ProblemError as problem:
            if scope["type"] == "websocket" and problem.status in CLOSE_CODES:
                self._metrics.requests.labels("WEBSOCKET", problem.status.value).inc()
                await _tell(problem, WebSocket(scope, receive, patient))
            else:
                await _refuse(problem, scope, receive, patient)
        except (Exception, asyncio.CancelledError) as error:
            if scope["type"] != "http" or (begun and not isinstance(error, BREAKS_OFF)):
                raise
            if not begun:
                await _refuse(_fault(error), scope, receive, patient)

    def _patient(self, scope: Scope, send: Send) -> Send:
        async def deliver(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                _add_headers(message)
                method = scope.get("method", "WEBSOCKET")
                self._metrics.requests.labels(_known(method), message["status"]).inc()
            async with asyncio.timeout(self._write_timeout_s):
                await send(message)

        return deliver

    def _bounded(self, scope: Scope, receive: Receive) -> Receive:
        headers = Request(scope).headers
        declared = headers.get("content-length", "")
        if not declared and "transfer-encoding" not in headers:
            return receive
        if declared.isdigit() and int(declared) > MAX_BODY:
            raise _too_large()
        received = 0
        ended = False
        begun = time.monotonic()

        async def bounded() -> Message:
            nonlocal received, ended
            if ended:
                # After the body comes only the disconnect, which has no time limit.
                return await receive()
            left = self._read_timeout_s - (time.monotonic() - begun)
            try:
                message = await asyncio.wait_for(receive(), max(left, 0.0))
            except TimeoutError:
                raise ProblemError(
                    HTTPStatus.REQUEST_TIMEOUT, "the request stalled; send it again"
                ) from None
            received += len(message.get("body", b""))
            ended = not message.get("more_body", False)
            if received > MAX_BODY:
                raise _too_large()
            return message

        return bounded


def _fault(error: BaseException) -> ProblemError:
    """The problem to report for an unexpected exception."""
    if isinstance(error, asyncio.CancelledError):
        return ProblemError(
            HTTPStatus.SERVICE_UNAVAILABLE, "the server is stopping; send it again in a moment"
        )
    log.error("a request failed", exc_info=error)
    return ProblemError(
        HTTPStatus.INTERNAL_SERVER_ERROR, "an internal error occurred; see the log of the server"
    )


def _too_large() -> ProblemError:
    return ProblemError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"the body has more than {MAX_BODY // 1000} kB; uploads go to {UPLOADS}",
        {"Connection": "close"},
    )


def _known(method: str) -> str:
    """The metrics label of a method; unknown methods share one."""
    return (
        method if method in ("GET", "HEAD", "POST", "DELETE", "OPTIONS", "WEBSOCKET") else "other"
    )


def _add_headers(message: MutableMapping[str, Any]) -> None:
    headers = MutableHeaders(raw=message.setdefault("headers", []))
    for name, value in HEADERS.items():
        headers.setdefault(name, value)
    headers.setdefault("Cache-Control", "no-store")


async def _refuse(problem: ProblemError, scope: Scope, receive: Receive, send: Send) -> None:
    response = problem_response(problem.status, str(problem), problem.headers)
    if scope["type"] == "http":
        await response(scope, receive, send)
    else:
        await WebSocket(scope, receive, send).send_denial_response(response)


async def _tell(problem: ProblemError, socket: WebSocket) -> None:
    """Accept a handshake to explain a refusal, since browsers hide a denied handshake's reason."""
    with suppress(WebSocketDisconnect, TimeoutError):
        await socket.accept()
        await socket.send_text(problem_message(problem.status, str(problem)))
        await socket.close(CLOSE_CODES[problem.status])
