"""Expression events for observer-coding tools: CSV, and the .eaf documents of ELAN."""

import os
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TextIO
from urllib.parse import quote

from mien.core.errors import InputError, MienError
from mien.core.media import Media
from mien.core.types import FrameReading
from mien.report.events import Event, EventFinder
from mien.report.files import atomic
from mien.report.tables import cell_text, csv_rows

__all__ = ["CODINGS", "EVENT_COLUMNS", "EventWriter", "check_coding", "open_events"]

EVENT_COLUMNS = (
    "source", "track_id", "expression", "onset_s", "apex_s", "offset_s", "duration_s", "peak",
)  # fmt: skip
CODINGS = (".csv", ".eaf")
# Characters that XML forbids even when escaped.
_NO_XML = re.compile("[\x00-\x1f\ufffe\uffff]")
_MIME_TYPES = {".mp4": "video/mp4", ".mov": "video/quicktime", ".mpg": "video/mpeg"}


class EventWriter:
    """Finds the events of each source and writes them.

    For each source: `begin`, `write` per frame, `end`.
    """

    def __init__(self, event_format: "_EventFormat") -> None:
        self._format = event_format
        self._finder = EventFinder()

    def begin(self, media: Media) -> None:
        """Start a source."""
        self._finder = EventFinder()
        self._format.begin(media)

    def write(self, frame: FrameReading) -> None:
        """Add a frame of the source."""
        self._format.add(self._finder.add(frame))

    def end(self, error: MienError | None = None) -> None:  # noqa: ARG002
        """End the source, and with it the events that have not ended."""
        self._format.add(self._finder.finish())

    def fail(self, source: str, error: MienError) -> None:
        """Do nothing: a source that could not be opened has no events."""


def check_coding(path: str | os.PathLike[str], sources: int) -> None:
    """Check the extension of an event file, and that its format can hold all sources.

    Raises:
        InputError: if the extension is not in `CODINGS`, or an .eaf is to hold several sources.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in CODINGS:
        raise InputError(f"{os.fspath(path)} must end in one of: {', '.join(CODINGS)}")
    if suffix == ".eaf" and sources > 1:
        raise InputError(
            f"an .eaf document belongs to one film, not {sources}; write a .csv or give one film"
        )


@contextmanager
def open_events(path: str | os.PathLike[str], *, located: bool = True) -> Iterator[EventWriter]:
    """Open an event file; it appears under its name when the block ends without an exception.

    Args:
        path: ends in .csv or .eaf.
        located: whether an .eaf document holds the video's absolute path, or only its file name,
            as for a video uploaded from another machine.

    Raises:
        InputError: if the path ends neither in .csv nor in .eaf.
        OutputError: if the file cannot be written.
    """
    check_coding(path, 1)
    with atomic(path) as place:
        if Path(path).suffix.lower() == ".csv":
            with place.open("w", encoding="utf-8", newline="") as stream:
                yield EventWriter(_Rows(stream))
        else:
            document = _Document(located)
            yield EventWriter(document)
            document.save(place)


class _EventFormat(Protocol):
    def begin(self, media: Media) -> None: ...

    def add(self, events: list[Event]) -> None: ...


class _Rows:
    """CSV in UTF-8 with a header and one row per event."""

    def __init__(self, stream: TextIO) -> None:
        self._writer = csv_rows(stream, EVENT_COLUMNS)
        self._writer.writeheader()
        self._source = ""

    def begin(self, media: Media) -> None:
        self._source = cell_text(media.source)

    def add(self, events: list[Event]) -> None:
        for event in events:
            self._writer.writerow({"source": self._source} | event.to_dict())


class _Document:
    """ELAN annotation format 3.0 (Max Planck Institute for Psycholinguistics).

    Each expression of each face has its own tier, since annotations of a tier may not overlap.
    Times are whole milliseconds; an annotation lasts at least one.
    """

    def __init__(self, located: bool) -> None:
        self._located = located
        self._media: Media | None = None
        self._tiers: dict[str, list[Event]] = {}

    def begin(self, media: Media) -> None:
        self._media = media

    def add(self, events: list[Event]) -> None:
        for event in events:
            name = f"face {event.track_id} {event.expression}"
            self._tiers.setdefault(name, []).append(event)

    def save(self, path: Path) -> None:
        root = ET.Element("ANNOTATION_DOCUMENT", AUTHOR="mien", DATE=_DATE, FORMAT="3.0")
        root.set("VERSION", "3.0")
        self._head(root)
        order = ET.SubElement(root, "TIME_ORDER")
        slots = 0
        for number, (name, events) in enumerate(sorted(self._tiers.items())):
            tier = ET.SubElement(root, "TIER", TIER_ID=name, LINGUISTIC_TYPE_REF="expression")
            free = 0
            for place, event in enumerate(sorted(events, key=lambda event: event.onset_s)):
                # Events may overlap if the timestamps of a video run backwards.
                begin = max(round(event.onset_s * 1e3), free)
                free = max(round(event.offset_s * 1e3), begin + 1)
                ends = (begin, free)
                names = [f"ts{slots + 1}", f"ts{slots + 2}"]
                slots += 2
                for slot, value in zip(names, ends, strict=True):
                    ET.SubElement(order, "TIME_SLOT", TIME_SLOT_ID=slot, TIME_VALUE=str(value))
                holder = ET.SubElement(tier, "ANNOTATION")
                annotation = ET.SubElement(
                    holder,
                    "ALIGNABLE_ANNOTATION",
                    ANNOTATION_ID=f"a{number + 1}-{place + 1}",
                    TIME_SLOT_REF1=names[0],
                    TIME_SLOT_REF2=names[1],
                )
                text = f"{event.expression} {event.peak:.2f}, apex {event.apex_s:.3f} s"
                ET.SubElement(annotation, "ANNOTATION_VALUE").text = text
        # The format requires time slots in ascending order over all tiers.
        order[:] = sorted(order, key=lambda slot: int(slot.get("TIME_VALUE", "0")))
        ET.SubElement(
            root,
            "LINGUISTIC_TYPE",
            LINGUISTIC_TYPE_ID="expression",
            TIME_ALIGNABLE="true",
            GRAPHIC_REFERENCES="false",
        )
        ET.indent(root)
        ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)

    def _head(self, root: ET.Element) -> None:
        head = ET.SubElement(root, "HEADER", MEDIA_FILE="", TIME_UNITS="milliseconds")
        if self._media is not None:
            path = Path(self._media.source)
            ET.SubElement(
                head,
                "MEDIA_DESCRIPTOR",
                MEDIA_URL=path.absolute().as_uri() if self._located else quote(path.name),
                RELATIVE_MEDIA_URL=_NO_XML.sub(lambda found: quote(found[0]), path.name),
                MIME_TYPE=_MIME_TYPES.get(path.suffix.lower(), "video/*"),
            )


# The format requires a date; a fixed one makes the file depend on the readings only.
_DATE = "1970-01-01T00:00:00+00:00"
