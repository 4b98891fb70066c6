"""The command line of the lab: clean, train, export, and what the other modules add."""

import logging
import os
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from mien.core.errors import InputError, MienError
from mien.pipeline.build import DEFAULT_PRECISION, Config, build
from mien.runtime.artifact import weights_folder
from mien_lab import (
    audit_commands,
    data_commands,
    detector_commands,
    evaluation_commands,
    figure_commands,
    peer_commands,
    temporal_commands,
    tracking_commands,
)
from mien_lab.data.cleaning import clean, write_drops
from mien_lab.data.fer2013 import load_fer
from mien_lab.evaluation.limits import measure_limits
from mien_lab.output import Output, Precision, Rate, Weights, require_writable, write_figures

__all__ = ["app", "main"]

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.add_typer(data_commands.app, name="data", help="Collections of labelled faces.")
app.command("evaluate")(evaluation_commands.evaluate)
app.add_typer(detector_commands.app, name="detector", help="The face detector.")
app.add_typer(figure_commands.app, name="figures", help="The figures of what ships.")
app.add_typer(peer_commands.app, name="peers", help="Other people's software, measured beside.")
app.add_typer(tracking_commands.app, name="tracking", help="The tracker.")
app.add_typer(temporal_commands.app, name="temporal", help="The recurrent network.")
app.command()(audit_commands.robustness)
app.command()(audit_commands.audit)
app.command()(audit_commands.tradeoff)

Data = Annotated[Path, typer.Option("--data", help="Folder with the data.")]


