"""``mien-lab tradeoff``: what closing gaps between groups costs."""

from pathlib import Path
from typing import Annotated

import typer

from mien.pipeline.build import DEFAULT_PRECISION
from mien_lab.output import write_summary

__all__ = ["tradeoff"]


def tradeoff(
    data: Annotated[Path, typer.Option("--data", help="Folder with FER2013 and FER+'s votes.")],
    groups: Annotated[
        Path | None,
        typer.Option(
            help="CSV with the column name, rows of FER2013 in five digits, and columns of groups; "
            "without it, pictures' conditions in thirds."
        ),
    ] = None,
    output: Annotated[
        str | None, typer.Option("--json", help="File for all figures, or - for the screen.")
    ] = None,
    precision: Annotated[str, typer.Option(help="fp32 or int8.")] = DEFAULT_PRECISION,
    weights: Annotated[
        Path | None, typer.Option(help="Folder with weights, if not the shipped.")
    ] = None,
    minimum: Annotated[int, typer.Option(min=10, help="Faces a group needs for figures.")] = 30,
    threads: Annotated[int | None, typer.Option(min=1, help="All cores if not given.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of all chance.")] = 0,
    draws: Annotated[int, typer.Option(min=100, help="Of the bootstrap.")] = 1000,
) -> None:
    """Fit the last layer anew, balanced by group or not, and compare the gaps on PublicTest.

    Minutes, where `mien-lab train --groups` takes hours; see there for --balancing and --balance.
    """
    from mien_lab.evaluation.tradeoff import measure_tradeoff
    from mien_lab.evaluation.tradeoff_text import tradeoff_text

    figures = measure_tradeoff(
        data,
        groups,
        precision=precision,
        weights=weights,
        minimum=minimum,
        threads=threads,
        seed=seed,
        draws=draws,
    )
    write_summary(figures, tradeoff_text(figures), output)
