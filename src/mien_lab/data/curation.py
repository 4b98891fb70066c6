"""Selection of the samples of a collection to keep, with a reason for each dropped one."""

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from mien.core.errors import InputError
from mien.vision.sources import display_name
from mien_lab.data.findings import Finding, Reason
from mien_lab.data.inspection import COPIES, copy_finding, copy_reason, held_out_first
from mien_lab.data.likeness import Likeness
from mien_lab.data.samples import Sample, require_splits
from mien_lab.data.tables import write_table

__all__ = [
    "DEFAULT_REASONS",
    "Curation",
    "curate",
    "require_names",
    "write_manifest",
]

DEFAULT_REASONS = frozenset(
    {
        Reason.UNREADABLE,
        Reason.UNLABELLED,
        Reason.BLANK,
        Reason.NO_FACE,
        Reason.LEAK,
        Reason.COPY,
    }
)
"""Reasons to drop a sample by default: the certain or nearly certain ones.

The others rest on a network's predictions or, for subjects, are better solved by another split.
"""


@dataclass(frozen=True)
class Curation:
    """The result of `curate`.

    Attributes:
        kept: the kept samples, in their original order.
        drops: one finding for each dropped sample.
    """

    kept: tuple[Sample, ...]
    drops: tuple[Finding, ...]


def curate(
    samples: Sequence[Sample],
    findings: Sequence[Finding],
    likeness: Likeness,
    *,
    reasons: Collection[Reason] = DEFAULT_REASONS,
    splits: Collection[str] | None = None,
) -> Curation:
    """Drop samples with findings, and all but one of each set of copies.

    Among copies the first by `held_out_first` is kept, unless another finding drops it.

    Args:
        samples: samples of a collection.
        findings: findings of its inspection.
        likeness: copies among its pictures.
        reasons: reasons to drop a sample for.
        splits: splits to drop from; all if None. Samples of other splits are kept, and their
            copies in these splits are dropped.

    Raises:
        InputError: if a split is unknown, or nothing would be left.
    """
    require_splits(samples, splits or ())
    against: dict[str, Finding] = {}
    for finding in findings:
        if finding.reason in reasons and finding.reason not in COPIES:
            against.setdefault(finding.name, finding)
    kept: set[int] = set()
    drops: dict[int, Finding] = {}
    order = held_out_first(samples)
    if splits is not None:
        order.sort(key=lambda row: samples[row].split in splits)
    for row in order:
        sample = samples[row]
        found = against.get(sample.name) or _copy(row, samples, likeness, kept, reasons)
        if found is None or (splits is not None and sample.split not in splits):
            kept.add(row)
        else:
            drops[row] = found
    if not kept:
        raise InputError("nothing would be left; see the findings of mien-lab data inspect")
    return Curation(
        tuple(samples[row] for row in sorted(kept)), tuple(drops[row] for row in sorted(drops))
    )


def require_names(path: Path, samples: Sequence[Sample]) -> None:
    """Check that a manifest at `path` can name all pictures.

    Raises:
        InputError: if the name of a picture is not UTF-8.
    """
    for sample in samples if _are_files(samples) else ():
        name = _relative(sample.path, path) if sample.path else ""
        if display_name(name) != name:
            raise InputError(
                f"{display_name(name)} has a name that is not UTF-8, which no manifest can hold; "
                "rename the file"
            )


def write_manifest(path: Path, samples: Sequence[Sample]) -> None:
    """Write a manifest for `read_collection`: `image,label,split,subject,cropped`.

    A column `framed` is added if any picture is framed like FER2013's. Landmarks are not written.

    Images are named relative to the manifest. If samples are not files, such as the rows of
    FER2013 or several faces of one photograph, the first column is `name` instead and `cropped`
    and `framed` are omitted; such a list is for other tools.

    Raises:
        OutputError: if the file cannot be written; nothing is left under its name.
    """
    own = _are_files(samples)
    columns = ["image" if own else "name", "label", "split", "subject"]
    if own:
        columns.append("cropped")
    if own and any(sample.framed for sample in samples):
        columns.append("framed")
    write_table(path, columns, (_cells(sample, path, own)[: len(columns)] for sample in samples))


def _cells(sample: Sample, path: Path, own: bool) -> list[str]:
    name = _relative(sample.path, path) if own and sample.path else sample.name
    label = "" if sample.label is None else sample.label.value
    answers = ("yes" if answer else "no" for answer in (sample.cropped, sample.framed))
    return [name, label, sample.split, sample.subject, *answers]


def _are_files(samples: Sequence[Sample]) -> bool:
    return all(sample.path is not None and sample.box is None for sample in samples)


def _copy(
    row: int,
    samples: Sequence[Sample],
    likeness: Likeness,
    kept: Collection[int],
    reasons: Collection[Reason],
) -> Finding | None:
    for match in likeness.matches(row):
        if match.row in kept:
            other = samples[match.row]
            if copy_reason(samples[row], other, match) in reasons:
                return copy_finding(samples[row], other, match)
    return None


def _relative(picture: Path, manifest: Path) -> str:
    # Do not resolve the picture itself: a symbolic link keeps its own name.
    place = picture.parent.resolve() / picture.name
    return Path(os.path.relpath(place, manifest.resolve().parent)).as_posix()
