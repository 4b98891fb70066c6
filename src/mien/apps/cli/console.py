"""Terminal output: results on stdout, everything else on stderr."""

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

__all__ = [
    "complain",
    "print_json",
    "printable",
    "progress_bar",
    "route_logging_to_stderr",
    "screen",
]


def screen() -> Console:
    """Standard output as a Rich console, 120 columns wide if it is not a terminal."""
    width = None if sys.stdout.isatty() else 120
    # Brackets and colons in file names are not markup.
    return Console(width=width, highlight=False, markup=False, emoji=False)


def print_json(value: Any) -> None:
    """Write a value to standard output as JSON."""
    sys.stdout.write(json.dumps(value, indent=2) + "\n")


def complain(sentence: str) -> None:
    """Write a message to standard error as one line."""
    sys.stderr.write(f"mien: {printable(' '.join(sentence.split()))}\n")


def printable(text: str) -> str:
    """The text with control and invisible characters (Unicode category C) escaped."""
    return "".join(
        repr(letter)[1:-1] if unicodedata.category(letter).startswith("C") else letter
        for letter in text
    )


def route_logging_to_stderr() -> None:
    """Print mien's log messages on standard error, and suppress warnings of libraries."""
    # Warnings requested with -W or PYTHONWARNINGS are still shown.
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
    """A progress bar with the remaining time, on standard error and only if it is a terminal.

    Args:
        shown: False to hide it, as while results are printed to the same terminal.
    """
    # FORCE_COLOR makes Rich's own check report a terminal.
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
