"""Options that several commands share, and the configuration that they select."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from mien.pipeline.build import EDGE, Config

__all__ = ["Edge", "MinFace", "SearchSize", "Threads", "base_config", "path_option"]

Edge = Annotated[
    bool,
    typer.Option(
        "--edge", help="For small boards: int8, one thread for the networks, search at 320 px."
    ),
]
MinFace = Annotated[float, typer.Option(min=0, help="Ignore faces below this size in px.")]
SearchSize = Annotated[
    int | None,
    typer.Option(
        min=64,
        help="Longest side in px at which faces are searched; by default 1280 for pictures, "
        "640 live and mostly 640 for films.",
    ),
]
Threads = Annotated[
    int | None, typer.Option(min=1, help="Number of threads of the networks; all cores by default.")
]


def path_option(description: str, metavar: str = "FILE") -> Any:
    """An option that takes a path, which may not be empty."""
    return typer.Option(metavar=metavar, parser=_named_path, help=description)


def base_config(
    *, edge: bool, threads: int | None, search_size: int | None, min_face: float
) -> Config:
    """The default or `EDGE` configuration with the shared options applied.

    Args:
        edge: whether to start from `EDGE`.
        threads: as in `Config`; None keeps the value of the preset.
        search_size: as in `Config`; None keeps the value of the preset.
        min_face: as in `Config`.

    Raises:
        InputError: if a value is out of range.
    """
    base = EDGE if edge else Config()
    return replace(
        base,
        threads=threads or base.threads,
        search_size=search_size or base.search_size,
        min_face=min_face,
    )


def _named_path(text: str) -> Path:
    # An empty path would mean the current folder.
    if not text:
        raise typer.BadParameter("it is empty; name a path")
    return Path(text)
