"""From a refiner's checkpoint to shipped weights: ONNX and card, checked against the network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import torch
from torch import nn

from mien.runtime.artifact import Card
from mien.runtime.session import PROVIDERS
from mien.vision.refiner import REGION_SIZE
from mien_lab.training.detector_export import TRAINED_ON
from mien_lab.training.refiner_net import RefinerNet
from mien_lab.training.run import averaged
from mien_lab.training.weight_files import ship, write_card

__all__ = ["crop_input", "export_on_crops", "export_refiner"]

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


def export_on_crops(net: nn.Module, out_dir: Path, card: Card, output: str, bound: float) -> Path:
    """Write a network of one input, grey crops, and one output as ONNX with its card.

    Args:
        net: trained; crops as the card says to one tensor.
        out_dir: where to write.
        card: with the name of the weight file.
        output: its name.
        bound: from which difference of a number on it is another network.

    Returns:
        The weight file.

    Raises:
        ParityError: if the exported network does not compute what the trained one does.
    """
    net.eval()
    out_dir.mkdir(parents=True, exist_ok=True)
    target = out_dir / card.file
    side = int(card.input["shape"][-1])
    draft = target.with_suffix(".part")
    torch.onnx.export(
        net,
        (torch.zeros(2, 1, side, side),),
        str(draft),
        input_names=["crops"],
        output_names=[output],
        dynamic_axes={"crops": {0: "N"}, output: {0: "N"}},
        opset_version=17,
        dynamo=False,
    )
    crops = np.random.default_rng(0).uniform(0, 255, (8, 1, side, side)).astype(np.float32)
    with torch.no_grad():
        expected = net(torch.from_numpy(crops)).numpy()

    def difference(path: Path) -> float:
        session = ort.InferenceSession(str(path), providers=PROVIDERS)
        return float(np.abs(session.run([output], {"crops": crops})[0] - expected).max())

    ship(draft, target, difference, bound)
    write_card(target, card)
    return target


def crop_input(side: int) -> dict[str, Any]:
    """What the card of such a network says of its input."""
    return {"name": "crops", "shape": ["N", 1, side, side], "range": [0, 255], "color": "grey"}
