"""`mien-lab evaluate`: all figures of the shipped weights on a labelled collection."""

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
            help="Split to measure on; by default the test split, else the validation split, else "
            "all."
        ),
    ] = None,
    layout: Annotated[
        str,
        typer.Option(
            help="auto, fer2013 (required for its folder edition), fer+, raf-db, affectnet, expw, "
            "ck+, jaffe, kdef, folders or manifest."
        ),
    ] = "auto",
    whole: Annotated[
        bool | None,
        typer.Option(
            "--photographs/--crops",
            help="Detect faces in the pictures, or treat each as the crop of one face; inferred "
            "from the collection by default.",
        ),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(help="CSV of another reader's predictions (name, label) to compare with."),
    ] = None,
    predictions: Annotated[
        Path | None, typer.Option(help="Write a CSV of all predictions here.")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write an HTML report here.")] = None,
    resamples: Annotated[int, typer.Option(min=1, help="Number of bootstrap resamples.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the bootstrap.")] = 0,
) -> None:
    """Measure the shipped weights on FER2013 and FER+, or on another labelled collection.

    Pictures that cannot be read are named on stderr and in the figures, and not counted.
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
        typer.echo(f"mien-lab: {against} names no case of {protocol}; not compared", err=True)
    if predictions is not None:
        write_predictions(predictions, list(found.cases.values()))
    if report is not None:
        write_report(report, found)
    # Last, so that a closed pipe on stdout does not prevent the files from being written.
    write_figures(found.figures, output)
