"""Export of a refiner's checkpoint: ONNX file and card, with a parity check."""

from collections.abc import Sequence
from pathlib import Path

from mien.runtime.artifact import Card
from mien.vision.refiner import REGION_SIZE
from mien_lab.training.detector_export import TRAINED_ON
from mien_lab.training.refiner_net import RefinerNet
from mien_lab.training.run import averaged
from mien_lab.training.weight_files import crop_input, export_on_crops

__all__ = ["export_refiner"]

PARITY = 5e-3
"""Maximum difference of any output between the exported and the trained network.

Rounding of the stored weights alone accounts for a third of it.
"""
LEAST_PROPOSAL = 0.25
"""Minimum detector score of a proposal; hardly any below it is a face."""
TRUST = 1.0
"""Weight of the detector's logit in the sum with the refiner's logit."""


def export_refiner(
    checkpoints: Sequence[Path], out_dir: Path, *, threshold: float, version: str = "1"
) -> Path:
    """Write `refiner.onnx` and `refiner.json`.

    Args:
        checkpoints: `last.pt` of one or more runs from the same initial weights; the mean of
            their averaged weights is exported (Wortsman et al., "Model soups", ICML 2022).
        out_dir: folder to write to.
        threshold: default score threshold, for the card.
        version: version of the weights.

    Returns:
        The weight file.

    Raises:
        ParityError: if the outputs of the exported and the trained network differ.
    """
    card = Card(
        name="refiner",
        file="refiner.onnx",
        sha256="",
        version=version,
        kind="face-refiner",
        precision="fp32",
        input=crop_input(REGION_SIZE),
        trained_on=TRAINED_ON,
        extra={
            "threshold": round(threshold, 3),
            "least_proposal": LEAST_PROPOSAL,
            "trust_in_proposal": TRUST,
        },
    )
    return export_on_crops(averaged(RefinerNet(), checkpoints), out_dir, card, "faces", PARITY)
