"""The dataset card: a Markdown description of a collection, from its inspection and its owner.

Headings follow Gebru et al., "Datasheets for datasets" (Communications of the ACM 64, 2021). The
front matter is that of Hugging Face's README.md.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mien.core.labels import EMOTIONS
from mien_lab.data.findings import Reason, count_reasons
from mien_lab.data.inspection import NO_LABEL, Inspection

__all__ = ["CardText", "dataset_card"]

UNSTATED = "Not stated."

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (10**6, "100K<n<1M"))

_LIMITS: Mapping[Reason, str] = {
    Reason.UNREADABLE: "{n} pictures cannot be read.",
    Reason.UNLABELLED: "{n} samples have none of the eight labels.",
    Reason.BLANK: "{n} pictures are blank.",
    Reason.NO_FACE: "In {n} photographs the detector finds no face.",
    Reason.DOUBTFUL_CROP: "In {n} crops the detector finds no face; some may show none.",
    Reason.LEAK: "{n} samples are copies of samples in another split, which flatters figures.",
    Reason.COPY: "{n} samples are copies of others in their split.",
    Reason.ALIKE: "{n} samples may be copies of others, or other photographs of the same person.",
    Reason.SUBJECT: "{n} samples show subjects who are in another split as well.",
    Reason.LABEL: "{n} labels are likely wrong, in the opinion of one network.",
}


@dataclass(frozen=True)
class CardText:
    """Information that only the owner of a collection has; empty where not stated.

    Attributes:
        title: name of the collection.
        licence: licence of pictures and labels, preferably an SPDX identifier.
        purpose: what the collection was made for.
        source: where the pictures come from.
        people: who is shown, whether they consented, and how they can object.
        annotation: who labelled the pictures, and how.
        contact: who maintains the collection.
        limits: further known limits, one per item.
    """

    title: str
    licence: str = ""
    purpose: str = ""
    source: str = ""
    people: str = ""
    annotation: str = ""
    contact: str = ""
    limits: Sequence[str] = ()


def dataset_card(
    text: CardText, inspection: Inspection, *, dropped: Mapping[str, int] | None = None
) -> str:
    """The card as Markdown.

    Args:
        text: the owner's statements.
        inspection: findings in the collection.
        dropped: number of samples removed before, by reason; None if there were none.
    """
    return "\n".join([*_front(text, inspection), *_body(text, inspection, dropped or {})]) + "\n"


def _front(text: CardText, inspection: Inspection) -> Iterator[str]:
    """YAML front matter for the Hub; every JSON string is a valid YAML string."""
    yield "---"
    yield f"pretty_name: {json.dumps(text.title, ensure_ascii=False)}"
    if text.licence:
        yield f"license: {json.dumps(text.licence, ensure_ascii=False)}"
    yield "task_categories:"
    yield "- image-classification"
    size = next((name for most, name in _SIZES if inspection.samples < most), "n>1M")
    yield "size_categories:"
    yield f"- {size}"
    yield "---"
    yield ""


def _body(text: CardText, inspection: Inspection, dropped: Mapping[str, int]) -> Iterator[str]:
    sections = {
        "Motivation": [text.purpose or UNSTATED],
        "Composition": list(_composition(inspection)),
        "Duplicates and other findings": list(_findings(inspection)),
        "Collection process": [text.source or UNSTATED, "", f"People: {text.people or UNSTATED}"],
        "Preprocessing, cleaning and labelling": [
            f"Labelling: {text.annotation or UNSTATED}",
            "",
            f"Cleaning: {_cleaning(dropped)}",
        ],
        "Uses": [
            "A label says how an expression appeared to whoever labelled the picture, not what the "
            "person felt. Do not use it to judge people, nor to recognise them.",
        ],
        "Known limits": [f"- {limit}" for limit in _limits(text, inspection)],
        "Distribution": [f"Licence: {text.licence or UNSTATED}"],
        "Maintenance": [f"Contact: {text.contact or UNSTATED}"],
    }
    yield f"# {text.title}"
    for heading, lines in sections.items():
        yield from ("", f"## {heading}", "", *lines)


def _cleaning(dropped: Mapping[str, int]) -> str:
    if not dropped:
        return "nothing is known to have been left out."
    parts = ", ".join(f"{count:,} ({reason})" for reason, count in dropped.items())
    return f"left out by `mien-lab data clean`: {parts}."


def _composition(inspection: Inspection) -> Iterator[str]:
    yield (
        f"{inspection.samples:,} samples; {inspection.subjects or 'no'} subjects are named; "
        f"{inspection.without_subject:,} samples are without one."
    )
    yield ""
    splits = list(inspection.balance)
    yield _row(["label", *(split or "no split" for split in splits), "all", "share"])
    yield _row(["---"] * (len(splits) + 3))
    for label in [*(str(emotion) for emotion in EMOTIONS), NO_LABEL]:
        counts = [inspection.balance[split].get(label, 0) for split in splits]
        total = sum(counts)
        if label != NO_LABEL or total:
            share = f"{total / inspection.samples:.1%}"
            yield _row([label, *map("{:,}".format, [*counts, total]), share])
    totals = [sum(counts.values()) for counts in inspection.balance.values()]
    yield _row(["all", *map("{:,}".format, [*totals, inspection.samples]), "100.0%"])
    if inspection.imbalance is not None:
        yield ""
        yield f"The largest class has {inspection.imbalance:.1f} times the samples of the smallest."


def _findings(inspection: Inspection) -> Iterator[str]:
    counts = count_reasons(inspection.findings)
    yield "Counted by `mien-lab data inspect`: copies by equal pixels, perceptual hash, and "
    yield "registration of the faces; mirror images are copies. Some retouched copies are missed."
    yield ""
    yield _row(["finding", "samples"])
    yield _row(["---", "---"])
    for reason in Reason:
        yield _row([reason.value, f"{counts.get(reason.value, 0):,}"])


def _limits(text: CardText, inspection: Inspection) -> Iterator[str]:
    yield from text.limits
    counts = count_reasons(inspection.findings)
    for reason, sentence in _LIMITS.items():
        if count := counts.get(reason.value, 0):
            yield sentence.format(n=f"{count:,}")
    for split, labels in inspection.empty_classes.items():
        yield f"Without a sample in {split or 'the collection'}: {', '.join(labels)}."
    if not inspection.subjects:
        yield "Subjects are not named: one person may be in several splits."
    elif inspection.without_subject:
        yield (
            f"{inspection.without_subject:,} samples name no subject: who is shown may be in "
            "several splits."
        )
    yield "Age, gender and skin tone of the people shown were not analysed."


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
