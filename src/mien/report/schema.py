"""The JSON Schema of mien's documents, generated from the result types."""

import dataclasses
import types
import typing
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal, NotRequired, TypedDict

from mien.core.labels import EMOTIONS, Emotion, Sentiment
from mien.core.media import MediaKind
from mien.core.scores import Scores
from mien.core.types import Box, Doubt, Landmarks

__all__ = ["SCHEMA", "Document", "Line", "document_schema", "line_schema"]

SCHEMA = "mien/1"


@dataclasses.dataclass(frozen=True, slots=True)
class Range:
    """Inclusive bounds of a number; a maximum of None means unbounded."""

    minimum: int
    maximum: int | None = None


Unit = Annotated[float, Range(0, 1)]
Signed = Annotated[float, Range(-1, 1)]
Count = Annotated[int, Range(0)]


class FaceItem(TypedDict):
    """How the expression of one face appears; see `mien.core.types.Reading.to_dict`."""

    track_id: Count | None
    box: Box
    score: Unit
    landmarks: Landmarks
    emotions: Scores
    top: Emotion
    prediction_set: tuple[Emotion, ...]
    uncertain: bool
    uncertain_reason: Doubt | None
    valence: Signed
    arousal: Signed
    sentiment: Sentiment


class FrameItem(TypedDict):
    """One frame of a source; `faces` is empty if none was found."""

    index: Count
    time_s: float
    faces: list[FaceItem]


class MediaItem(TypedDict):
    """One source; `error` states what went wrong, and properties that are then unknown are null."""

    source: str
    kind: MediaKind | None
    width: Count | None
    height: Count | None
    frames: list[FrameItem]
    error: NotRequired[str]


class Document(TypedDict):
    """Everything read in one run."""

    schema: Literal["mien/1"]
    model: dict[str, Any]
    items: list[MediaItem]


class Line(TypedDict):
    """One line of the JSONL format: a frame of a source, or the error that ended it."""

    source: str
    kind: MediaKind | None
    width: Count | None
    height: Count | None
    index: NotRequired[Count]
    time_s: NotRequired[float]
    faces: NotRequired[list[FaceItem]]
    error: NotRequired[str]


def document_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the document that `mien analyze --format json` writes."""
    return _root("What mien reads from pictures and films", SCHEMA, Document)


def line_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of one line that `mien analyze --format jsonl` writes."""
    return _root("One line of mien's readings", f"{SCHEMA}/line", Line)


def _root(title: str, identifier: str, kind: type) -> dict[str, Any]:
    definitions: dict[str, Any] = {}
    _describe(kind, definitions)
    root = definitions.pop(kind.__name__)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": identifier}
    return {**head, "title": title, **root, "$defs": definitions}


_PLAIN: dict[Any, dict[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    types.NoneType: {"type": "null"},
    Any: {},
}


def _describe(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    if kind in _PLAIN:
        return _PLAIN[kind]
    if isinstance(kind, type) and not typing.get_origin(kind):
        return _named(kind, definitions)
    return _composed(kind, definitions)


def _composed(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Annotated:
        bounds = dataclasses.asdict(arguments[1])
        known = {name: bound for name, bound in bounds.items() if bound is not None}
        return _describe(arguments[0], definitions) | known
    if origin is NotRequired:
        return _describe(arguments[0], definitions)
    if origin is Literal:
        return {"const": arguments[0]}
    if origin in (types.UnionType, typing.Union):
        return {"anyOf": [_describe(argument, definitions) for argument in arguments]}
    if origin is dict:
        return {"type": "object"}
    if origin is list or (origin is tuple and arguments[-1] is Ellipsis):
        return {"type": "array", "items": _describe(arguments[0], definitions)}
    if origin is tuple:
        items = _describe(arguments[0], definitions)
        count = len(arguments)
        return {"type": "array", "items": items, "minItems": count, "maxItems": count}
    raise TypeError(f"no JSON Schema for {kind}")


def _named(kind: type, definitions: dict[str, Any]) -> dict[str, Any]:
    name = kind.__name__
    if name not in definitions:
        definitions[name] = {}
        definitions[name] = {"description": (kind.__doc__ or "").splitlines()[0]} | _body(
            kind, definitions
        )
    return {"$ref": f"#/$defs/{name}"}


def _body(kind: type, definitions: dict[str, Any]) -> dict[str, Any]:
    if issubclass(kind, StrEnum):
        return {"type": "string", "enum": [member.value for member in kind]}
    if kind is Scores:
        return _object({emotion.value: _describe(Unit, definitions) for emotion in EMOTIONS})
    hints = typing.get_type_hints(kind, include_extras=True)
    if dataclasses.is_dataclass(kind):
        hints = {field.name: hints[field.name] for field in dataclasses.fields(kind)}
    optional: frozenset[str] = getattr(kind, "__optional_keys__", frozenset())
    properties = {name: _describe(hint, definitions) for name, hint in hints.items()}
    return _object(properties, optional)


def _object(
    properties: Mapping[str, Any], optional: frozenset[str] = frozenset()
) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }
