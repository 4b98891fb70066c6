"""From a refiner's checkpoint to shipped weights: ONNX and card, checked against the network."""

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
"""Largest difference between the exported and the trained network that counts as the same; the
rounding of its stored weights alone moves a logit by a third of that."""
LEAST_PROPOSAL = 0.25
"""Below this score hardly any proposal is a face."""
TRUST = 1.0
"""Weight of the proposal's logit beside the refiner's own."""


def export_refiner(
    checkpoints: Sequence[Path], out_dir: Path, *, threshold: float, version: str = "1"
) -> Path:
    """Write `refiner.onnx` and `refiner.json`.

    Args:
        checkpoints: `last.pt` of runs with one start; the mean of their averaged weights is
            taken (Wortsman et al., "Model soups", ICML 2022).
        out_dir: where to write.
        threshold: default least score of a face, for the card.
        version: of the weights.

    Returns:
        The weight file.

    Raises:
        ParityError: if the exported network does not compute what the trained one does.
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
