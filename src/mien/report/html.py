"""The HTML report: one self-contained file without scripts, images or network access."""

import base64
import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from mien.core.errors import InputError, MienError
from mien.core.media import Media, MediaKind
from mien.core.types import FrameReading
from mien.report.files import atomic
from mien.report.names import short_names
from mien.report.sections import LEAD, failures, images, limits, networks, title, video
from mien.report.summaries import ImageSummary, VideoSummary

__all__ = ["HtmlWriter", "check_html", "open_html", "page_policy"]

EXTENSIONS = (".html", ".htm")


class HtmlWriter:
    """Summarises readings for one HTML page; `page` returns it.

    For each source: `begin`, `write` per frame, `end`; or only `fail` if it could not be opened.

    Args:
        model: version, precision and SHA-256 of each weight file, by network name.
    """

    def __init__(self, model: Mapping[str, Mapping[str, Any]]) -> None:
        self._model = model
        self._videos: list[VideoSummary] = []
        self._images = ImageSummary()
        self._failures: list[tuple[str, str]] = []
        self._media: Media | None = None

    def begin(self, media: Media) -> None:
        """Start a source."""
        self._media = media
        if media.kind is not MediaKind.IMAGE:
            self._videos.append(VideoSummary(media))

    def write(self, frame: FrameReading) -> None:
        """Add a frame of the source."""
        if self._media is None:
            return
        if self._media.kind is MediaKind.IMAGE:
            self._images.add(self._media.source, frame)
        else:
            self._videos[-1].add(frame)

    def end(self, error: MienError | None = None) -> None:
        """End the source, with the error that interrupted it if there was one."""
        if self._media is not None and self._media.kind is not MediaKind.IMAGE:
            self._videos[-1].finish(error)
        elif self._media is not None and error is not None:
            self.fail(self._media.source, error)
        self._media = None

    def fail(self, source: str, error: MienError) -> None:
        """Note a source that could not be read."""
        self._failures.append((source, str(error)))

    def page(self) -> str:
        """The complete HTML document."""
        image_sources = [source for source, _ in self._images.readings]
        read = [one.media.source for one in self._videos] + image_sources
        alone = len(read) == 1
        names = short_names([*read, *(source for source, _ in self._failures)])
        name = escape(names[read[0]]) if alone else title(len(image_sources), len(self._videos))
        body = [video(one, names, alone=alone) for one in self._videos]
        if image_sources:
            body.insert(0, images(self._images, names, alone=alone))
        body += [failures(self._failures, names), limits(), networks(self._model)]
        return (
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            f'<meta http-equiv="Content-Security-Policy" content="{page_policy()}">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{name} · mien</title>\n<style>{_style()}</style>\n</head>\n<body>\n"
            f'<header><p class="brand">mien</p><h1>{name}</h1><p class="lead">{LEAD}</p></header>\n'
            f"<main>{''.join(body)}</main>\n"
            "<footer>Made by mien. It holds no picture, and opens without a network.</footer>\n"
            "</body>\n</html>\n"
        )


def check_html(path: str | os.PathLike[str]) -> None:
    """Check the extension of an HTML report.

    Raises:
        InputError: if the path ends neither in .html nor in .htm.
    """
    if Path(path).suffix.lower() not in EXTENSIONS:
        raise InputError(f"{os.fspath(path)} must end in one of: {', '.join(EXTENSIONS)}")


@contextmanager
def open_html(
    path: str | os.PathLike[str], model: Mapping[str, Mapping[str, Any]]
) -> Iterator[HtmlWriter]:
    """Open an HTML report; it appears under its name when the block ends without an exception.

    Args:
        path: ends in .html or .htm.
        model: as for `HtmlWriter`.

    Raises:
        InputError: if the path has another extension.
        OutputError: if the file cannot be written.
    """
    check_html(path)
    with atomic(path) as place:
        writer = HtmlWriter(model)
        yield writer
        place.write_text(writer.page(), encoding="utf-8")


@cache
def page_policy() -> str:
    """The Content-Security-Policy of a report, which allows only its own style sheet."""
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


@cache
def _style() -> str:
    return (files("mien.report") / "page.css").read_text(encoding="utf-8")
