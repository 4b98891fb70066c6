"""Weight files: checked, stored in half precision, each with its card, put in place whole."""

import hashlib
import json
import logging
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import onnx

from mien.core.errors import MienError
from mien.runtime.artifact import Card
from mien_lab.training.precision import half_stored

__all__ = ["ParityError", "install", "ship", "write_card"]

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
