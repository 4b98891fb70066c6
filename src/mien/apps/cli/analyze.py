"""`mien analyze`: read images and videos."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from mien.apps.cli.console import complain, screen
from mien.apps.cli.options import (
    Edge,
    MinFace,
    SearchSize,
    Threads,
    base_config,
    path_option,
)
from mien.apps.cli.outputs import Outputs, check_outputs
from mien.apps.cli.run import Run
from mien.apps.cli.signals import ENDINGS, handled_once, leave
from mien.apps.cli.table import TableWriter
from mien.pipeline.analyzer import Analyzer
from mien.pipeline.build import DEFAULT_PRECISION
from mien.report.annotations import AnnotationFolder, is_annotation
from mien.report.codings import check_coding, open_events
from mien.report.html import check_html, open_html
from mien.report.writing import ReportFormat, ReportWriter, open_report
from mien.vision.media import DEFAULT_MAX_PIXELS
from mien.vision.sources import find_sources

__all__ = ["analyze"]


class Format(StrEnum):
    """Formats in which readings are printed or written."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"


class Precision(StrEnum):
    """Precisions of the expression network."""

    FP32 = "fp32"
    INT8 = "int8"


def analyze(
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH...", help="Pictures, films, folders or patterns.")
    ],
    output_format: Annotated[
        Format, typer.Option("--format", help="Format of the output.")
    ] = Format.TABLE,
    out: Annotated[Path | None, path_option("File to write instead of stdout (-).")] = None,
    annotate: Annotated[
        Path | None,
        path_option(
            "Folder for annotated pictures and clips. Files *.annotated.* in it count as those of "
            "an earlier run: they are replaced and not read, unless named as sources.",
            metavar="DIR",
        ),
    ] = None,
    events: Annotated[
        Path | None,
        path_option("Write when expressions come and go, to a .csv or ELAN's .eaf."),
    ] = None,
    report: Annotated[
        Path | None, path_option("Write a page with charts and events, to an .html.")
    ] = None,
    every: Annotated[int, typer.Option(min=1, help="Read each N-th frame of a film.")] = 1,
    min_face: MinFace = 0,
    search_size: SearchSize = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            min=0.01,
            max=0.999,
            help="Minimum score of a face; by default that of mien/weights/refiner.json.",
        ),
    ] = None,
    precision: Annotated[
        Precision | None, typer.Option(help=f"Weights to use; {DEFAULT_PRECISION} by default.")
    ] = None,
    threads: Threads = None,
    edge: Edge = False,
    max_pixels: Annotated[
        int, typer.Option(min=1, help="Refuse pictures with more pixels.")
    ] = DEFAULT_MAX_PIXELS,
) -> None:
    """Read the apparent facial expressions in pictures and films.

    Exits with 0 if all was read, 1 if some was not (the rest is written), 2 on wrong usage.
    """
    out = None if out is not None and str(out) == "-" else out
    _check(output_format, out)
    is_copy = partial(is_annotation, folder=annotate) if annotate else lambda _: False
    found = find_sources(paths, leave_out=is_copy)
    if events is not None:
        check_coding(events, len(found.paths))
    if report is not None:
        check_html(report)
    check_outputs((out, events, report), found.paths)
    base = base_config(edge=edge, threads=threads, search_size=search_size, min_face=min_face)
    config = replace(
        base,
        precision=precision.value if precision else base.precision,
        threshold=threshold,
        max_pixels=max_pixels,
    )
    with handled_once(ENDINGS, leave), _notes_told(), ExitStack() as stack:
        analyzer = stack.enter_context(Analyzer(config))
        folder = AnnotationFolder(annotate, found.paths) if annotate else None
        outputs = stack.enter_context(Outputs(stop_when_all_failed=folder is None))
        model = analyzer.parts.provenance()
        _open_readings(outputs, output_format, out, model)
        if events is not None:
            outputs.add(open_events(events))
        if report is not None:
            outputs.add(open_html(report, model))
        # Rows and the progress bar would overwrite each other on a terminal.
        rows = out is None and output_format is not Format.TABLE and sys.stdout.isatty()
        run = Run(analyzer, outputs, folder, every, bar=not rows)
        for source, error in found.failures:
            run.fail(source, error)
        run.read(found.paths)
    if run.failures or outputs.failures:
        raise typer.Exit(1)


@contextmanager
def _notes_told() -> Iterator[None]:
    """Report what is left of a run that is interrupted."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit) as interruption:
        for note in getattr(interruption, "__notes__", ()):
            complain(note)
        raise


def _open_readings(
    outputs: Outputs, output_format: Format, out: Path | None, model: Mapping[str, Any]
) -> None:
    if output_format is Format.TABLE:
        outputs.show(_table())
    elif out is None:
        outputs.show(open_report(sys.stdout, ReportFormat(output_format.value), model))
    else:
        outputs.add(open_report(out, ReportFormat(output_format.value), model, salvage=True))


def _check(output_format: Format, out: Path | None) -> None:
    if output_format is Format.TABLE and out is not None:
        raise typer.BadParameter("a table goes to the screen; choose another --format")
    if output_format is Format.PARQUET and out is None:
        raise typer.BadParameter("parquet cannot go to the screen; name a file with --out")


@contextmanager
def _table() -> Iterator[ReportWriter]:
    table = TableWriter(screen())
    yield table
    table.close()
