"""`mien-lab temporal`: train, export, evaluate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.core.errors import InputError
from mien.runtime.artifact import load_artifact, weights_folder
from mien_lab.output import Output, Rate, Resume, Weights, require_writable, write_figures

if TYPE_CHECKING:
    from mien_lab.data.recordings import RecordingLayout
    from mien_lab.data.sequences import Sequences
    from mien_lab.training.temporal import TemporalConfig

app = typer.Typer(help="The recurrent network.", no_args_is_help=True)

Data = Annotated[Path, typer.Option(help="Folder of FER2013.")]
RunDir = Annotated[Path, typer.Option("--run", help="Folder of the run.")]
Recordings = Annotated[
    Path | None, typer.Option(help="Folder with CREMA-D, RAVDESS, CK+, AFEW or DFEW.")
]
LayoutName = Annotated[str, typer.Option(help="crema-d, ravdess, ck+, afew or dfew.")]


@app.command()
def train(
    data: Data,
    run: RunDir,
    *,
    clips: Annotated[int, typer.Option(min=1, help="Number of clips made from stills.")] = 4000,
    epochs: Annotated[int, typer.Option(min=1)] = 15,
    rate: Rate = 3e-3,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    recordings: Recordings = None,
    layout: LayoutName = "crema-d",
    weights: Weights = None,
    resume: Resume = False,
) -> None:
    """Make clips, embed them with the expression network, and train on the embeddings.

    Embeddings are cached in the folder of the run, so that an interrupted run can continue.
    """
    import torch

    from mien_lab.training.temporal import TemporalConfig, train_temporal

    torch.set_num_threads(1)
    config = TemporalConfig(
        data,
        weights=weights,
        recordings=recordings,
        layout=_layout(layout),
        clips=clips,
        epochs=epochs,
        rate=rate,
        seed=seed,
    )
    typer.echo(train_temporal(config, run, resume=resume))


@app.command()
def export(
    data: Data,
    run: RunDir,
    *,
    out: Annotated[
        Path | None, typer.Option(help="Folder for weights; the package's by default.")
    ] = None,
    clips: Annotated[
        int, typer.Option(min=2, help="Number of PublicTest clips to calibrate on.")
    ] = 960,
    weights: Weights = None,
    version: str = "1",
) -> None:
    """Write temporal.onnx and its card, with gains and calibration fitted on PublicTest clips."""
    from mien_lab.training.run import read_checkpoint
    from mien_lab.training.temporal import TemporalConfig, still_clips
    from mien_lab.training.temporal_export import (
        calibrate_temporal,
        choose_gain_shift,
        export_temporal,
    )

    folder = weights_folder(out)
    read_checkpoint(run / "last.pt")
    checked = still_clips(TemporalConfig(data, weights), run, "PublicTest", clips)
    shift = choose_gain_shift(run / "last.pt", checked)
    export_temporal(run / "last.pt", folder, version=version, gain_shift=shift)
    typer.echo(json.dumps({"gain_shift": shift} | calibrate_temporal(folder, checked)))


@app.command()
def evaluate(
    data: Data,
    run: RunDir,
    *,
    clips: Annotated[
        int, typer.Option(min=2, help="Number of clips; half clean, half poor.")
    ] = 240,
    split: Annotated[str, typer.Option(help="PublicTest or PrivateTest.")] = "PrivateTest",
    recordings: Recordings = None,
    layout: LayoutName = "crema-d",
    weights: Annotated[Path | None, typer.Option(help="Folder with temporal.onnx.")] = None,
    expression: Annotated[
        Path | None, typer.Option(help="Folder with the expression network.")
    ] = None,
    output: Output = None,
) -> None:
    """Compare the recurrent network with single frames and moving averages.

    The clips are made from stills of the given split, or are the held-out recordings of
    --recordings. They are cached in the folder of the run.
    """
    from mien_lab.training.temporal import TemporalConfig

    require_writable(output)
    config = TemporalConfig(data, expression, recordings=recordings, layout=_layout(layout))
    write_figures(measure(config, run, clips=clips, split=split, weights=weights), output)


def measure(
    config: TemporalConfig, run: Path, *, clips: int, split: str, weights: Path | None = None
) -> dict[str, Any]:
    """Figures of clean, poor and all clips from stills of a split, or of held-out recordings.

    Those of all clips use a single moving average, since the conditions of a video are not known
    in advance.

    Args:
        config: source of the clips, and the expression network.
        run: folder in which the clips are cached.
        clips: number of clips from stills, half of them clean.
        split: split of FER2013.
        weights: folder with `temporal.onnx`; the shipped one if None.
    """
    from mien.models.temporal import TemporalReader
    from mien.runtime.session import open_session
    from mien_lab.evaluation.temporal import evaluate_temporal
    from mien_lab.training.temporal import recorded_clips, still_clips

    session = open_session("temporal", threads=1, folder=weights)
    card = load_artifact("expression", config.precision, config.weights).card
    sets: dict[str, Sequences] = {}
    subjects: list[str] = []
    if config.recordings is None:
        found = still_clips(config, run, split, clips)
        clean, poor = (found.some(slice(first, None, 2)) for first in (0, 1))
        sets = {"clean": clean, "poor": poor, "all": found}
    else:
        filmed, recordings = recorded_clips(config, run, checking=True)
        sets = {str(config.layout): filmed}
        subjects = [recording.subject for recording in recordings]
    return {
        name: evaluate_temporal(
            TemporalReader(session),
            some,
            card.number("temperature"),
            session.card.number("conformal_quantile"),
            subjects,
        )
        for name, some in sets.items()
    }


def _layout(name: str) -> RecordingLayout:
    from mien_lab.data.recordings import RecordingLayout

    try:
        return RecordingLayout(name.lower())
    except ValueError:
        known = ", ".join(RecordingLayout)
        raise InputError(f"there is no layout {name!r}; choose one of: {known}") from None
