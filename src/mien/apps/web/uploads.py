"""Uploads, raw or as the part `file` of a multipart form, streamed into the private folder."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from mien.apps.web.problems import ProblemError
from mien.vision.sources import EXTENSIONS

__all__ = ["Upload", "receive"]

MAX_NAME = 120
SLOWEST = 2_000
"""Minimum mean rate of an upload, in bytes per second."""


@dataclass(frozen=True)
class Upload:
    """A complete upload: its path, and its name as given by the client."""

    path: Path
    name: str


async def receive(
    request: Request,
    folder: Path,
    limit: int,
    timeout_s: float,
    announce: Callable[[str], None] = lambda _: None,
) -> Upload:
    """Store the body of a request in a file, chunk by chunk.

    Args:
        request: its body is an image or video, or a multipart form with a part named `file`.
        folder: folder for the file.
        limit: maximum size of the body in bytes.
        timeout_s: seconds after which a client that sends nothing is given up.
        announce: called with the file name before its content is stored; may raise to refuse it.

    Raises:
        ProblemError: if the body is too large, too slow, empty or an invalid form.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise _too_large(limit)
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    path = folder / "upload"
    with path.open("wb") as file:
        if kind == b"multipart/form-data":
            form = _Form(options.get(b"boundary", b""), file.write, announce)
            async for chunk in _chunks(request, limit, timeout_s):
                form.feed(chunk)
            name = form.finish()
        else:
            name = request.query_params.get("name", "")
            announce(name)
            async for chunk in _chunks(request, limit, timeout_s):
                file.write(chunk)
    if path.stat().st_size == 0:
        raise ProblemError(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "the upload is empty; send a picture or film as the body or as the form's part `file`",
        )
    return Upload(path, _display(name))


async def _chunks(request: Request, limit: int, timeout_s: float) -> AsyncIterator[bytes]:
    stream = aiter(request.stream())
    received = 0
    begun = time.monotonic()
    while True:
        try:
            chunk = await asyncio.wait_for(anext(stream), timeout_s)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise _stalled() from None
        received += len(chunk)
        if time.monotonic() - begun > timeout_s + received / SLOWEST:
            raise _stalled()
        if received > limit:
            raise _too_large(limit)
        yield chunk


def _stalled() -> ProblemError:
    return ProblemError(
        HTTPStatus.REQUEST_TIMEOUT,
        "the upload stalled; send it again",
        {"Connection": "close"},
    )


def _too_large(limit: int) -> ProblemError:
    return ProblemError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"the upload has more than {limit / 1e6:.4g} MB; send a smaller file",
        {"Connection": "close"},
    )


def _display(name: str) -> str:
    plain = "".join(char for char in Path(name).name if char.isprintable())
    suffix = Path(plain).suffix
    if len(plain) > MAX_NAME and suffix.lower() in EXTENSIONS:
        return plain[: MAX_NAME - len(suffix)] + suffix
    return plain[:MAX_NAME] or "upload"


@dataclass
class _Part:
    headers: dict[str, bytes] = field(default_factory=dict)
    name: bytes = b""
    value: bytes = b""

    def disposition(self) -> dict[bytes, bytes]:
        return parse_options_header(self.headers.get("content-disposition", b""))[1]


class _Form:
    """Finds the part named `file` in a multipart body and forwards its content."""

    def __init__(
        self, boundary: bytes, write: Callable[[bytes], object], announce: Callable[[str], None]
    ) -> None:
        if not boundary:
            raise _no_form("it has no boundary")
        self._write = write
        self._announce = announce
        self._part = _Part()
        self._taking = False
        self._file_name: str | None = None
        self._whole = False
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin,
                    "on_header_field": self._header_name,
                    "on_header_value": self._header_value,
                    "on_header_end": self._header_end,
                    "on_headers_finished": self._headers_finished,
                    "on_part_data": self._data,
                    "on_end": self._end,
                },
            )
        except FormParserError as error:
            raise _no_form(str(error)) from None

    def feed(self, chunk: bytes) -> None:
        """Parse the next bytes of the body."""
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise _no_form(str(error)) from None

    def finish(self) -> str:
        """End the body; returns the name of the file."""
        if not self._whole:
            raise _no_form("it breaks off before its closing boundary")
        if self._file_name is None:
            raise _no_form("it has no part named `file`")
        return self._file_name

    def _begin(self) -> None:
        self._part = _Part()
        self._taking = False

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._part.name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._part.value += data[start:end]

    def _header_end(self) -> None:
        part = self._part
        part.headers[part.name.decode("latin-1").lower()] = part.value
        part.name = part.value = b""

    def _headers_finished(self) -> None:
        options = self._part.disposition()
        if options.get(b"name") == b"file" and self._file_name is None:
            self._taking = True
            self._file_name = options.get(b"filename", b"").decode("utf-8", "replace")
            self._announce(self._file_name)

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._taking:
            self._write(data[start:end])

    def _end(self) -> None:
        self._whole = True


def _no_form(reason: str) -> ProblemError:
    return ProblemError(
        HTTPStatus.BAD_REQUEST,
        f"the form cannot be read ({reason}); send the file as its part `file`",
    )
