"""Inspection of a collection: class balance, copies, bad pictures, likely label errors."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mien.core.errors import InputError
from mien.core.labels import EMOTIONS
from mien_lab.data.findings import Finding, Reason, count_reasons
from mien_lab.data.label_errors import find_label_errors
from mien_lab.data.likeness import Evidence, Likeness, Match
from mien_lab.data.measurements import Measurements
from mien_lab.data.samples import Sample, label_indices, split_rank

__all__ = [
    "COPIES",
    "NO_LABEL",
    "Inspection",
    "balance",
    "copy_finding",
    "copy_reason",
    "held_out_first",
    "inspect",
]

NO_LABEL = "no label"
COPIES = (Reason.LEAK, Reason.COPY, Reason.ALIKE)
"""The reasons that apply to copies, the most severe first."""


@dataclass(frozen=True)
class Inspection:
    """The result of `inspect`.

    Attributes:
        balance: number of samples by split and label; every split has all eight labels.
        subjects: number of named subjects.
        without_subject: number of samples without a subject.
        findings: all findings, sorted by kind; likely label errors are ranked.
    """

    balance: dict[str, dict[str, int]]
    subjects: int
    without_subject: int
    findings: tuple[Finding, ...]

    @property
    def samples(self) -> int:
        """The number of samples."""
        return sum(sum(counts.values()) for counts in self.balance.values())

    @property
    def empty_classes(self) -> dict[str, list[str]]:
        """Labels without samples by split; splits that have all labels are omitted."""
        empty = {
            split: [label for label in EMOTIONS if not counts[label]]
            for split, counts in self.balance.items()
        }
        return {
            split: [str(label) for label in labels] for split, labels in empty.items() if labels
        }

    @property
    def imbalance(self) -> float | None:
        """Size ratio of the largest to the smallest non-empty class; None without labels."""
        totals = [sum(counts[label] for counts in self.balance.values()) for label in EMOTIONS]
        present = [total for total in totals if total]
        return max(present) / min(present) if present else None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, with the number of findings of each kind."""
        return {
            "samples": self.samples,
            "subjects": self.subjects,
            "without_subject": self.without_subject,
            "balance": self.balance,
            "empty_classes": self.empty_classes,
            "imbalance": self.imbalance,
            "findings": count_reasons(self.findings),
        }


def inspect(samples: Sequence[Sample], measured: Measurements, likeness: Likeness) -> Inspection:
    """Inspect a collection.

    Raises:
        InputError: if there are no samples.
    """
    if not samples:
        raise InputError("there is nothing to inspect; name a folder or split that holds samples")
    findings = [
        *_pictures(samples, measured),
        *_copies(samples, likeness),
        *_subjects(samples),
        *_labels(samples, measured),
    ]
    order = {reason: number for number, reason in enumerate(Reason)}
    findings.sort(key=lambda finding: order[finding.reason])
    named = [sample.subject for sample in samples if sample.subject]
    return Inspection(balance(samples), len(set(named)), len(samples) - len(named), tuple(findings))


def balance(samples: Sequence[Sample]) -> dict[str, dict[str, int]]:
    """Number of samples by split and label: all eight, and `NO_LABEL` where it occurs."""
    counts: dict[str, Counter[str]] = {}
    for sample in samples:
        label = NO_LABEL if sample.label is None else sample.label.value
        counts.setdefault(sample.split, Counter())[label] += 1
    named = [emotion.value for emotion in EMOTIONS]
    return {
        split: {
            label: found[label] for label in [*named, NO_LABEL] if label in named or found[label]
        }
        for split, found in counts.items()
    }


def held_out_first(samples: Sequence[Sample]) -> list[int]:
    """Row numbers with test before validation before training, otherwise in order.

    Of two copies the later in this order is dropped, so that test data stay unchanged. Splits of
    other names come last; see `split_rank`.
    """
    return sorted(range(len(samples)), key=lambda row: split_rank(samples[row].split))


