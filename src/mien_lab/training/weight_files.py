"""Weight files: traced, checked, in half precision, each with its card, put in place whole."""

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
    """An exported network that does not compute what the trained one does."""

    def __init__(self, file: str, worst: float, bound: float) -> None:
        """Say by how much."""
        super().__init__(
            f"{file} differs from the trained network by {worst:.2g}, more than {bound:.2g}; "
            "nothing was written: check that torch, onnx and onnxruntime are of the versions that "
            "the extra lab asks for"
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
        net: in its evaluating mode.
        inputs: by name, in the order that it takes them.
        outputs: their names.
        path: of the file.
        axes: those whose length is free, with its name; if None, the first of each.
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
    """What the card of such a network says of its input."""
    return {"name": "crops", "shape": ["N", 1, side, side], "range": [0, 255], "color": "grey"}


def ship(draft: Path, target: Path, difference: Callable[[Path], float], bound: float) -> None:
    """Store a traced network in half precision under its name, if it computes what it should.

    Args:
        draft: the traced network; gone afterwards.
        target: the weight file.
        difference: the largest difference of an output between a file and the trained network.
        bound: from which on that is another network.

    Raises:
        ParityError: if the difference exceeds the bound; the target is left as it was.
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
    """Copy all files of a folder into another one; each appears there whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = []
    for draft in sorted(drafts.iterdir()):
        part = folder / f"{draft.name}.part"
        shutil.copyfile(draft, part)
        parts.append((part, folder / draft.name))
    for part, target in parts:
        part.replace(target)
