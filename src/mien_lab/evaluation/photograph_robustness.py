"""Robustness of the whole pipeline to corruptions of photographs."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mien.pipeline.analyzer import Analyzer
from mien_lab.data.corruptions import CORRUPTIONS, SEVERITIES, Corruption
from mien_lab.data.scenes import read_grey
from mien_lab.evaluation.photographs import photograph_figures, read_labelled

__all__ = ["PHOTOGRAPHIC", "measure_photographs"]

log = logging.getLogger(__name__)

_NAMES = ("brightness", "darkness", "contrast", "gamma", "noise", "jpeg")
PHOTOGRAPHIC = tuple(corruption for corruption in CORRUPTIONS if corruption.name in _NAMES)
"""Corruptions whose amounts do not depend on the size of the face in the picture."""

_HEADLINES = ("accuracy", "macro_f1", "macro_recall", "missed")


def measure_photographs(
    folder: Path,
    *,
    precision: str,
    weights: Path | None = None,
    seed: int = 0,
    corruptions: Sequence[Corruption] = PHOTOGRAPHIC,
) -> dict[str, Any]:
    """Accuracy, macro F1, macro recall and missed faces on corrupted grey photographs.

    The largest face of a photograph is evaluated; a missed face counts as an error. Unreadable
    photographs are only listed in `failures`. `relative_accuracy` is defined as for
    `measure_robustness`.

    Args:
        folder: folder with `images/` and `labels.csv` (`image,emotion`).
        precision: fp32 or int8.
        weights: folder with weights; the shipped ones if None.
        seed: random seed of the corruptions.
        corruptions: corruptions to measure.

    Raises:
        InputError: as for `read_labelled`.
    """
    photographs = read_labelled(folder, read_grey)
    pictures = list(zip(photographs.names, photographs.found, strict=True))
    with Analyzer(precision=precision, weights=weights) as analyzer:

        def read(corruption: Corruption | None = None, severity: int = 0) -> dict[str, Any]:
            found = []
            for name, picture in pictures:
                damaged = picture
                if corruption is not None:
                    damaged = corruption.apply(picture, severity, seed=seed, name=name)
                faces = analyzer.analyze(damaged).faces
                found.append(faces[0].top if faces else None)
            figures = photograph_figures(photographs.truth, found)
            return {name: round(figures[name], 4) for name in _HEADLINES}

        clean = read()
        curves = {}
        for corruption in corruptions:
            log.info("measuring %s of photographs", corruption.name)
            curves[corruption.name] = [read(corruption, severity) for severity in SEVERITIES]
    mean = np.mean([row["accuracy"] for curve in curves.values() for row in curve])
    kept = round(float(mean) / clean["accuracy"], 4) if clean["accuracy"] else None
    return {
        "n": len(pictures),
        "failures": photographs.failures,
        "clean": clean,
        "relative_accuracy": kept,
        "curves": curves,
    }
