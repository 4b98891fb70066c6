"""``mien-lab figures``: measure what ships, and write the figures into the documents."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from mien_lab.evaluation.documents import fill

__all__ = ["DOCUMENTS", "FIGURES", "app"]

app = typer.Typer(help="The figures of what ships.", no_args_is_help=True)

FIGURES = Path("docs/figures.json")
DOCUMENTS = (Path("README.md"), Path("MODEL_CARD.md"))

TEMPORAL_CLIPS = 480
"""Half of them clean, from each split: twice what `mien-lab temporal evaluate` takes by itself."""

Out = Annotated[Path, typer.Option("--json", help="File of the figures.")]


@app.command()
def measure(
    data: Annotated[Path, typer.Option("--data", help="Folder with fer2013, faces, scenes, wild.")],
    out: Out = FIGURES,
    peers: Annotated[
        Path | None, typer.Option(help="What `mien-lab peers --json FILE` wrote.")
    ] = None,
) -> None:
    """Measure the shipped weights on everything; about a quarter of an hour."""
    from mien_lab.evaluation.shipped import measure_shipped
    from mien_lab.temporal_commands import measure as measure_temporal
    from mien_lab.training.temporal import TemporalConfig

    others = {} if peers is None else json.loads(peers.read_text(encoding="utf-8"))["peers"]
    figures = measure_shipped(data, peers=others)
    with TemporaryDirectory() as clips:
        config = TemporalConfig(data / "fer2013")
        figures["temporal"] = {
            split: measure_temporal(config, Path(clips), clips=TEMPORAL_CLIPS, split=split)
            for split in ("PrivateTest", "PublicTest")
        }
    out.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


@app.command()
def write(figures: Out = FIGURES) -> None:
    """Write the figures into README.md and MODEL_CARD.md, between their markers."""
    values = json.loads(figures.read_text(encoding="utf-8"))
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        document.write_text(fill(text, values), encoding="utf-8")
