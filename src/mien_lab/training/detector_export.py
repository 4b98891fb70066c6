"""Export of a detector's checkpoint: ONNX file and card, with a parity check."""

from pathlib import Path

import numpy as np
import onnxruntime as ort
import torch

from mien.runtime.artifact import Card
from mien.runtime.session import PROVIDERS
from mien_lab.training.detector_net import SIZES, STRIDES, DetectorNet, ShippedNet
from mien_lab.training.run import averaged
from mien_lab.training.weight_files import ship, trace, write_card

__all__ = ["TRAINED_ON", "export_detector"]

OUTPUTS = tuple(f"level{stride}" for stride in STRIDES)
PARITY = 1e-3
"""Maximum difference of any output between the exported and the trained network."""
TRAINED_ON = (
    "LFW photographs (muxspace/facial_expressions, Apache-2.0) and everyday photographs "
    "(EliSchwartz/imagenet-sample-images, BIDS/BSDS500), boxes and points by a public detector; "
    "FER2013 Training faces (research use) in generated scenes"
)
THRESHOLD = 0.5
"""Default score threshold of the detector without the refiner."""


def export_detector(checkpoint: Path, out_dir: Path, *, version: str = "1") -> Path:
    """Write `detector.onnx` and `detector.json`.

    Args:
        checkpoint: `last.pt` of a run; its averaged weights are exported.
        out_dir: folder to write to.
        version: version of the weights.

    Returns:
        The weight file.

    Raises:
        ParityError: if the outputs of the exported and the trained network differ.
    """
    shipped = ShippedNet(averaged(DetectorNet(), [checkpoint])).eval()
    out_dir.mkdir(parents=True, exist_ok=True)
    target = out_dir / "detector.onnx"
    draft = target.with_suffix(".part")
    axes = {f"level{s}": {0: "N", 2: f"H/{s}", 3: f"W/{s}"} for s in STRIDES}
    axes["image"] = {0: "N", 2: "H", 3: "W"}
    trace(shipped, {"image": torch.zeros(1, 1, 64, 96)}, OUTPUTS, draft, axes)
    ship(draft, target, lambda path: _difference(shipped, path), PARITY)
    write_card(target, _card(version))
    return target


def _difference(net: ShippedNet, path: Path) -> float:
    image = np.random.default_rng(0).uniform(0, 255, (2, 1, 160, 96)).astype(np.float32)
    session = ort.InferenceSession(str(path), providers=PROVIDERS)
    with torch.no_grad():
        expected = net(torch.from_numpy(image))
    got = session.run(list(OUTPUTS), {"image": image})
    return max(float(np.abs(a - b.numpy()).max()) for a, b in zip(got, expected, strict=True))


def _card(version: str) -> Card:
    return Card(
        name="detector",
        file="detector.onnx",
        sha256="",
        version=version,
        kind="face-detector",
        precision="fp32",
        input={"name": "image", "shape": ["N", 1, "H", "W"], "range": [0, 255], "color": "grey"},
        trained_on=TRAINED_ON,
        extra={"threshold": THRESHOLD, "strides": list(STRIDES), "sizes": list(SIZES)},
    )
