"""JSON and JSON Lines documents of schema mien/1."""

import json
from collections.abc import Mapping
from typing import Any, TextIO

from mien.core.errors import MienError
from mien.core.media import Media
from mien.core.types import FrameReading
from mien.report.schema import SCHEMA

__all__ = ["JsonWriter", "JsonlWriter"]


class JsonWriter:
    """Writes one JSON document frame by frame, so that memory stays constant; a line per frame.

    Args:
        stream: text stream to write to.
        model: provenance of the weights, of values that JSON can hold.
    """

    def __init__(self, stream: TextIO, model: Mapping[str, Any]) -> None:
        self._stream = stream
        self._items = 0
        self._frames = 0
        stream.write(f'{{"schema": {_json(SCHEMA)}, "model": {_json(model)}, "items": [')

    def begin(self, media: Media) -> None:
        """Start the item of one source."""
        self._start_item(media.to_dict())

    def write(self, frame: FrameReading) -> None:
        """Add a frame to the item."""
        self._stream.write("\n" if self._frames == 0 else ",\n")
        self._stream.write(_json(frame.to_dict()))
        self._frames += 1

    def end(self, error: MienError | None = None) -> None:
        """End the item, with the error that interrupted the source if there was one."""
        tail = "" if error is None else f', "error": {_json(str(error))}'
        self._stream.write(f"]{tail}}}")
        self._stream.flush()

    def fail(self, source: str, error: MienError) -> None:
        """Add an item for a source that could not be opened."""
        self._start_item(_unknown(source))
        self.end(error)

    def close(self) -> None:
        """End the document."""
        self._stream.write("\n]}\n")
        self._stream.flush()

    def _start_item(self, head: dict[str, Any]) -> None:
        self._stream.write("\n" if self._items == 0 else ",\n")
        self._stream.write(_json(head)[:-1] + ', "frames": [')
        self._items += 1
        self._frames = 0


class JsonlWriter:
    """Writes one JSON object per line: a frame with its source, or the error that ended a source.

    Each line is flushed, so that the reader of a pipe sees it at once.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._head: dict[str, Any] = {}

    def begin(self, media: Media) -> None:
        """Start the lines of one source."""
        self._head = media.to_dict()

    def write(self, frame: FrameReading) -> None:
        """Write the line of a frame."""
        self._line(self._head | frame.to_dict())

    def end(self, error: MienError | None = None) -> None:
        """End the source; an error becomes a line."""
        if error is not None:
            self._line(self._head | {"error": str(error)})

    def fail(self, source: str, error: MienError) -> None:
        """Write the line of a source that could not be opened."""
        self._line(_unknown(source) | {"error": str(error)})

    def close(self) -> None:
        """Flush the stream."""
        self._stream.flush()

    def _line(self, value: dict[str, Any]) -> None:
        self._stream.write(_json(value) + "\n")
        self._stream.flush()


def _unknown(source: str) -> dict[str, Any]:
    return {"source": source, "kind": None, "width": None, "height": None}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
