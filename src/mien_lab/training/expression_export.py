"""Export of the expression network: ONNX in fp32 and int8, each with its card."""

import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
import torch

from mien.core.labels import EMOTIONS
from mien.models.calibration import softmax
from mien.runtime.artifact import Card
from mien.runtime.session import PROVIDERS
from mien.vision.alignment import CROP_SIZE
from mien_lab.data.cleaning import clean
from mien_lab.data.faces import fer_faces, upright_crops
from mien_lab.data.fer2013 import FER_LABELS, load_fer
from mien_lab.training.expression_net import MergedNet, Served, trained_net
from mien_lab.training.heads import BARE, fit_heads
from mien_lab.training.precision import half_stored, quantise
from mien_lab.training.run import read_config
from mien_lab.training.weight_files import (
    ParityError,
    crop_input,
    install,
    trace,
    write_card,
)

__all__ = ["export_expression"]

log = logging.getLogger(__name__)

PARITY = 5e-3
"""Maximum difference of a logit between the trained network and its fp32 export.

Rounding of the stored weights alone accounts for a fifth of it.
"""
INT8_PARITY = 0.05
"""Maximum mean total variation distance between the probabilities before and after quantisation."""
NEUTRAL = {"occlusion_threshold": 0.0, "temperature": 1.0, "conformal_quantile": 1.0}
"""Uncalibrated constants for the cards of bare heads."""
OUTPUTS = list(Served._fields)
FER_SOURCE = "FER2013 Training (research use) with FER+ votes (MIT)"
PHOTOGRAPHS = " and {} LFW photographs (muxspace/facial_expressions, Apache-2.0)"


def export_expression(
    runs: Sequence[Path],
    fer_dir: Path,
    folder: Path,
    *,
    version: str,
    bare: bool = False,
    calibration_faces: int = 256,
) -> dict[str, Path]:
    """Write `expression.onnx` and `expression-int8.onnx` with their cards.

    The int8 file is quantised by `quantise` on training faces. Both files have the same heads and
    calibration constants, from `fit_heads`; bare heads are uncalibrated (temperature 1, all labels
    in every set).

    Args:
        runs: folders of one or more runs; several networks are merged into one.
        fer_dir: FER2013, for `fit_heads` and for the ranges of the quantisation.
        folder: folder to write to.
        version: version of the weights.
        bare: keep the trained heads instead of calling `fit_heads`; for a `Tutor`.
        calibration_faces: number of training faces for the ranges of the quantisation.

    Returns:
        The weight file of each precision.

    Raises:
        ParityError: if the outputs differ from those of the trained network by more than `PARITY`
            or `INT8_PARITY`; nothing is written then.
    """
    net = MergedNet([trained_net(run) for run in runs]).eval()
    configs = [read_config(run) for run in runs]
    kinds = dict.fromkeys(
        "expression-labelled" if config.get("tutor") is None else "unlabelled"
        for config in configs
        if config["faces_dir"] is not None
    )
    trained_on = FER_SOURCE + "".join(PHOTOGRAPHS.format(kind) for kind in kinds)
    data = load_fer(fer_dir)
    kept = clean(data).rows
    fitted = NEUTRAL if bare else fit_heads(net, data, kept)
    rows = np.random.default_rng(0).permutation(kept)[:calibration_faces]
    crops = upright_crops(fer_faces(data, rows))[:, None].astype(np.float32)
    with tempfile.TemporaryDirectory() as scratch:
        drafts = Path(scratch) / "drafts"
        drafts.mkdir()
        full, small = drafts / "expression.onnx", drafts / "expression-int8.onnx"
        plain = Path(scratch) / "plain.onnx"
        trace(net, {"crops": torch.zeros(2, 1, CROP_SIZE, CROP_SIZE)}, OUTPUTS, plain)
        quantise(plain, small, crops)
        full.write_bytes(half_stored(onnx.load(plain)).SerializeToString())
        _require_parity(net, crops, full, small)
        extra = {
            "fer_labels": [emotion.value for emotion in FER_LABELS],
            "heads": BARE if bare else "fitted",
            **fitted,
        }
        for path, precision in ((full, "fp32"), (small, "int8")):
            write_card(path, _card(path, precision, version, trained_on, extra))
        install(drafts, folder)
    return {"fp32": folder / full.name, "int8": folder / small.name}


def _require_parity(
    net: MergedNet, crops: npt.NDArray[np.float32], full: Path, small: Path
) -> None:
    names = ["logits", "fer_logits"]
    with torch.no_grad():
        trained = net(torch.from_numpy(crops))
    expected = [getattr(trained, name).numpy() for name in names]
    exact, quantised = (
        ort.InferenceSession(str(path), providers=PROVIDERS).run(names, {"crops": crops})
        for path in (full, small)
    )
    worst = max(float(np.abs(a - b).max()) for a, b in zip(exact, expected, strict=True))
    moved = max(
        float(np.abs(softmax(a) - softmax(b)).sum(axis=1).mean() / 2)
        for a, b in zip(quantised, expected, strict=True)
    )
    log.info("fp32 differs by %.2g in a logit, int8 by %.2g of the probability", worst, moved)
    # Not `worst > bound`, which would accept NaN.
    if not worst <= PARITY:
        raise ParityError(full.name, worst, PARITY)
    if not moved <= INT8_PARITY:
        raise ParityError(small.name, moved, INT8_PARITY)


def _card(path: Path, precision: str, version: str, trained_on: str, extra: dict[str, Any]) -> Card:
    return Card(
        name="expression",
        file=path.name,
        sha256="",
        version=version,
        kind="facial-expression",
        precision=precision,
        input=crop_input(CROP_SIZE),
        labels=[emotion.value for emotion in EMOTIONS],
        trained_on=trained_on,
        extra=extra,
    )
