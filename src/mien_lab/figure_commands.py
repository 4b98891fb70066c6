"""`mien-lab figures`: measure the shipped weights, and write the figures into the documents."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer

from mien.core.errors import InputError, cause_of
from mien.report.files import write_text
from mien_lab.evaluation.documents import fill, measured
from mien_lab.output import require_writable

__all__ = ["CARDS", "DOCUMENTS", "FIGURES", "app"]

app = typer.Typer(help="Figures of the shipped weights.", no_args_is_help=True)

FIGURES = Path("docs/figures.json")
DOCUMENTS = (Path("README.md"), Path("MODEL_CARD.md"))

CARDS = {
    "int8": Path("src/mien/weights/expression-int8.json"),
    "fp32": Path("src/mien/weights/expression.json"),
}
TEMPORAL_CLIPS = 960
"""Clips per split, half of them clean: four times the default of `mien-lab temporal evaluate`.

The accuracy on 240 clean clips has a standard error of 0.3 points.
"""

Out = Annotated[Path, typer.Option("--json", help="File of the figures.")]


@app.command()
def measure(
    data: Annotated[Path, typer.Option("--data", help="Folder with fer2013, faces, scenes, wild.")],
    out: Out = FIGURES,
) -> None:
    """Measure the shipped weights; takes about half an hour.

    Figures from other commands are added with `add`. Those added before are kept if they belong to
    the same weights.
    """
    from mien_lab.evaluation.shipped import kept, measure_shipped
    from mien_lab.temporal_commands import measure as measure_temporal
    from mien_lab.training.temporal import TemporalConfig

    require_writable(out)
    before = _read(out) if out.exists() else {}
    figures = measure_shipped(data)
    with TemporaryDirectory() as clips:
        config = TemporalConfig(data / "fer2013")
        figures["temporal"] = {
            split: measure_temporal(config, Path(clips), clips=TEMPORAL_CLIPS, split=split)
            for split in ("PrivateTest", "PublicTest")
        }
    figures = kept(figures, before)
    write_text(out, json.dumps(figures, indent=1) + "\n")


@app.command()
def add(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Files written with --json by `mien-lab peers|robustness|audit|tradeoff|tracking "
            "evaluate` and `mien bench` (with and without --video)."
        ),
    ],
    out: Out = FIGURES,
) -> None:
    """Add figures of other commands; figures of other weights or faces are refused."""
    from mien_lab.evaluation.shipped import added

    figures = _read(out)
    for file in files:
        figures = added(figures, _read(file), file.name)
    write_text(out, json.dumps(figures, indent=1) + "\n")


@app.command()
def write(figures: Out = FIGURES) -> None:
    """Write the figures into the documents and into the expression network's cards."""
    values = _read(figures)
    texts = {}
    for precision, name in CARDS.items():
        card = _read(name)
        card["extra"]["measured"] = measured(values, precision)
        texts[name] = json.dumps(card, indent=2) + "\n"
    for document in DOCUMENTS:
        texts[document] = fill(document.read_text(encoding="utf-8"), values)
    for path, text in texts.items():
        write_text(path, text)


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"{path} cannot be read: {cause_of(error)}; check the path, or run this in the folder "
            "of mien's source"
        ) from None
    except ValueError as error:
        raise InputError(f"{path} is not JSON ({error}); measure again") from None
    if not isinstance(found, dict):
        raise InputError(f"{path} holds no figures by name; name a file written by --json")
    return found
