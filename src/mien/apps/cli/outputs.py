"""Outputs of a command: never over a source, never two results in one file."""

import os
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import typer

from mien.apps.cli.console import complain
from mien.core.errors import InputError, OutputError
from mien.report.files import output_error
from mien.report.writing import FanOut, ReportWriter

__all__ = ["Outputs", "check_outputs"]


def check_outputs(outputs: Iterable[Path | None], sources: Iterable[Path]) -> None:
    """Check that no output file is a source or is named twice; devices and pipes are exempt.

    Raises:
        InputError: if an output file is a source or is named twice.
        OutputError: if the system refuses to look up an output file.
    """
    files = [path for path in outputs if path is not None and _may_be_file(path)]
    taken: set[object] = set()
    for path in files:
        if _identity(path) in taken:
            raise InputError(f"{path} is named for two results; give each a file of its own")
        taken.add(_identity(path))
    if not files:
        return
    for source in sources:
        if _identity(source) in taken:
            raise InputError(
                f"results would replace {source}, which is to be read; write elsewhere"
            )


def _may_be_file(path: Path) -> bool:
    try:
        return path.is_file() or not path.exists()
    except OSError as error:
        raise output_error(path, error) from error


def _identity(path: Path) -> object:
    """A key that is equal for all names of one file, such as links."""
    try:
        status = path.stat()
    except OSError:
        return os.path.realpath(path)
    return status.st_dev, status.st_ino


class Outputs(FanOut):
    """Several writers as one; a file that cannot be written is reported, the others continue.

    A context manager that closes all writers.

    Args:
        stop_when_all_failed: end the command as soon as no output is left.

    Attributes:
        failures: number of files that could not be written.
    """

    def __init__(self, *, stop_when_all_failed: bool) -> None:
        self.failures = 0
        self._stop_when_all_failed = stop_when_all_failed
        self._screen = ExitStack()
        self._shown: ReportWriter | None = None
        self._files: list[tuple[ReportWriter, ExitStack]] = []

    def show(self, opening: AbstractContextManager[ReportWriter]) -> None:
        """Add the output to standard output; if it fails, the command fails."""
        self._shown = self._screen.enter_context(opening)

    def add(self, opening: AbstractContextManager[ReportWriter]) -> None:
        """Add an output file.

        Raises:
            OutputError: if it cannot be opened.
        """
        stack = ExitStack()
        self._files.append((stack.enter_context(opening), stack))

    def each(self, act: Callable[[ReportWriter], None]) -> None:
        """Apply `act` to each writer, and close the files that fail.

        Raises:
            OSError: if standard output cannot be written.
            typer.Exit: if no output is left and `stop_when_all_failed` is set.
        """
        try:
            if self._shown is not None:
                act(self._shown)
        finally:
            self._each_file(act)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._screen:
            for _, stack in self._files:
                self._close(stack, error)
            if error is not None:
                raise error

    def _each_file(self, act: Callable[[ReportWriter], None]) -> None:
        for file in list(self._files):
            writer, stack = file
            try:
                act(writer)
            except BrokenPipeError:
                raise
            except (OSError, OutputError) as error:
                self._files.remove(file)
                self._close(stack, error)
        if self.failures and self._stop_when_all_failed and not self._files and self._shown is None:
            raise typer.Exit(1)

    def _close(self, stack: ExitStack, error: BaseException | None) -> None:
        """Close a file; if there was an error, it does not appear under its name."""
        kind, trace = (None, None) if error is None else (type(error), error.__traceback__)
        try:
            stack.__exit__(kind, error, trace)
        except OutputError as refusal:
            self.failures += 1
            complain(str(refusal))
