"""Who may ask: host, origin and token of each request, checked before anything else."""

import hashlib
import hmac
from collections.abc import MutableMapping
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection

from mien.apps.settings import WebSettings
from mien.apps.web.limits import RateLimit
from mien.apps.web.problems import ProblemError

__all__ = ["COOKIE", "WILDCARDS", "Gate", "client_address", "needs_token"]

COOKIE = "mien-session"
LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")
WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104
"""For addresses that stand for all of a machine, the one that it has for itself."""
WRONG_TOKENS_PER_MINUTE = 20
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
# The page itself has no secrets; it asks for the token.
OPEN_PATH = "/api/v1/session"
GUARDED = ("/api/", "/metrics", "/weights/")


def needs_token(path: str) -> bool:
    """Whether only those come to a path who know the token, if there is one."""
    return path.startswith(GUARDED) and path != OPEN_PATH


def client_address(connection: HTTPConnection) -> str:
    """The address that a request or handshake came from."""
    return connection.client.host if connection.client else "unknown"


class Gate:
    """Decides whether a request comes in.

    Host guards against DNS rebinding, Origin against other sites' pages; a socket's handshake is
    checked like a writing request, since browsers let any page attempt it.
    """

    def __init__(self, settings: WebSettings) -> None:
        own = () if settings.host in WILDCARDS else (settings.host, f"[{settings.host}]")
        self._hosts = {host.lower() for host in (*LOOPBACK_NAMES, *own, *settings.allowed_hosts)}
        self._origins = set(settings.allowed_origins)
        secret = settings.token.get_secret_value() if settings.token else None
        self._token = secret.encode() if secret is not None else None
        self._wrong = RateLimit(WRONG_TOKENS_PER_MINUTE, "wrong tokens")
        self.session = (
            hmac.new(self._token, b"mien session", hashlib.sha256).hexdigest()
            if self._token is not None
            else ""
        )

    def admit(self, scope: MutableMapping[str, Any]) -> None:
        """Let a request or handshake in.

        Raises:
            ProblemError: if it is to stay outside.
        """
        headers = Headers(scope=scope)
        path = str(scope["path"])
        self._check_host(headers)
        writes = scope["type"] == "websocket" or scope.get("method") not in SAFE_METHODS
        self._check_origin(headers, writes)
        address = client_address(HTTPConnection(scope))
        if needs_token(path) and not self._knows(headers, address):
            raise ProblemError(
                HTTPStatus.UNAUTHORIZED,
                "a token is needed; send it as `Authorization: Bearer TOKEN`",
                {"WWW-Authenticate": "Bearer"},
            )

    def accepts(self, token: str, address: str) -> bool:
        """Whether this is the token, compared in constant time.

        Args:
            token: what is given for it.
            address: who gives it.

        Raises:
            ProblemError: if too many that were wrong came from there; not even a right one is
                taken then, since it might have been guessed.
        """
        if self._token is None:
            return True
        self._wrong.take(address, cost=0)
        right = hmac.compare_digest(token.encode(), self._token)
        if not right:
            self._wrong.take(address)
        return right

    def _check_host(self, headers: Headers) -> None:
        name = _hostname(headers.get("host", ""))
        if name not in self._hosts:
            raise ProblemError(
                HTTPStatus.MISDIRECTED_REQUEST,
                "this server does not answer to that name; add it to MIEN_ALLOWED_HOSTS",
            )

    def _check_origin(self, headers: Headers, writes: bool) -> None:
        origin = headers.get("origin")
        foreign = origin is not None and not self._is_ours(origin, headers.get("host", ""))
        if writes and (foreign or headers.get("sec-fetch-site") in ("cross-site", "same-site")):
            if origin is not None and origin.lower() in self._origins:
                return
            raise ProblemError(
                HTTPStatus.FORBIDDEN,
                "pages of other sites may not do this; add theirs to MIEN_ALLOWED_ORIGINS",
            )

    def _is_ours(self, origin: str, host: str) -> bool:
        origin = origin.lower()
        return origin in self._origins or origin.partition("://")[2] == host.lower()

    def _knows(self, headers: Headers, address: str) -> bool:
        if self._token is None:
            return True
        scheme, _, value = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self.accepts(value.strip(), address)
        return hmac.compare_digest(_cookie(headers).encode(), self.session.encode())


def _hostname(host: str) -> str:
    """The name in a Host header, without its port."""
    if host.startswith("["):
        return host.partition("]")[0].lower() + "]"
    return host.partition(":")[0].lower()


def _cookie(headers: Headers) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found is not None else ""
