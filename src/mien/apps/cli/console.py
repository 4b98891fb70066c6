"""The terminal: results on stdout, everything else on stderr."""

import json
import logging
import sys
import traceback
import unicodedata
import warnings
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

__all__ = ["complain", "print_json", "printable", "progress_bar", "screen", "speak_alone"]


def screen() -> Console:
    """Standard output; wide enough for a row when it is not a terminal."""
    width = None if sys.stdout.isatty() else 120
    # Brackets and colons in file names are no markup.
    return Console(width=width, highlight=False, markup=False, emoji=False)


def print_json(value: Any) -> None:
    """Write a value to standard output as JSON."""
    sys.stdout.write(json.dumps(value, indent=2) + "\n")


def complain(sentence: str) -> None:
    """Write one line to standard error."""
    sys.stderr.write(f"mien: {printable(' '.join(sentence.split()))}\n")


def printable(text: str) -> str:
    """The text with what could steer a terminal, or hide in it, escaped: Unicode's category C."""
    return "".join(
        repr(letter)[1:-1] if unicodedata.category(letter).startswith("C") else letter
        for letter in text
    )


def speak_alone() -> None:
    """Say what mien logs as a complaint, and nothing of the warnings that libraries give."""
    # Whoever asks Python for warnings, with -W or PYTHONWARNINGS, gets them.
    if not sys.warnoptions:
        warnings.filterwarnings("ignore", module="(?!mien)")
    log = logging.getLogger("mien")
    if not log.handlers:
        log.addHandler(_Complaints(logging.WARNING))


class _Complaints(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        complain(record.getMessage())
        if record.exc_info:
            traceback.print_exception(*record.exc_info)


def progress_bar(*, shown: bool = True) -> Progress:
    """A bar with the time left, on standard error and only where that is a terminal.

    It redraws the lines above it: it is not to be shown while data go to the same terminal.
    """
    # Not the console's own word, which FORCE_COLOR changes.
    shown = shown and sys.stderr.isatty()
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not shown,
        transient=True,
        redirect_stdout=False,
    )
