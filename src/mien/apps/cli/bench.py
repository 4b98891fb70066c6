"""`mien bench`: how fast it is here, and beside the peers that are installed."""

import os
from typing import Annotated

import typer
from rich.table import Table

from mien.apps.cli.console import print_json, screen
from mien.apps.cli.peers import measure_peers
from mien.pipeline.benchmark import Measurement, benchmark

__all__ = ["bench"]


def bench(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON instead of a table.")] = False,
    seconds: Annotated[float, typer.Option(min=0.05, help="To spend on each setting.")] = 1.0,
    peers: Annotated[bool, typer.Option(help="Measure installed peers too.")] = True,
) -> None:
    """Measure detector, network and pipeline at 640x480 in milliseconds: median and spread."""
    rows = list(benchmark(seconds=seconds))
    if peers:
        rows += measure_peers(seconds)
    if as_json:
        print_json({"cores": os.cpu_count(), "measurements": [row.to_dict() for row in rows]})
    else:
        screen().print(_table(rows))


def _table(rows: list[Measurement]) -> Table:
    table = Table(title="640x480, milliseconds per call", title_justify="left", box=None)
    for column in ("part", "precision", "threads", "faces", "median", "10 %", "90 %", "per second"):
        table.add_column(column, justify="left" if column in ("part", "precision") else "right")
    for row in rows:
        table.add_row(
            row.part,
            row.precision,
            str(row.threads),
            str(row.faces) if row.faces else "",
            f"{row.median_ms:.1f}",
            f"{row.low_ms:.1f}",
            f"{row.high_ms:.1f}",
            f"{row.per_second:.0f}",
        )
    return table
