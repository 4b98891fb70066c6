"""`mien bench`: speed on this machine, compared with the peers that are installed."""

import os
from typing import Annotated, Any

import typer
from rich.table import Table

from mien.apps.cli.console import print_json, screen
from mien.apps.cli.peers import measure_peers
from mien.pipeline.benchmark import Measurement, benchmark
from mien.pipeline.video_benchmark import VideoFigures, benchmark_video
from mien.runtime.processor import describe_processor

__all__ = ["bench"]


def bench(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON instead of a table.")] = False,
    seconds: Annotated[float, typer.Option(min=0.05, help="Time per setting.")] = 1.0,
    peers: Annotated[bool, typer.Option(help="Measure installed peers too.")] = True,
    video: Annotated[
        bool, typer.Option("--video", help="Films and live pictures at 1280x720 instead.")
    ] = False,
    minutes: Annotated[
        float,
        typer.Option(
            min=0.01, max=10_000, help="Length of looped film to measure memory on, with --video."
        ),
    ] = 2.0,
) -> None:
    """Measure detector, network and pipeline at 640x480 in milliseconds: median and spread."""
    if video:
        _show_video(benchmark_video(minutes=minutes), as_json)
        return
    rows = list(benchmark(seconds=seconds))
    if peers:
        rows += measure_peers(seconds)
    if as_json:
        print_json(_machine() | {"measurements": [row.to_dict() for row in rows]})
    else:
        screen().print(_table(rows))


def _machine() -> dict[str, Any]:
    return {"processor": describe_processor(), "cores": os.cpu_count()}


def _title(measured: str) -> str:
    return "{}, on {processor}, {cores} cores".format(measured, **_machine())


def _show_video(figures: VideoFigures, as_json: bool) -> None:
    if as_json:
        print_json(_machine() | {"video": figures.to_dict()})
        return
    table = Table(title=_title("1280x720 at 25 frames per second"), title_justify="left", box=None)
    table.add_column("figure")
    table.add_column("value", justify="right")
    for name, value in figures.to_dict().items():
        table.add_row(name, "unknown" if value is None else f"{value:g}")
    screen().print(table)


def _table(rows: list[Measurement]) -> Table:
    table = Table(title=_title("640x480, milliseconds per call"), title_justify="left", box=None)
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
