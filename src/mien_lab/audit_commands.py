"""`mien-lab robustness`, `audit` and `tradeoff`: robustness and fairness."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from mien.core.errors import InputError
from mien.pipeline.build import DEFAULT_PRECISION
from mien.report.files import write_text
from mien.runtime.artifact import load_artifact
from mien_lab.data.samples import Sample, require_labelled
from mien_lab.output import (
    Output,
    Precision,
    Weights,
    name_failures,
    require_writable,
    write_figures,
)

__all__ = ["audit", "robustness", "tradeoff"]

_CAUTION = "The thirds of a condition may differ in people and expressions."
_SEVEN_LABELS = (
    "The labels are FER2013's own, but the eight-class predictions that are measured follow FER+'s "
    "labels: part of the errors and of the overconfidence is the difference between the two. With "
    "FER+'s fer2013new.csv in the folder, --layout fer+ uses its labels; `mien-lab evaluate` "
    "measures FER2013's seven classes with the network's head for them."
)

Data = Annotated[Path, typer.Option("--data", help="Folder of a labelled collection.")]
LayoutName = Annotated[
    str, typer.Option("--layout", help="Layout of the collection; inferred by default.")
]
Split = Annotated[str | None, typer.Option(help="Split to measure on; the test split by default.")]
Limit = Annotated[
    int | None, typer.Option(min=1, help="Maximum number of samples, drawn at random.")
]
Seed = Annotated[int, typer.Option(min=0, help="Random seed.")]
Draws = Annotated[int, typer.Option(min=100, help="Number of bootstrap resamples.")]


def robustness(
    data: Data,
    layout: LayoutName = "auto",
    split: Split = None,
    output: Output = None,
    report: Annotated[Path | None, typer.Option(help="File for the curves, .svg.")] = None,
    photographs: Annotated[
        Path | None,
        typer.Option(help="Folder with labels.csv and images/: corrupt whole photographs too."),
    ] = None,
    precision: Precision = DEFAULT_PRECISION,
    weights: Weights = None,
    limit: Limit = None,
    seed: Seed = 0,
    draws: Draws = 1000,
) -> None:
    """Measure accuracy on corrupted faces, of mien and of installed peers."""
    from mien_lab.evaluation.curves import curve_sheet
    from mien_lab.evaluation.face_crops import cut_faces
    from mien_lab.evaluation.photograph_robustness import measure_photographs
    from mien_lab.evaluation.robustness import measure_robustness
    from mien_lab.evaluation.tables import robustness_text

    if report is not None and report.suffix.lower() != ".svg":
        raise InputError(f"{report} must end in .svg; rename the file for the curves")
    require_writable(output, report)
    samples, figures = _samples(data, layout, split, limit, seed)
    faces = cut_faces(samples, precision=precision, weights=weights)
    if photographs is not None:
        figures["photographs"] = measure_photographs(
            photographs, precision=precision, weights=weights, seed=seed
        )
        name_failures(figures["photographs"]["failures"])
    figures |= measure_robustness(
        faces, precision=precision, weights=weights, seed=seed, draws=draws
    )
    name_failures(figures["failures"])
    if report is not None:
        write_text(report, curve_sheet(figures))
    write_figures(figures, output, robustness_text(figures))


def audit(
    data: Data,
    groups: Annotated[
        Path | None,
        typer.Option(
            help="CSV with the column name and columns of groups; by default terciles of image "
            "conditions."
        ),
    ] = None,
    layout: LayoutName = "auto",
    split: Split = None,
    output: Output = None,
    precision: Precision = DEFAULT_PRECISION,
    weights: Weights = None,
    minimum: Annotated[
        int,
        typer.Option(
            min=10,
            help="Minimum samples per group, from at least 8 people where subjects are known.",
        ),
    ] = 30,
    limit: Limit = None,
    seed: Seed = 0,
    draws: Draws = 1000,
) -> None:
    """Compare figures between groups of people, or between image conditions."""
    from mien_lab.evaluation import audit as auditing
    from mien_lab.evaluation.conditions import given_columns, measured_columns
    from mien_lab.evaluation.face_crops import cut_faces
    from mien_lab.evaluation.predictions import predict
    from mien_lab.evaluation.tables import audit_text

    require_writable(output)
    samples, source = _samples(data, layout, split, limit, seed)
    notes = source.pop("notes")
    given = given_columns(groups, [sample.name for sample in samples]) if groups else None
    predictions = predict(samples, precision=precision, weights=weights)
    row = {sample.name: index for index, sample in enumerate(samples)}
    places = [row[name] for name in predictions.names]
    if given is None:
        faces = cut_faces(samples, precision=precision, weights=weights)
        compared = measured_columns(faces, predictions.names, _CAUTION)
    else:
        values = {name: names[places] for name, names in given.values.items()}
        compared = replace(given, values=values)
    figures = auditing.audit(
        predictions,
        {name: tuple(names.tolist()) for name, names in compared.values.items()},
        subjects=[samples[place].subject for place in places],
        intersections=given is not None,
        minimum=minimum,
        seed=seed,
        draws=draws,
    )
    name_failures(figures["failures"])
    notes += compared.about["notes"]
    head = {"finding": figures["finding"], **compared.about, "notes": notes}
    card = load_artifact("expression", precision, weights).card
    figures = head | source | {"precision": precision, "sha256": card.sha256} | figures
    write_figures(figures, output, audit_text(figures))


def tradeoff(
    data: Annotated[Path, typer.Option("--data", help="Folder with FER2013 and FER+'s votes.")],
    groups: Annotated[
        Path | None,
        typer.Option(
            help="CSV with the column name (FER2013 rows in five digits) and columns of groups; by "
            "default terciles of image conditions."
        ),
    ] = None,
    output: Output = None,
    precision: Precision = DEFAULT_PRECISION,
    weights: Weights = None,
    minimum: Annotated[int, typer.Option(min=10, help="Minimum faces per group.")] = 30,
    threads: Annotated[int | None, typer.Option(min=1, help="All cores by default.")] = None,
    seed: Seed = 0,
    draws: Draws = 1000,
) -> None:
    """Refit the last layer with and without balancing by group; compare gaps on PublicTest.

    Takes minutes, where `mien-lab train --groups` takes hours. For the ways of balancing see
    --balancing and --balance there.
    """
    from mien_lab.evaluation.tradeoff import measure_tradeoff
    from mien_lab.evaluation.tradeoff_text import tradeoff_text

    require_writable(output)
    figures = measure_tradeoff(
        data,
        groups,
        precision=precision,
        weights=weights,
        minimum=minimum,
        threads=threads,
        seed=seed,
        draws=draws,
    )
    write_figures(figures, output, tradeoff_text(figures))


def _samples(
    data: Path, layout: str, split: str | None, limit: int | None, seed: int
) -> tuple[list[Sample], dict[str, Any]]:
    """The labelled samples to measure on, and a description of them."""
    import numpy as np

    from mien_lab.data.collections import Layout, find_layout, parse_layout, read_measured

    chosen = parse_layout(layout) or (find_layout(data) if data.exists() else None)
    if layout == "auto" and chosen == Layout.FER2013 and (data / "fer2013new.csv").is_file():
        # FER+ has mien's eight labels, with ten votes per picture.
        chosen = Layout.FERPLUS
    read, split = read_measured(data, chosen or layout, split)
    samples = require_labelled(read, data)
    if limit is not None and limit < len(samples):
        rows = np.random.default_rng(seed).permutation(len(samples))[:limit]
        samples = [samples[index] for index in np.sort(rows)]
    notes = [_SEVEN_LABELS] if chosen is Layout.FER2013 else []
    name = data.resolve().name
    return samples, {"data": name, "layout": str(chosen), "split": split, "notes": notes}