def _pictures(samples: Sequence[Sample], measured: Measurements) -> Iterator[Finding]:
    for row, sample in enumerate(samples):
        if row in measured.failures:
            yield Finding(sample.name, Reason.UNREADABLE, measured.failures[row])
        elif measured.blank[row]:
            yield Finding(sample.name, Reason.BLANK, "all pixels are the same")
        elif not measured.faces[row] and sample.cropped:
            detail = "the detector finds no face in the crop; look at it"
            yield Finding(sample.name, Reason.DOUBTFUL_CROP, detail)
        elif not measured.faces[row]:
            detail = "the detector finds no face" if sample.box is None else "no face in the box"
            yield Finding(sample.name, Reason.NO_FACE, detail)
        if sample.label is None:
            yield Finding(sample.name, Reason.UNLABELLED, "none of the eight labels")


def _copies(samples: Sequence[Sample], likeness: Likeness) -> Iterator[Finding]:
    """One finding for each copy of an earlier sample, by the most severe of its matches."""
    earlier: set[int] = set()
    splits: set[str] = set()
    for row in held_out_first(samples):
        sample = samples[row]
        # Stop at the most severe reason possible, which avoids comparing all frames of a film.
        worst = Reason.LEAK if splits - {sample.split} else Reason.COPY
        found: tuple[Reason, Match] | None = None
        for match in likeness.matches(row):
            if match.row not in earlier:
                continue
            reason = copy_reason(sample, samples[match.row], match)
            if found is None or COPIES.index(reason) < COPIES.index(found[0]):
                found = reason, match
            if reason is worst:
                break
        if found is not None:
            yield copy_finding(sample, samples[found[1].row], found[1])
        earlier.add(row)
        splits.add(sample.split)


def copy_reason(sample: Sample, other: Sample, match: Match) -> Reason:
    """The reason, one of `COPIES`, that a match gives.

    Registered faces alone may be two photographs of one person. So may equal hashes with different
    labels, since pictures of one studio have nearly equal hashes.
    """
    if match.evidence is Evidence.DETAILS or (
        match.evidence is Evidence.HASH and _differ(sample, other)
    ):
        return Reason.ALIKE
    return Reason.COPY if sample.split == other.split else Reason.LEAK


def copy_finding(sample: Sample, other: Sample, match: Match) -> Finding:
    """The finding about a sample that a match gives; see `copy_reason`."""
    reason = copy_reason(sample, other, match)
    place = f" in {other.split}" if other.split else ""
    labels = f"; one is {sample.label}, the other {other.label}" if _differ(sample, other) else ""
    return Finding(sample.name, reason, f"of {other.name}{place}: {match.how}{labels}")


def _differ(sample: Sample, other: Sample) -> bool:
    """Whether both labels are known and different."""
    return None not in (sample.label, other.label) and sample.label is not other.label


def _subjects(samples: Sequence[Sample]) -> Iterator[Finding]:
    """One finding for each sample whose subject occurs earlier, by `held_out_first`, elsewhere."""
    home: dict[str, str] = {}
    for row in held_out_first(samples):
        sample = samples[row]
        if not sample.subject:
            continue
        first = home.setdefault(sample.subject, sample.split)
        if first != sample.split:
            detail = f"{sample.subject} is in {first or 'none'} and {sample.split or 'none'}"
            yield Finding(sample.name, Reason.SUBJECT, detail)


def _labels(samples: Sequence[Sample], measured: Measurements) -> Iterator[Finding]:
    truth = label_indices(samples)
    rows = np.flatnonzero((truth >= 0) & measured.read)
    if len(np.unique(truth[rows])) < 2:
        return
    for error in find_label_errors(truth[rows], measured.probabilities[rows]):
        detail = (
            f"{EMOTIONS[error.given]} has probability {error.self_confidence:.3f}, "
            f"{EMOTIONS[error.likely]} {error.confidence:.3f}"
        )
        yield Finding(samples[rows[error.row]].name, Reason.LABEL, detail)
