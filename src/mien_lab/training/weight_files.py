"""Weight files: tracing to ONNX, parity check, fp16 storage, cards, atomic installation."""

import hashlib
import json
import logging
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import torch
from torch import nn

from mien.core.errors import MienError
from mien.runtime.artifact import Card
from mien.runtime.session import PROVIDERS
from mien_lab.training.precision import half_stored

__all__ = [
    "ParityError",
    "crop_input",
    "export_on_crops",
    "install",
    "ship",
    "trace",
    "write_card",
]

log = logging.getLogger(__name__)


class ParityError(MienError, ValueError):
    """The outputs of an exported network differ from those of the trained one."""

    def __init__(self, file: str, worst: float, bound: float) -> None:
        """Build the message from the difference and its bound."""
        super().__init__(
            f"{file} differs from the trained network by {worst:.2g}, more than {bound:.2g}; "
            "nothing was written: check that torch, onnx and onnxruntime have the versions that "
            "the extra lab requires"
        )


def trace(
    net: nn.Module,
    inputs: Mapping[str, torch.Tensor],
    outputs: Sequence[str],
    path: Path,
    axes: Mapping[str, Mapping[int, str]] | None = None,
) -> None:
    """Write a network as ONNX.

    Args:
        net: the network, in evaluation mode.
        inputs: example inputs by name, in the order of the arguments.
        outputs: names of the outputs.
        path: file to write.
        axes: dynamic axes and their names by input or output; the first of each if None.
    """
    torch.onnx.export(
        net,
        tuple(inputs.values()),
        str(path),
        input_names=list(inputs),
        output_names=list(outputs),
        dynamic_axes=axes or {name: {0: "N"} for name in (*inputs, *outputs)},
        opset_version=17,
        dynamo=False,
    )


def export_on_crops(net: nn.Module, out_dir: Path, card: Card, output: str, bound: float) -> Path:
    """Write a network with one input, grey crops, and one output as ONNX with its card.

    Args:
        net: the trained network.
        out_dir: folder to write to.
        card: the card, with the name of the weight file and the shape of the crops.
        output: name of the output.
        bound: maximum difference of any output.

    Returns:
        The weight file.

    Raises:
        ParityError: if the outputs of the exported and the trained network differ.
    """
    net.eval()
    out_dir.mkdir(parents=True, exist_ok=True)
    target = out_dir / card.file
    side = int(card.input["shape"][-1])
    draft = target.with_suffix(".part")
    trace(net, {"crops": torch.zeros(2, 1, side, side)}, [output], draft)
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
    """The card's description of the input of a network for grey crops."""
    return {"name": "crops", "shape": ["N", 1, side, side], "range": [0, 255], "color": "grey"}


def ship(draft: Path, target: Path, difference: Callable[[Path], float], bound: float) -> None:
    """Store a traced network with fp16 weights under its final name, after a parity check.

    Args:
        draft: the traced network; it is moved or deleted.
        target: the weight file.
        difference: maximum difference of any output between a file and the trained network.
        bound: maximum accepted difference.

    Raises:
        ParityError: if the difference exceeds the bound; the target is left unchanged.
    """
    draft.write_bytes(half_stored(onnx.load(draft)).SerializeToString())
    worst = difference(draft)
    if not worst <= bound:
        draft.unlink()
        raise ParityError(target.name, worst, bound)
    draft.replace(target)
    log.info("%s: %d bytes, differs by %.2g", target, target.stat().st_size, worst)


def write_card(path: Path, card: Card) -> None:
    """Write a card beside its weight file, with the checksum of that file."""
    fields = asdict(card) | {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    path.with_suffix(".json").write_text(json.dumps(fields, indent=2) + "\n")


def install(drafts: Path, folder: Path) -> None:
    """Copy all files of a folder into another one, each atomically."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = []
    for draft in sorted(drafts.iterdir()):
        part = folder / f"{draft.name}.part"
        shutil.copyfile(draft, part)
        parts.append((part, folder / draft.name))
    for part, target in parts:
        part.replace(target)
