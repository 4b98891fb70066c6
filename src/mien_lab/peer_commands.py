"""`mien-lab peers`: mien and other expression readers, measured in one run."""

from pathlib import Path
from typing import Annotated, Any

import cv2
import typer

from mien import __version__
from mien.pipeline.build import DEFAULT_PRECISION
from mien.report.files import make_folder
from mien.runtime.artifact import read_cards, weights_folder
from mien_lab.evaluation.crops import read_crops
from mien_lab.evaluation.peers import evaluate_peers
from mien_lab.evaluation.photographs import evaluate_photographs
from mien_lab.evaluation.tables import aligned
from mien_lab.output import (
    Output,
    Precision,
    Weights,
    name_failures,
    require_writable,
    write_figures,
)

__all__ = ["app"]

app = typer.Typer(help="Other expression readers, for comparison.")

FINDERS = ("detector", "refiner", "landmarks")
"""mien's networks whose faces are also given to peers."""


@app.callback(invoke_without_command=True)
def peers(
    data: Annotated[Path, typer.Option("--data", help="Folder with fer2013/ and wild/.")],
    output: Output = None,
    precision: Precision = DEFAULT_PRECISION,
    weights: Weights = None,
    predictions: Annotated[
        Path | None,
        typer.Option(help="Folder to write predictions to, for `mien-lab evaluate --against`."),
    ] = None,
) -> None:
    """Measure mien and every installed peer on FER2013, FER+ and whole photographs.

    mien_lab.evaluation.peer_packages says how to install peers.
    """
    require_writable(output)
    if predictions is not None:
        make_folder(predictions)
    crops = read_crops(data / "fer2013", precision=precision, weights=weights).figures
    wild = evaluate_photographs(data / "wild", precision=precision, weights=weights)
    name_failures(wild["failures"])
    figures = {
        "mien": {"version": __version__, **crops, "wild": {"own_detector": wild}},
        "peers": evaluate_peers(data, weights=weights, predictions=predictions),
        "weights": {
            card.file: card.sha256
            for card in read_cards(weights_folder(weights))
            if card.name in FINDERS
        },
        "opencv": cv2.__version__,
    }
    write_figures(figures, output, _table(figures))


def _table(figures: dict[str, Any]) -> str:
    """Accuracy, macro F1 and macro recall; for photographs also the number of missed faces."""
    readers = {"mien": figures["mien"], **figures["peers"]}
    counts = [
        figures["mien"]["fer2013"]["n"],
        figures["mien"]["ferplus"]["n"],
        figures["mien"]["wild"]["own_detector"]["n"],
    ]
    titles = ["FER2013", "FER+", "photographs", "with mien's faces", "with mien's crops"]
    sizes = [f"n={count}" for count in (*counts, counts[-1], counts[-1])]
    rows = [["", *titles], ["", *sizes]]
    for name, values in readers.items():
        wild = values["wild"]
        places = ("own_detector", "mien_detector", "mien_crop")
        rows.append(
            [
                name,
                *(_crop_cell(values[protocol]) for protocol in ("fer2013", "ferplus")),
                *(_photograph_cell(wild.get(place)) for place in places),
            ]
        )
    return aligned(rows)


def _crop_cell(figures: dict[str, Any]) -> str:
    chosen = f" {figures['input']}" if "input" in figures else ""
    return f"{_three(figures)}{chosen}"


def _photograph_cell(figures: dict[str, Any] | None) -> str:
    if figures is None:
        return "-"
    return f"{_three(figures)}, {figures['missed']} missed"


def _three(figures: dict[str, Any]) -> str:
    return " / ".join(f"{figures[name]:.1%}" for name in ("accuracy", "macro_f1", "macro_recall"))
