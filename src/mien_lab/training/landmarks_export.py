"""Export of the landmark network: ONNX file and card, with a parity check."""

from pathlib import Path

from mien.runtime.artifact import Card
from mien.vision.landmarks import CLOSE_SIZE
from mien_lab.training.landmarks_net import LandmarksNet
from mien_lab.training.run import averaged
from mien_lab.training.weight_files import crop_input, export_on_crops

__all__ = ["export_landmarks"]

PARITY = 1e-3
"""Maximum difference between the exported and the trained network, in sides of the crop.

It is a sixteenth of a pixel.
"""
TRAINED_ON = (
    "LFW photographs (muxspace/facial_expressions, Apache-2.0), everyday photographs "
    "(EliSchwartz/imagenet-sample-images, BIDS/BSDS500) and FER2013 Training faces (research "
    "use), points by a public detector"
)
SHARE = 0.5
"""Weight of the network's landmarks in the mean with the given ones.

Chosen on the validation part of the portraits.
"""


def export_landmarks(checkpoint: Path, out_dir: Path, *, version: str = "1") -> Path:
    """Write `landmarks.onnx` and `landmarks.json`; returns the weight file.

    Args:
        checkpoint: `last.pt` of a run; its averaged weights are exported.
        out_dir: folder to write to.
        version: version of the weights.

    Raises:
        ParityError: if the outputs of the exported and the trained network differ.
    """
    card = Card(
        name="landmarks",
        file="landmarks.onnx",
        sha256="",
        version=version,
        kind="face-landmarks",
        precision="fp32",
        input=crop_input(CLOSE_SIZE),
        trained_on=TRAINED_ON,
        extra={"share": SHARE},
    )
    return export_on_crops(averaged(LandmarksNet(), [checkpoint]), out_dir, card, "points", PARITY)
