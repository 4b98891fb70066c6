"""Access control: host, origin and token of each request, checked before anything else."""

import hashlib
import hmac
from collections.abc import MutableMapping
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from ipaddress import ip_network
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection

from mien.apps.settings import WebSettings
from mien.apps.web.limits import RateLimit
from mien.apps.web.problems import ProblemError

__all__ = ["COOKIE", "WILDCARDS", "Gate", "client_address", "needs_token"]

COOKIE = "mien-session"
IPV6_PREFIX = 64
"""Length of the prefix that a network operator assigns to one client (RFC 6177)."""
LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")
WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104
"""Wildcard addresses, and the loopback address that reaches the same server."""
WRONG_TOKENS_PER_MINUTE = 20
MAX_COOKIES = 8192
"""Maximum length of the cookies of a request: Python 3.11 takes quadratic time to parse them
(CVE-2024-7592)."""
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
# The page itself has no secrets; it asks for the token.
OPEN_PATH = "/api/v1/session"
GUARDED = ("/api/", "/metrics", "/weights/")


def needs_token(path: str) -> bool:
    """Whether a path requires the token, if one is set."""
    return path.startswith(GUARDED) and path != OPEN_PATH


def client_address(connection: HTTPConnection) -> str:
    """The client address of a request or handshake; of IPv6 the network, as one client has all."""
    host = connection.client.host if connection.client else "unknown"
    try:
        return str(ip_network((host, IPV6_PREFIX), strict=False)) if ":" in host else host
    except ValueError:
        return host


class Gate:
    """Decides whether a request is admitted.

    The check of `Host` prevents DNS rebinding, that of `Origin` requests by pages of other sites.
    A WebSocket handshake is checked like a writing request, since browsers let any page try it.
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
        """Check a request or handshake.

        Raises:
            ProblemError: if it is not admitted.
        """
        headers = Headers(scope=scope)
        if sum(map(len, headers.getlist("cookie"))) > MAX_COOKIES:
            raise ProblemError(
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                "the cookies are too long; delete those of this site",
            )
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
        """Whether a token is the right one, compared in constant time.

        Args:
            token: the token to check.
            address: client address that sent it.

        Raises:
            ProblemError: after too many wrong tokens from the address; the right one is then
                refused, too, since it might have been guessed.
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
                "this server does not answer under that name; add it to MIEN_ALLOWED_HOSTS",
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
    """The host of a Host header without its port."""
    if host.startswith("["):
        return host.partition("]")[0].lower() + "]"
    return host.partition(":")[0].lower()


def _cookie(headers: Headers) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found is not None else ""
