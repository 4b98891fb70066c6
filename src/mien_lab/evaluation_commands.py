"""`mien-lab evaluate`: all figures of what ships, on any labelled collection."""

from pathlib import Path
from typing import Annotated

import typer

from mien.pipeline.build import DEFAULT_PRECISION
from mien_lab.output import (
    Output,
    Precision,
    Weights,
    name_failures,
    require_writable,
    write_figures,
)

__all__ = ["evaluate"]


def evaluate(
    data: Annotated[Path, typer.Option("--data", help="Folder with the data, or a manifest.")],
    output: Output = None,
    precision: Precision = DEFAULT_PRECISION,
    weights: Weights = None,
    split: Annotated[
        str | None,
        typer.Option(
            help="The only one to take; that for testing if left out, else for validation, or all."
        ),
    ] = None,
    layout: Annotated[
        str,
        typer.Option(
            help="auto, fer2013 (name it if in folders), fer+, raf-db, affectnet, expw, ck+, "
            "jaffe, kdef, folders or manifest."
        ),
    ] = "auto",
    whole: Annotated[
        bool | None,
        typer.Option(
            "--photographs/--crops",
            help="Search the pictures for faces, or take each as one face; as the collection is "
            "made if left out.",
        ),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(help="CSV with another reader's name and label, for McNemar's test."),
    ] = None,
    predictions: Annotated[
        Path | None, typer.Option(help="Write a CSV of all predictions here.")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write an HTML page here.")] = None,
    resamples: Annotated[int, typer.Option(min=1, help="Of the bootstrap.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Of the bootstrap.")] = 0,
) -> None:
    """Measure what ships: on FER2013 and FER+, or on another labelled collection.

    A picture that cannot be read is named on stderr and in the figures; the others are measured.
    """
    require_writable(output, predictions, report)
    from mien_lab.evaluation.comparison import read_predictions, write_predictions
    from mien_lab.evaluation.intervals import Bootstrap
    from mien_lab.evaluation.protocols import Request, evaluate_collection
    from mien_lab.evaluation.report import write_report

    found = evaluate_collection(
        Request(
            data,
            layout,
            split,
            whole,
            precision,
            weights,
            None if against is None else read_predictions(against),
            Bootstrap(resamples, seed=seed),
        )
    )
    name_failures(found.figures.get("failures", []))
    for protocol in found.figures.get("not_compared", []):
        typer.echo(f"mien-lab: {against} names no case of {protocol}: not compared", err=True)
    if predictions is not None:
        write_predictions(predictions, list(found.cases.values()))
    if report is not None:
        write_report(report, found)
    # The screen comes last: whoever reads it may stop reading, and the files are to be there.
    write_figures(found.figures, output)
