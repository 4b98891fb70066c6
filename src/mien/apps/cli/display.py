"""The live view in the terminal: bars, sentiment, frames per second, drops."""

import time
from collections import deque

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mien.apps.cli.console import printable
from mien.core.types import Reading
from mien.pipeline.live import LiveReading

__all__ = ["LiveView"]

BAR = 24
"""Characters of a full bar."""
SHOWN = 4
"""Faces that have room."""


class LiveView:
    """What the terminal shows: the newest reading and how well the machine keeps up."""

    def __init__(self) -> None:
        self._newest: LiveReading | None = None
        self._notice = "waiting for the first picture"
        self._times: deque[float] = deque(maxlen=50)

    def take(self, event: LiveReading) -> None:
        """Show a new reading."""
        self._newest, self._notice = event, ""
        self._times.append(time.monotonic())

    def say(self, notice: str) -> None:
        """Show what became of the camera until the next reading."""
        self._notice = printable(notice)

    def __rich__(self) -> RenderableType:
        """The picture of this moment."""
        lines: list[RenderableType] = [Text(self._status(), style="dim")]
        if self._newest is not None:
            readings = self._newest.reading.readings
            lines += [_face(reading) for reading in readings[:SHOWN]]
            if len(readings) > SHOWN:
                lines.append(Text(f"and {len(readings) - SHOWN} more faces"))
            if not readings:
                lines.append(Text("no face found"))
        if self._notice:
            lines.append(Text(self._notice, style="yellow"))
        return Group(*lines)

    def _status(self) -> str:
        if self._newest is None:
            return ""
        rate = 0.0
        if len(self._times) > 1:
            rate = (len(self._times) - 1) / max(self._times[-1] - self._times[0], 1e-6)
        share = self._newest.dropped / max(self._newest.received, 1)
        return (
            f"{printable(self._newest.media.source)}  {rate:.0f} frames per second  "
            f"delay {self._newest.delay_s * 1e3:.0f} ms  "
            f"{self._newest.dropped} dropped ({share:.0%})  Ctrl-C ends"
        )


def _face(reading: Reading) -> Table:
    note = f", uncertain: {reading.doubt.value}" if reading.doubt else ""
    title = f"face {reading.track_id}: {reading.sentiment} {reading.valence:+z.2f}{note}"
    table = Table(title=title, title_justify="left", box=None, show_header=False, pad_edge=False)
    for emotion, share in reading.scores.items():
        bar = "█" * round(share * BAR)
        style = "bold" if emotion is reading.top else ""
        table.add_row(emotion.value, f"{bar:<{BAR}}", f"{share:4.0%}", style=style)
    return table
