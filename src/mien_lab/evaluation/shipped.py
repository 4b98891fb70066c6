"""All figures of the shipped weights in one file, linked to them by checksum."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mien.core.errors import InputError
from mien.runtime.artifact import read_cards, weights_folder
from mien_lab.data.cleaning import clean
from mien_lab.data.fer2013 import labels_given_votes, load_fer
from mien_lab.evaluation.copies import copies_figures
from mien_lab.evaluation.crops import CropReading, read_crops
from mien_lab.evaluation.detector import evaluate_detector
from mien_lab.evaluation.documents import ADDED
from mien_lab.evaluation.photographs import evaluate_photographs

__all__ = ["PRECISIONS", "added", "kept", "measure_shipped", "weight_checksums"]

log = logging.getLogger(__name__)

PRECISIONS = ("int8", "fp32")
DAMAGED_FACES = 600
"""Number of PrivateTest faces of the robustness figures in MODEL_CARD."""
_KEPT = ("relative_accuracy", "relative_accuracy_interval", "relative_accuracy_by_corruption")
"""Figures of each reader of the robustness part, besides its accuracies."""


def measure_shipped(data: Path) -> dict[str, Any]:
    """Measure detector and expression network, the latter in both precisions, on all test data.

    Args:
        data: folder with `fer2013/`, `faces/`, `scenes/` and `wild/`.
    """
    readings = {
        precision: {
            split: read_crops(data / "fer2013", precision=precision, split=split)
            for split in ("PrivateTest", "PublicTest")
        }
        for precision in PRECISIONS
    }
    return {
        "weights": weight_checksums(),
        "crops": {
            precision: {split: reading.figures for split, reading in splits.items()}
            for precision, splits in readings.items()
        },
        "photographs": {
            precision: evaluate_photographs(data / "wild", precision=precision)
            for precision in PRECISIONS
        },
        "copies": _copies(data / "fer2013", readings["int8"]),
        "detector": evaluate_detector(data),
    }


def _copies(folder: Path, readings: Mapping[str, CropReading]) -> dict[str, Any]:
    data = load_fer(folder)
    cleaning = clean(data)
    voted = labels_given_votes(data, np.arange(len(data)), cleaning.rows).argmax(axis=1)
    return {
        split: copies_figures(
            data,
            split,
            reading.cases["fer2013"].probabilities.argmax(axis=1),
            cleaning.copies,
            voted,
        )
        for split, reading in readings.items()
    }


def added(figures: dict[str, Any], more: dict[str, Any], name: str) -> dict[str, Any]:
    """Add the figures of another command; `ADDED` names the parts and commands.

    The key `added` of the result holds the checksums of the weights of each part, for `kept`.

    Args:
        figures: figures of the shipped weights.
        more: output of one of the commands.
        name: name of its file, for errors.

    Raises:
        InputError: if `more` is of no known command, or of other weights or faces than documented,
            or if `figures` has no checksums.
    """
    if "weights" not in figures:
        raise InputError("the figures to add to name no weights; run `mien-lab figures measure`")
    shipped = set(figures["weights"].values())
    part, found, checksums = _part(more, shipped, name)
    if not checksums <= shipped:
        raise InputError(f"{name} was measured on other weights; measure again")
    _require_documented(figures, part, more, name)
    record = figures.get("added", {}) | {part: sorted(checksums)}
    return figures | {part: found, "added": record}


def _part(
    more: dict[str, Any], shipped: set[str], name: str
) -> tuple[str, dict[str, Any], set[str]]:
    """The name of a part, the figures to keep, and the checksums of the weights behind them."""
    if "peers" in more:
        # Rows with mien's detector depend on the weights of the face networks.
        return "peers", more["peers"], set(more.get("weights", {"": ""}).values())
    if "readers" in more:
        readers = {
            reader: {key: one[key] for key in _KEPT}
            | {f"{state}_accuracy": one[state]["accuracy"] for state in ("clean", "damaged")}
            for reader, one in more["readers"].items()
        }
        found = {"n": more["n"], "readers": readers}
        return "robustness", found, {more["readers"]["mien"]["sha256"]}
    if "tradeoff" in more:
        # Only the column of the finding is kept, for the size of the document.
        shown = more["tradeoff"].get(more["finding"].get("column"), {"ways": []})
        found = {name: more[name] for name in ("n", "fitted_on", "finding")}
        found["ways"] = [
            {name: value for name, value in way.items() if name != "equalised_odds"}
            for way in shown["ways"]
        ]
        return "tradeoff", found, {more["sha256"]}
    if "finding" in more:
        return "audit", {"n": more["n"], "finding": more["finding"]}, {more["sha256"]}
    if "measurements" in more or "video" in more:
        # Benchmarks always measure the shipped weights and do not record them.
        return "speed" if "measurements" in more else "films", more, shipped
    if "plain overlap" in more:
        # Tracking is measured on simulated detections, without weights.
        return "tracking", more, set()
    raise InputError(f"{name} holds no figures of {', '.join(ADDED)}")


def _require_documented(
    figures: Mapping[str, Any], part: str, found: Mapping[str, Any], name: str
) -> None:
    """Check that figures were measured on the data that the documents describe.

    Raises:
        InputError: if not; it names the first difference.
    """
    crops = figures["crops"]["int8"]
    private, public = crops["PrivateTest"], crops["PublicTest"]
    test = {"layout": "fer+", "split": "PrivateTest"}
    thirds = {"compared": "image conditions"}
    documented: dict[str, dict[str, Any]] = {
        "peers": {
            "split": "PrivateTest",
            "n": _counts(private, figures["photographs"]["int8"]),
        },
        "robustness": test | {"n": DAMAGED_FACES},
        "audit": test | thirds | {"n": private["ferplus"]["n"]},
        "tradeoff": thirds | {"split": "PublicTest", "n": public["ferplus"]["n"]},
    }
    measured = [found]
    if part == "peers":
        measured = [
            {"split": peer["split"], "n": _counts(peer, peer["wild"]["mien_detector"])}
            for peer in found["peers"].values()
        ]
    for one in measured:
        for key, value in documented.get(part, {}).items():
            if one.get(key) != value:
                raise InputError(
                    f"{name} has {key} {one.get(key)!r}, but the documents describe {value!r}; "
                    f"run `{ADDED[part]}` as they say, and add what it writes"
                )


def _counts(crops: Mapping[str, Any], photographs: Mapping[str, Any]) -> list[int]:
    return [part["n"] for part in (crops["fer2013"], crops["ferplus"], photographs)]


def kept(figures: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """Take over the added parts of earlier figures that belong to the shipped weights.

    Parts that are not kept are logged.
    """
    shipped = set(figures["weights"].values())
    record = before.get("added", {})
    same = [part for part in ADDED if part in record and set(record[part]) <= shipped]
    for part in ADDED:
        if part in before and part not in same:
            log.warning(
                "figures of %s are of other weights and not kept; run `%s --json`, then "
                "`mien-lab figures add`",
                part,
                ADDED[part],
            )
    return figures | {
        **{part: before[part] for part in same},
        "added": {part: record[part] for part in same},
    }


def weight_checksums() -> dict[str, str]:
    """The SHA-256 of each weight file by its name."""
    return {card.file: card.sha256 for card in read_cards(weights_folder())}