@app.command()
def train(
    data: Data,
    run: Annotated[Path, typer.Option(help="Folder of the run.")],
    faces: Annotated[Path | None, typer.Option(help="Labelled photographs besides.")] = None,
    epochs: Annotated[int, typer.Option(min=1)] = 50,
    rate: Rate | None = None,
    shape: Annotated[str, typer.Option(help="Of the network: wide or deep.")] = "wide",
    start: Annotated[Path | None, typer.Option(help="Folder of a run to go on from.")] = None,
    groups: Annotated[
        Path | None, typer.Option(help="CSV of name and group: balance faces so that groups agree.")
    ] = None,
    balance: Annotated[float, typer.Option(help="Strength of that balancing, 0 to 1.")] = 1.0,
    balancing: Annotated[
        str, typer.Option(help="weights: faces count more or less; sampling: come more or less.")
    ] = "weights",
    fold: Annotated[
        int | None, typer.Option(min=0, help="Leave out this part of the faces, to teach them.")
    ] = None,
    folds: Annotated[int, typer.Option(min=2, help="How many parts there are.")] = 3,
    teachers: Annotated[
        Path | None, typer.Option(help="What `mien-lab teach` wrote, to learn from besides.")
    ] = None,
    tutor: Annotated[
        Path | None, typer.Option(help="Folder of weights, exported with --bare, to distil.")
    ] = None,
    batch: Annotated[int, typer.Option(min=1, help="Faces in a step.")] = 128,
    part: Annotated[
        int, typer.Option(min=1, help="Of them normalised together; processes share the parts.")
    ] = 64,
    seed: int = 0,
    threads: Annotated[int | None, typer.Option(min=1, help="All cores if not given.")] = None,
    resume: Annotated[bool, typer.Option(help="Go on from the last checkpoint.")] = False,
) -> None:
    """Train the expression network; several processes together if torchrun starts them."""
    import torch

    from mien_lab.training.expression import train_expression
    from mien_lab.training.expression_config import ExpressionConfig

    beside = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    torch.set_num_threads(threads or max((os.cpu_count() or 1) // beside, 1))
    config = ExpressionConfig(
        data,
        faces,
        epochs=epochs,
        batch=batch,
        part=part,
        shape=shape,
        start=start,
        groups=groups,
        balance=balance,
        balancing=balancing,
        fold=fold,
        folds=folds,
        teachers=teachers,
        tutor=tutor,
        seed=seed,
    )
    if start is not None:
        # What the network can do is not to be forgotten in the first epochs.
        config = replace(config, rate=0.05, warmup_epochs=1.0, sizes=((0.7, 40), (1.0, 48)))
    if rate is not None:
        config = replace(config, rate=rate)
    train_expression(config, run, resume=resume)


@app.command("teach")
def teach_command(
    data: Data,
    run: Annotated[list[Path], typer.Option(help="Folder of the run of one fold; give each.")],
    out: Annotated[Path, typer.Option(help="File to write, .npz.")],
) -> None:
    """Write what the networks of all folds say of the faces they were not trained on."""
    from mien_lab.training.teachers import teach, write_teaching

    require_writable(out)
    write_teaching(out, teach(data, run))


@app.command()
def export(
    data: Data,
    run: Annotated[list[Path], typer.Option(help="Folder of a run; those of several are merged.")],
    out: Annotated[Path | None, typer.Option(help="Folder for weights; the package's own.")] = None,
    version: str = "1",
    bare: Annotated[
        bool, typer.Option(help="Both heads as they were trained: a tutor, not to be served.")
    ] = False,
) -> None:
    """Export runs to one ONNX network in fp32 and int8, checked, and calibrated on PublicTest."""
    from mien_lab.training.expression_export import export_expression

    if bare and out is None:
        raise InputError("weights with bare heads are not for the package; give a folder by --out")
    export_expression(run, data, weights_folder(out), version=version, bare=bare)


@app.command()
def unpack(
    data: Data,
    out: Annotated[Path, typer.Option(help="Folder for the runs.")],
    weights: Weights = None,
) -> None:
    """Write the networks that exported weights were merged from as runs, to train on from."""
    from mien_lab.training.unpacking import unpack_expression

    for run in unpack_expression(data, out, weights=weights):
        typer.echo(run)


@app.command("clean")
def clean_command(
    data: Data,
    output: Output = None,
    drops: Annotated[
        Path | None, typer.Option(help="CSV to write: each dropped row with its reason.")
    ] = None,
) -> None:
    """Say how many rows of FER2013 are not trained on, and why; with --drops, which."""
    require_writable(output, drops)
    fer = load_fer(data)
    cleaning = clean(fer)
    if drops is not None:
        write_drops(drops, cleaning)
    figures = {"kept": len(cleaning.rows), "dropped": cleaning.counts()}
    copied = Counter(fer.split[cleaning.copied].tolist())
    write_figures(figures | {"test_rows_copied": dict(sorted(copied.items()))}, output)


@app.command("copies")
def copies_command(
    data: Data,
    out: Annotated[Path, typer.Option(help="CSV to write.")],
    weights: Weights = None,
) -> None:
    """Search FER2013 for test photographs that were framed anew in a part before them."""
    from mien_lab.data.cleaning import find_reframed, write_copies

    require_writable(out)
    classifier = build(Config(weights=weights)).classifier
    fer = load_fer(data)
    pairs, correlations = find_reframed(fer, classifier)
    write_copies(out, pairs, correlations)
    rows, tests = (sorted(set(pairs[:, side].tolist())) for side in (0, 1))
    write_figures({"rows": Counter(fer.split[rows].tolist()), "test_rows": len(tests)}, "-")


@app.command()
def limits(
    data: Data,
    output: Output = None,
    precision: Precision = DEFAULT_PRECISION,
    weights: Weights = None,
) -> None:
    """Measure accuracy against size, blur, light and turn of the face."""
    require_writable(output)
    write_figures(measure_limits(data, precision=precision, weights=weights), output)


def main() -> None:
    """Run the command line; errors are one sentence on stderr."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    try:
        app()
    except (MienError, OSError, FloatingPointError) as error:
        sys.exit(f"mien-lab: {error}")
    except ModuleNotFoundError as error:
        if (error.name or "mien").partition(".")[0] in ("mien", "mien_lab"):
            raise
        sys.exit(
            f"mien-lab: this command needs {error.name}, which is not installed; "
            "run pip install '.[lab]' in the folder of mien's source"
        )
