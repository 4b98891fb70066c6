"""Generated blocks of documents: the text between two markers is written from the figures.

A block begins with `<!-- figures: name -->` and ends with `<!-- end -->`, each on a line.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from mien.core.errors import InputError
from mien_lab.evaluation.accuracy import (
    accuracy_table,
    calibration_text,
    class_table,
    copies_text,
    precision_text,
    sizes_text,
    verdict_text,
)
from mien_lab.evaluation.detector_table import detector_table
from mien_lab.evaluation.findings import in_document
from mien_lab.evaluation.markdown import share, table
from mien_lab.evaluation.performance import films_table, speed_table, tracking_table
from mien_lab.evaluation.temporal_table import temporal_table, temporal_verdict
from mien_lab.evaluation.tradeoff_text import tradeoff_block

__all__ = ["ADDED", "BLOCK", "fill", "measured"]

Figures = Mapping[str, Any]

ADDED = {
    "peers": "mien-lab peers",
    "robustness": "mien-lab robustness",
    "audit": "mien-lab audit",
    "tradeoff": "mien-lab tradeoff",
    "speed": "mien bench",
    "films": "mien bench --video",
    "tracking": "mien-lab tracking evaluate",
}
"""The parts that `mien-lab figures add` adds, with the command that measures each."""
BLOCK = re.compile(r"(<!-- figures: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def fill(document: str, figures: Figures) -> str:
    """The document with all blocks regenerated.

    Raises:
        InputError: if a block has an unknown name, or its figures are missing.
    """
    there = _Parts(figures)

    def written(match: re.Match[str]) -> str:
        if match[2] not in _BLOCKS:
            known = ", ".join(_BLOCKS)
            raise InputError(
                f"there is no block of figures named {match[2]!r}; choose one of: {known}"
            )
        return f"{match[1]}{_BLOCKS[match[2]](there)}\n{match[3]}"

    return BLOCK.sub(written, document)


class _Parts(dict[str, Any]):
    """Figures whose missing parts raise an error that names the command to run."""

    def __missing__(self, part: str) -> Any:
        if part not in ADDED:
            raise InputError(f"there are no figures of {part}; run `mien-lab figures measure`")
        raise InputError(
            f"there are no figures of {part}; run `{ADDED[part]} --json`, then `mien-lab figures "
            "add` with the file it wrote"
        )


def measured(figures: Figures, precision: str) -> dict[str, Any]:
    """The figures in the card of the expression network, on PrivateTest and photographs."""
    figures = _Parts(figures)
    crops, wild = figures["crops"][precision]["PrivateTest"], figures["photographs"][precision]
    sets = {"fer2013": crops["fer2013"], "ferplus": crops["ferplus"], "photographs": wild}
    classes = crops["ferplus"]["per_class"]
    return {
        name: {"n": found["n"], "accuracy": round(found["accuracy"], 4)}
        for name, found in sets.items()
    } | {"recall": {name: round(one["recall"], 4) for name, one in classes.items()}}


def _robustness(figures: Figures) -> str:
    found = figures["robustness"]
    readers = found["readers"]
    rows = [["", *readers]]
    for state in ("clean", "damaged"):
        values = [share(one[f"{state}_accuracy"]) for one in readers.values()]
        rows.append([f"accuracy, {state}", *values])
    kept = []
    for one in readers.values():
        low, high = one["relative_accuracy_interval"]
        kept.append(f"**{share(one['relative_accuracy'])}** ({share(low)} to {share(high)})")
    rows.append(["kept, all kinds", *kept])
    for kind in readers["mien"]["relative_accuracy_by_corruption"]:
        shares = [one["relative_accuracy_by_corruption"][kind] for one in readers.values()]
        rows.append([kind, *map(share, shares)])
    return table(rows)


def _audit(figures: Figures) -> str:
    text = in_document(figures["audit"]["finding"]["text"])
    return f"{text} (n = {figures['audit']['n']:,})"


_BLOCKS: dict[str, Callable[[Figures], str]] = {
    "accuracy": accuracy_table,
    "verdict": verdict_text,
    "copies": copies_text,
    "per_class": class_table,
    "calibration": calibration_text,
    "precision": precision_text,
    "sizes": sizes_text,
    "detector": lambda figures: detector_table(figures["detector"]),
    "temporal": lambda figures: temporal_table(figures["temporal"]),
    "temporal_verdict": lambda figures: temporal_verdict(figures["temporal"]),
    "robustness": _robustness,
    "audit": _audit,
    "tradeoff": lambda figures: tradeoff_block(figures["tradeoff"]),
    "speed": lambda figures: speed_table(figures["speed"]),
    "films": lambda figures: films_table(figures["films"]),
    "tracking": lambda figures: tracking_table(figures["tracking"]),
}
