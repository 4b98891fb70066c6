"""The command `mien`."""

import io
import os
import sys
from typing import Annotated

import typer

from mien import __version__
from mien.apps.cli.analyze import analyze
from mien.apps.cli.bench import bench
from mien.apps.cli.console import complain, print_json, route_logging_to_stderr
from mien.apps.cli.info import info
from mien.apps.cli.live import live
from mien.apps.cli.serve import serve
from mien.core.errors import InputError, MienError
from mien.report.files import output_error
from mien.report.schema import document_schema, line_schema

__all__ = ["app", "main"]

FAILED, USAGE = 1, 2

app = typer.Typer(
    name="mien",
    help="Reads apparent facial expressions in photographs and films, on this machine alone.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(analyze)
app.command()(live)
app.command()(info)
app.command()(bench)
app.command()(serve)


@app.command()
def schema(
    lines: Annotated[
        bool, typer.Option("--jsonl", help="For one line of the JSONL format.")
    ] = False,
) -> None:
    """Print the JSON Schema of what `mien analyze` writes."""
    print_json(line_schema() if lines else document_schema())


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


def main() -> None:
    """Run the command; an error is one line on stderr and an exit code."""
    _open_closed()
    _speak_utf8()
    route_logging_to_stderr()
    try:
        _run()
    except InputError as error:
        complain(str(error))
        sys.exit(USAGE)
    except MienError as error:
        complain(str(error))
        sys.exit(FAILED)
    except BrokenPipeError:
        _silence_stdout()
        sys.exit(FAILED)
    except OSError as error:
        # Errors of standard output have no file name.
        if error.filename is None:
            _silence_stdout()
            complain(str(output_error("standard output", error)))
        else:
            complain(f"{error.filename} cannot be used: {error.strerror}")
        sys.exit(FAILED)


def _run() -> None:
    try:
        app()
    finally:
        # Report a full disk here, not when Python exits.
        sys.stdout.flush()


def _open_closed() -> None:
    """Replace streams that the shell closed (>&-): writes to stdout fail, those to stderr vanish.

    Otherwise the next file that is opened would get the descriptor of the stream.
    """
    if sys.stdout is None:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 1)
        sys.stdout = os.fdopen(1, "w")
    if sys.stderr is None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        sys.stderr = os.fdopen(2, "w")


def _speak_utf8() -> None:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def _silence_stdout() -> None:
    """Send stdout to /dev/null, or Python would report the failed write again when it exits."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
