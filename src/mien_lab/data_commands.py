"""`mien-lab data`: inspect, clean, split and document labelled collections."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien_lab.output import Output, Weights, name_failures, refuse_existing, write_figures

if TYPE_CHECKING:
    from mien_lab.data.inspection import Inspection
    from mien_lab.data.likeness import Likeness
    from mien_lab.data.samples import Sample

app = typer.Typer(help="Collections of labelled faces.", no_args_is_help=True)

Data = Annotated[Path, typer.Option(help="Folder of the collection, or a manifest.")]
LayoutName = Annotated[
    str, typer.Option(help="Layout of the collection; auto infers it from the files.")
]
Whole = Annotated[
    bool | None,
    typer.Option("--whole/--crops", help="Pictures are whole photographs, or crops of one face."),
]
OneSplit = Annotated[str | None, typer.Option("--split", help="Split to read; all by default.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace files that exist.")]


@app.command()
def inspect(
    data: Data,
    *,
    layout: LayoutName = "auto",
    split: OneSplit = None,
    whole: Whole = None,
    findings: Annotated[
        Path | None, typer.Option(help="CSV to write: name, reason, detail of each finding.")
    ] = None,
    output: Output = None,
    weights: Weights = None,
    overwrite: Overwrite = False,
) -> None:
    """Report class balance, copies, pictures without a face and likely label errors.

    Label errors are found by confident learning; on pictures that the network was trained on, such
    as FER2013's Training, it finds fewer. No file of the collection is changed.
    """
    from mien_lab.data.findings import write_findings

    refuse_existing(findings, output, overwrite=overwrite)
    _, inspection = _inspected(_read(data, layout, split, whole), weights)
    if findings is not None:
        write_findings(findings, inspection.findings)
    write_figures(inspection.to_dict(), output)


@app.command()
def clean(
    data: Data,
    out: Annotated[Path, typer.Option(help="Manifest of the kept samples to write.")],
    drops: Annotated[
        Path, typer.Option(help="CSV to write: name, reason, detail of dropped samples.")
    ],
    *,
    layout: LayoutName = "auto",
    split: OneSplit = None,
    whole: Whole = None,
    only: Annotated[
        list[str] | None, typer.Option(help="Split to drop from, repeatable; all by default.")
    ] = None,
    also: Annotated[
        list[str] | None,
        typer.Option(help="Also drop for this finding, such as 'likely label error'; repeatable."),
    ] = None,
    keep: Annotated[
        list[str] | None, typer.Option(help="Do not drop for this finding; repeatable.")
    ] = None,
    weights: Weights = None,
    overwrite: Overwrite = False,
) -> None:
    """Write a manifest of samples to keep, and a list of dropped ones; pictures are not changed.

    Dropped are pictures that cannot be read, have no label, are blank or show no face, and all but
    one of each set of copies; a copy in the test split is kept. Possible copies, which may be
    other photographs of the same person, are kept unless --also 'perhaps a copy' is given.
    """
    from mien_lab.data.curation import (
        DEFAULT_REASONS,
        curate,
        require_names,
        write_manifest,
    )
    from mien_lab.data.findings import count_reasons, write_findings
    from mien_lab.data.samples import require_splits

    reasons = (DEFAULT_REASONS | _reasons(also)) - _reasons(keep)
    refuse_existing(out, drops, overwrite=overwrite)
    samples = _read(data, layout, split, whole)
    require_splits(samples, only or ())
    require_names(out, samples)
    likeness, inspection = _inspected(samples, weights)
    found = curate(samples, inspection.findings, likeness, reasons=reasons, splits=only)
    write_findings(drops, found.drops)
    write_manifest(out, found.kept)
    write_figures({"kept": len(found.kept), "dropped": count_reasons(found.drops)})


@app.command("split")
def split_command(
    data: Data,
    out: Annotated[Path, typer.Option(help="Manifest to write.")],
    *,
    layout: LayoutName = "auto",
    split: OneSplit = None,
    whole: Whole = None,
    share: Annotated[
        list[str] | None, typer.Option(help="Name and share of a split, such as train=0.8; repeat.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1)] = 0,
    weights: Weights = None,
    overwrite: Overwrite = False,
) -> None:
    """Make new splits, such that no subject and no photograph is in two of them.

    Pictures that cannot be read are named on stderr and kept; mien-lab data clean drops them.
    """
    from mien_lab.data.curation import require_names, write_manifest
    from mien_lab.data.inspection import balance
    from mien_lab.data.likeness import find_likeness
    from mien_lab.data.measurements import measure
    from mien_lab.data.splitting import parse_shares, require_enough, split_samples

    shares = parse_shares(share or ["train=0.8", "val=0.1", "test=0.1"])
    refuse_existing(out, overwrite=overwrite)
    samples = _read(data, layout, split, whole)
    require_names(out, samples)
    require_enough(samples, shares)
    measured = measure(samples, weights=weights)
    copies = find_likeness(measured).edges()
    divided = split_samples(samples, shares, seed=seed, copies=copies)
    write_manifest(out, divided)
    failures = measured.failures
    figures = {
        "seed": seed,
        "balance": balance(divided),
        "without_subject": sum(not sample.subject for sample in samples),
        "unreadable": len(failures),
    }
    write_figures(figures)
    name_failures({"name": samples[row].name, "reason": why} for row, why in failures.items())


@app.command()
def card(
    data: Data,
    out: Annotated[Path, typer.Option(help="Markdown file to write.")],
    title: Annotated[str, typer.Option(help="Name of the collection.")],
    *,
    layout: LayoutName = "auto",
    whole: Whole = None,
    licence: Annotated[str, typer.Option(help="Preferably an SPDX identifier.")] = "",
    purpose: Annotated[str, typer.Option(help="What it was made for.")] = "",
    source: Annotated[str, typer.Option(help="Where the pictures come from.")] = "",
    people: Annotated[str, typer.Option(help="Who is shown, and whether they consented.")] = "",
    annotation: Annotated[str, typer.Option(help="Who labelled, and how.")] = "",
    contact: Annotated[str, typer.Option(help="Who maintains it.")] = "",
    limit: Annotated[list[str] | None, typer.Option(help="A known limit; repeatable.")] = None,
    drops: Annotated[
        Path | None, typer.Option(help="CSV of dropped samples from mien-lab data clean.")
    ] = None,
    weights: Weights = None,
    overwrite: Overwrite = False,
) -> None:
    """Write a dataset card: counts, balance, splits, copies, licence and limits."""
    from mien.report.files import write_text
    from mien_lab.data.card import CardText, dataset_card
    from mien_lab.data.findings import count_reasons, read_findings

    refuse_existing(out, overwrite=overwrite)
    left = count_reasons(read_findings(drops)) if drops is not None else {}
    text = CardText(title, licence, purpose, source, people, annotation, contact, limit or ())
    _, inspection = _inspected(_read(data, layout, None, whole), weights)
    page = dataset_card(text, inspection, dropped=left)
    write_text(out, page)


def _read(data: Path, layout: str, split: str | None, whole: bool | None) -> list[Sample]:
    from mien_lab.data.collections import read_collection

    return read_collection(data, layout, split, whole=whole, copies=True)


def _inspected(samples: list[Sample], weights: Path | None) -> tuple[Likeness, Inspection]:
    from mien_lab.data.inspection import inspect
    from mien_lab.data.likeness import find_likeness
    from mien_lab.data.measurements import measure

    measured = measure(samples, weights=weights)
    likeness = find_likeness(measured)
    return likeness, inspect(samples, measured, likeness)


def _reasons(names: list[str] | None) -> frozenset[Any]:
    from mien_lab.data.findings import parse_reason

    return frozenset(parse_reason(name) for name in names or ())
