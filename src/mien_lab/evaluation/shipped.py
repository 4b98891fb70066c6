"""All figures of the weights in one file, tied to them by checksum."""

from pathlib import Path
from typing import Any

from mien.runtime.artifact import read_cards, weights_folder
from mien_lab.evaluation.crops import evaluate_crops
from mien_lab.evaluation.detector import evaluate as evaluate_detector
from mien_lab.evaluation.photographs import evaluate_photographs

__all__ = ["PRECISIONS", "measure_shipped", "weight_checksums"]

PRECISIONS = ("int8", "fp32")


def measure_shipped(
    data: Path, *, peers: dict[str, Any] | None = None, weights: Path | None = None
) -> dict[str, Any]:
    """Measure both networks and precisions on everything there is.

    Args:
        data: folder with `fer2013/`, `faces/`, `scenes/` and `wild/`.
        peers: what `mien-lab peers` found, measured in an environment of its own.
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
        "detector": evaluate_detector(data, weights=weights),
        "peers": peers or {},
    }


def weight_checksums(weights: Path | None = None) -> dict[str, str]:
    """The SHA-256 of each weight file by its name."""
    return {card.file: card.sha256 for card in read_cards(weights or weights_folder())}
