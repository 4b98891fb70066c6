"""The command line of the lab: clean, train, export, and the subcommands of other modules."""

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
from mien_lab.output import (
    Output,
    Precision,
    Rate,
    Resume,
    Weights,
    require_writable,
    write_figures,
)

__all__ = ["app", "main"]

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.add_typer(data_commands.app, name="data", help="Collections of labelled faces.")
app.command("evaluate")(evaluation_commands.evaluate)
app.add_typer(detector_commands.app, name="detector", help="The face detector.")
app.add_typer(figure_commands.app, name="figures", help="Figures of the shipped weights.")
app.add_typer(peer_commands.app, name="peers", help="Other expression readers, for comparison.")
app.add_typer(tracking_commands.app, name="tracking", help="The tracker.")
app.add_typer(temporal_commands.app, name="temporal", help="The recurrent network.")
app.command()(audit_commands.robustness)
app.command()(audit_commands.audit)
app.command()(audit_commands.tradeoff)

Data = Annotated[Path, typer.Option("--data", help="Folder of FER2013 with fer2013new.csv.")]


@app.command()
def train(
    data: Data,
    run: Annotated[Path, typer.Option(help="Folder of the run.")],
    faces: Annotated[
        Path | None, typer.Option(help="Folder with additional labelled photographs.")
    ] = None,
    epochs: Annotated[int, typer.Option(min=1)] = 50,
    rate: Rate | None = None,
    shape: Annotated[str, typer.Option(help="Architecture: wide or deep.")] = "wide",
    start: Annotated[
        Path | None, typer.Option(help="Folder of a run whose weights to start from.")
    ] = None,
    groups: Annotated[
        Path | None,
        typer.Option(help="CSV of name and group: make labels independent of groups."),
    ] = None,
    balance: Annotated[float, typer.Option(help="Strength of the balancing, 0 to 1.")] = 1.0,
    balancing: Annotated[
        str, typer.Option(help="Balance by loss weights (weights) or resampling (sampling).")
    ] = "weights",
    fold: Annotated[
        int | None,
        typer.Option(min=0, help="Hold out this fold of the faces, for `mien-lab teach`."),
    ] = None,
    folds: Annotated[int, typer.Option(min=2, help="Number of folds.")] = 3,
    teachers: Annotated[
        Path | None, typer.Option(help="Soft labels written by `mien-lab teach`.")
    ] = None,
    tutor: Annotated[
        Path | None, typer.Option(help="Folder of weights to distil, exported with --bare.")
    ] = None,
    batch: Annotated[int, typer.Option(min=1, help="Faces per step.")] = 128,
    part: Annotated[
        int,
        typer.Option(
            min=1,
            help="Faces per ghost batch, normalised together; processes share the ghost batches.",
        ),
    ] = 64,
    seed: int = 0,
    threads: Annotated[int | None, typer.Option(min=1, help="All cores by default.")] = None,
    resume: Resume = False,
) -> None:
    """Train the expression network, in several processes if started by torchrun."""
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
        # A lower rate, so that the first epochs do not destroy the learned weights.
        config = replace(config, rate=0.05, warmup_epochs=1.0, sizes=((0.7, 40), (1.0, 48)))
    if rate is not None:
        config = replace(config, rate=rate)
    train_expression(config, run, resume=resume)


@app.command("teach")
def teach_command(
    data: Data,
    run: Annotated[
        list[Path], typer.Option(help="Folder of the run of one fold; repeat for each.")
    ],
    out: Annotated[Path, typer.Option(help="File to write, .npz.")],
) -> None:
    """Write out-of-fold predictions of the training faces, as soft labels."""
    from mien_lab.training.teachers import teach, write_teaching

    require_writable(out)
    write_teaching(out, teach(data, run))


@app.command()
def export(
    data: Data,
    run: Annotated[list[Path], typer.Option(help="Folder of a run; repeat to merge several.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder for weights; the package's by default.")
    ] = None,
    version: str = "1",
    bare: Annotated[
        bool, typer.Option(help="Keep the trained heads: for distillation, not for the pipeline.")
    ] = False,
) -> None:
    """Export runs as one ONNX network in fp32 and int8, calibrated on PublicTest."""
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
    """Write the networks inside exported weights as runs, to continue training."""
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
    """Count the rows of FER2013 that are not trained on, by reason; --drops lists them."""
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
    """Find reframed copies of FER2013's test photographs in its training and validation data."""
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
    """Measure accuracy against size, blur, light and head turn."""
    require_writable(output)
    write_figures(measure_limits(data, precision=precision, weights=weights), output)


def main() -> None:
    """Run the command line; errors are printed to stderr as one sentence."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    try:
        app()
    except (MienError, OSError, FloatingPointError) as error:
        sys.exit(f"mien-lab: {error}")
