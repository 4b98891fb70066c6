"""All figures of the weights in one file, tied to them by checksum."""

from pathlib import Path
from typing import Any

from mien.core.errors import InputError
from mien.runtime.artifact import read_cards, weights_folder
from mien_lab.data.cleaning import clean
from mien_lab.data.fer2013 import load_fer
from mien_lab.evaluation.copies import copies_figures
from mien_lab.evaluation.crops import evaluate_crops, read_crops
from mien_lab.evaluation.detector import evaluate as evaluate_detector
from mien_lab.evaluation.photographs import evaluate_photographs

__all__ = ["PRECISIONS", "added", "measure_shipped", "weight_checksums"]

PRECISIONS = ("int8", "fp32")


def measure_shipped(data: Path, *, weights: Path | None = None) -> dict[str, Any]:
    """Measure both networks and precisions on everything there is.

    Args:
        data: folder with `fer2013/`, `faces/`, `scenes/` and `wild/`.
        weights: folder with weights, if not the shipped.
    """
    return {
        "weights": weight_checksums(weights),
        "crops": {
            precision: {
                split: evaluate_crops(
                    data / "fer2013", precision=precision, weights=weights, split=split
                )
                for split in ("PrivateTest", "PublicTest")
            }
            for precision in PRECISIONS
        },
        "photographs": {
            precision: evaluate_photographs(data / "wild", precision=precision, weights=weights)
            for precision in PRECISIONS
        },
        "copies": _copies(data / "fer2013", weights),
        "detector": evaluate_detector(data, weights=weights),
    }


def _copies(folder: Path, weights: Path | None) -> dict[str, Any]:
    data = load_fer(folder)
    copies = clean(data).copies
    figures = {}
    for split in ("PrivateTest", "PublicTest"):
        cases = read_crops(folder, precision="int8", weights=weights, split=split).cases["fer2013"]
        figures[split] = copies_figures(data, split, cases.probabilities.argmax(axis=1), copies)
    return figures


def added(figures: dict[str, Any], more: dict[str, Any], name: str) -> dict[str, Any]:
    """The figures with those of the peers, of robustness or of an audit besides.

    Args:
        figures: of the shipped weights.
        more: what one of these commands wrote.
        name: of the file, for errors.

    Raises:
        InputError: if it is none of these, or of other weights.
    """
    if "peers" in more:
        return figures | {"peers": more["peers"]}
    if "readers" in more:
        _require_same(figures, more["readers"]["mien"]["sha256"], name)
        readers = {
            reader: {key: found[key] for key in _KEPT} for reader, found in more["readers"].items()
        }
        return figures | {"robustness": {"n": more["n"], "readers": readers}}
    if "finding" in more:
        _require_same(figures, more["sha256"], name)
        return figures | {"audit": {"n": more["n"], "finding": more["finding"]}}
    raise InputError(f"{name} holds no figures of peers, robustness or an audit")


_KEPT = ("relative_accuracy", "relative_accuracy_interval", "relative_accuracy_by_corruption")


def _require_same(figures: dict[str, Any], checksum: str, name: str) -> None:
    if checksum not in figures["weights"].values():
        raise InputError(f"{name} was measured on other weights; measure again")


def weight_checksums(weights: Path | None = None) -> dict[str, str]:
    """The SHA-256 of each weight file by its name."""
    return {card.file: card.sha256 for card in read_cards(weights or weights_folder())}
