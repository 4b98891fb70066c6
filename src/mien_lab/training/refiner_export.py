"""From a refiner's checkpoint to shipped weights: ONNX and card, checked against the network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import torch
from torch import nn

from mien.runtime.artifact import Card
from mien.vision.refiner import REGION_SIZE
from mien_lab.training.detector_export import TRAINED_ON
from mien_lab.training.refiner_net import RefinerNet
from mien_lab.training.weight_files import ship, write_card

__all__ = ["crop_input", "export_refiner", "ship_on_crops"]

PARITY = 5e-3
"""Largest difference between the exported and the trained network that counts as the same; the
rounding of its stored weights alone moves a logit by a third of that."""
LEAST_PROPOSAL = 0.25
"""Below this score hardly any proposal is a face."""
TRUST = 1.0
"""Weight of the proposal's logit beside the refiner's own."""


def export_refiner(
    checkpoint: Path, out_dir: Path, *, threshold: float, version: str = "1"
) -> Path:
    """Write ``refiner.onnx`` and ``refiner.json``.

    Args:
        checkpoint: ``last.pt`` of a run; its averaged weights are taken.
        out_dir: where to write.
        threshold: default least score of a face, for the card.
        version: of the weights.

    Returns:
        The weight file.

    Raises:
        ValueError: if the exported network does not compute what the trained one does.
    """
    net = RefinerNet().eval()
    net.load_state_dict(torch.load(checkpoint, weights_only=True)["average"])
    out_dir.mkdir(parents=True, exist_ok=True)
    target = out_dir / "refiner.onnx"
    ship_on_crops(net, target, REGION_SIZE, "faces", PARITY)
    card = Card(
        name="refiner",
        file=target.name,
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
    write_card(target, card)
    return target


def ship_on_crops(net: nn.Module, target: Path, side: int, output: str, bound: float) -> None:
    """Write a network of one input, grey crops, and one output as ONNX, stored in half precision.

    Args:
        net: crops ``(n, 1, side, side)`` in 0–255 to one tensor.
        target: the weight file.
        side: of the crops.
        output: its name.
        bound: from which difference of a number on it is another network.

    Raises:
        ParityError: if the exported network does not compute what the trained one does.
    """
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
        session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        return float(np.abs(session.run([output], {"crops": crops})[0] - expected).max())

    ship(draft, target, difference, bound)


def crop_input(side: int) -> dict[str, Any]:
    """What the card of such a network says of its input."""
    return {"name": "crops", "shape": ["N", 1, side, side], "range": [0, 255], "color": "grey"}
