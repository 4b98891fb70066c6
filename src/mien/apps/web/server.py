"""The application under uvicorn, with idle connections closed."""

import asyncio
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import h11
import uvicorn
from pydantic import ValidationError
from pydantic_settings import SettingsError
from uvicorn.protocols.http.h11_impl import H11Protocol

from mien.apps.settings import WebSettings, is_loopback
from mien.apps.web.access import WILDCARDS
from mien.apps.web.app import create_app
from mien.core.errors import InputError

__all__ = ["PunctualProtocol", "address", "serve"]

MAX_CONNECTIONS = 500
"""Maximum number of open connections, below the usual limit of 1,024 file descriptors."""
HEADER_S = 15.0
"""Seconds after which a connection without a complete request is closed."""
PING_S = 15.0


class PunctualProtocol(H11Protocol):
    """Closes connections that never complete their headers, or never receive the response.

    uvicorn would keep both forever: closing a transport waits until its buffer is sent.
    """

    patience_s = HEADER_S

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the timer of a new connection."""
        super().connection_made(transport)
        self._seen: object = None
        self._ending = False
        self._upgraded = False
        self._watch = self.loop.call_later(self.patience_s, self._look)
        if len(self.connections) > MAX_CONNECTIONS:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timer."""
        self._watch.cancel()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Limit only the closing from now on: pings detect clients that are gone."""
        self._upgraded = True
        super().handle_websocket_upgrade(event)

    def _look(self) -> None:
        cycle = self.cycle
        if self.transport.is_closing():
            if self._ending:
                self.transport.abort()
                return
            self._ending = True
        elif not self._upgraded and (
            cycle is None or (cycle.response_complete and cycle is self._seen)
        ):
            self.transport.close()
            self._ending = True
        self._seen = cycle
        self._watch = self.loop.call_later(self.patience_s, self._look)


class _Server(uvicorn.Server):
    """Reports when it has started, and logs only from then on: earlier errors are raised."""

    def __init__(self, config: uvicorn.Config, begun: Callable[[], None]) -> None:
        super().__init__(config)
        self._begun = begun

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
        self._begun()


def serve(announce: Callable[[str], None], **options: Any) -> None:
    """Serve until interrupted.

    Args:
        announce: called with the address of the server once it has started.
        **options: fields of `WebSettings` that override the environment; None means unset.

    Raises:
        InputError: if a setting is invalid, or certificate and key cannot be used.
        ArtifactError: if weights are missing or altered.
        OSError: if the folder for uploads cannot be made.
    """
    given = {name: value for name, value in options.items() if value is not None}
    try:
        settings = WebSettings(**given)
    except ValidationError as error:
        raise InputError(_sentence(error)) from None
    except SettingsError:
        # The consent notice is the only setting that is parsed as JSON.
        raise InputError(
            "MIEN_CONSENT is not valid JSON; set MIEN_CONSENT__TEXT to the notice"
        ) from None
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        http=PunctualProtocol,
        ws="websockets-sansio",
        ws_max_size=settings.max_frame,
        ws_ping_interval=PING_S,
        ws_ping_timeout=PING_S,
        # Forged proxy headers would evade the limit of wrong tokens per address.
        proxy_headers=False,
        ssl_certfile=settings.certificate,
        ssl_keyfile=settings.key,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=5,
        server_header=False,
        access_log=False,
        log_level="critical",
    )
    try:
        config.load()
    except OSError as error:
        raise InputError(
            f"{settings.certificate} and {settings.key} cannot be used for TLS "
            f"({error.strerror}); give a certificate and its own key as PEM files"
        ) from error
    listener = _listen(settings)
    where = address(settings, listener.getsockname()[1])
    try:
        with _discreet():
            _Server(config, lambda: announce(where)).run(sockets=[listener])
    except SystemExit:
        if app.state.fault is not None:
            raise app.state.fault from None
        raise


@contextmanager
def _discreet() -> Iterator[None]:
    """Suppress warnings about pictures: they name files, and names may tell who is on them."""
    log = logging.getLogger("mien.vision")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(before)


def address(settings: WebSettings, port: int) -> str:
    """The message that tells the URL of the server, and whether a token is required."""
    host = WILDCARDS.get(settings.host, settings.host)
    name = f"[{host}]" if ":" in host else host
    scheme = "https" if settings.certificate else "http"
    token = (
        "" if is_loopback(settings.host) else "; others can reach it and are asked for the token"
    )
    if settings.host in WILDCARDS:
        token += ", by the names in MIEN_ALLOWED_HOSTS"
    return f"open {scheme}://{name}:{port}{token}; press Ctrl+C to stop"


def _listen(settings: WebSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family)
    except OSError as error:
        raise InputError(
            f"{settings.host}:{settings.port} cannot be listened on ({error.strerror}); "
            "choose another --port"
        ) from error


def _sentence(error: ValidationError) -> str:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    return f"{place}: {message}" if place else message
