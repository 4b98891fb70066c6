"""Readings as a table for people: a row per face of a picture, a row per film."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from rich.console import Console
from rich.table import Table

from mien.apps.cli.console import printable
from mien.core.errors import MienError
from mien.core.labels import EMOTIONS, Emotion, sentiment
from mien.core.media import Media, MediaKind
from mien.core.types import FrameReading, Reading
from mien.report.names import short_names

__all__ = ["TableWriter"]


@dataclass
class _Film:
    """What a film adds up to, without keeping its frames."""

    frames: int = 0
    seconds: float = 0.0
    faces: Counter[int] = field(default_factory=Counter)
    mass: "np.ndarray[tuple[int], np.dtype[np.float64]]" = field(
        default_factory=lambda: np.zeros(len(EMOTIONS))
    )
    valence: float = 0.0
    readings: int = 0

    def add(self, frame: FrameReading) -> None:
        self.frames += 1
        self.seconds = frame.time_s
        self.faces[len(frame.readings)] += 1
        for reading in frame.readings:
            self.mass += np.array(reading.scores.probabilities)
            self.valence += reading.valence
            self.readings += 1


class TableWriter:
    """Collects rows and prints them when closed."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._rows: list[tuple[str, tuple[str, ...]]] = []
        self._media: Media | None = None
        self._film = _Film()

    def begin(self, media: Media) -> None:
        """Start a source."""
        self._media, self._film = media, _Film()

    def write(self, frame: FrameReading) -> None:
        """Add the faces of a picture, or count those of a film's frame."""
        if self._media is not None and self._media.kind is not MediaKind.IMAGE:
            self._film.add(frame)
            return
        if not frame.readings:
            self._add("-", "", "no face found", "", "")
        for number, reading in enumerate(frame.readings):
            self._add(str(number), *_cells(reading))

    def end(self, error: MienError | None = None) -> None:
        """End the source; a film becomes a row."""
        if self._media is not None and self._film.frames:
            cells = _film_cells(self._film)
            note = "; ".join(filter(None, [cells[-1], "broken off" if error else ""]))
            self._add(*cells[:-1], note)

    def fail(self, source: str, error: MienError) -> None:
        """Leave out a source that could not be opened; stderr names it."""

    def close(self) -> None:
        """Print the table if it has rows."""
        if not self._rows:
            return
        table = Table(box=None, title_justify="left", pad_edge=False)
        for name in ("source", "face", "where", "expression appears", "sentiment", "note"):
            table.add_column(name, overflow="fold")
        names = short_names(source for source, _ in self._rows)
        before = None
        for source, cells in self._rows:
            table.add_row("" if source == before else printable(names[source]), *cells)
            before = source
        self._console.print(table)

    def _add(self, *cells: str) -> None:
        self._rows.append((self._media.source if self._media else "", cells))


def _cells(reading: Reading) -> tuple[str, str, str, str]:
    box = reading.face.box
    where = f"{box.width:.0f}x{box.height:.0f} at {box.x:z.0f},{box.y:z.0f}"
    note = f"uncertain: {reading.doubt.value}" if reading.doubt else ""
    return (
        where,
        _named(reading.scores.ranked()),
        f"{reading.sentiment} {reading.valence:+z.2f}",
        note,
    )


def _film_cells(film: _Film) -> tuple[str, str, str, str, str]:
    counts = ", ".join(
        f"{faces or 'no'} {'face' if faces == 1 else 'faces'} in {frames}"
        for faces, frames in sorted(film.faces.items(), reverse=True)
    )
    where = f"{film.frames} {'frame' if film.frames == 1 else 'frames'} to {film.seconds:.2f} s"
    if not film.readings:
        return "-", where, "no face found", "", ""
    mean = film.mass / film.readings
    ranked = sorted(zip(EMOTIONS, mean.tolist(), strict=True), key=lambda pair: -pair[1])
    valence = film.valence / film.readings
    return "all", where, _named(ranked), f"{sentiment(valence)} {valence:+z.2f}", counts


def _named(ranked: list[tuple[Emotion, float]]) -> str:
    """The first expression and the others that have at least a tenth."""
    shown = [ranked[0], *(pair for pair in ranked[1:3] if pair[1] >= 0.1)]
    return ", ".join(f"{emotion} {share:.0%}" for emotion, share in shown)
