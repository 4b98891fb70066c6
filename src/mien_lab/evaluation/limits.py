"""Accuracy on FER+ against size, blur, light and turn of the face, to set quality limits."""

import itertools
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core.types import Quality
from mien.models.expression import ExpressionClassifier
from mien.runtime.session import open_session
from mien.vision.alignment import CROP_SIZE
from mien_lab.data.corruptions import blur, fade, shrink
from mien_lab.data.faces import fer_faces, upright_crops
from mien_lab.data.fer2013 import load_fer, majority
from mien_lab.data.occlusions import EYE_DISTANCE, Crop
from mien_lab.evaluation.face_crops import crop_qualities

__all__ = ["measure_limits"]

EYE_DISTANCES = (18, 12, 9, 7, 6, 5, 4, 3)
"""Simulated distances between the eyes, in pixels."""
SIGMAS = (0.01, 1, 1.5, 2, 3, 4)
"""Standard deviations of the blur, in pixels of the crop."""
GAINS = (1, 0.2, 0.1, 0.05, 0.03)
"""Shares of the contrast that remain."""
LEVELS = (-0.2, -0.15, 0, 1, 1.15, 1.2)
"""Mean grey levels, as shares of the grey range, at half of the contrast."""
TURNS = (0.0, 0.1, 0.2, 0.35, 0.5, 0.75, 1.01)
"""Edges of the bins of head turn: 0 is facing, 1 in profile."""


def measure_limits(
    folder: Path, *, precision: str, weights: Path | None = None
) -> dict[str, list[dict[str, Any]]]:
    """Accuracy on FER+'s PublicTest by severity of each condition.

    Size, blur, contrast and brightness are simulated on all faces; head turn is that of the faces,
    in bins. `measure` is the median of the quantity that `mien.vision.quality` uses; for size it
    is the simulated eye distance, for turn the lower edge of the bin.
    """
    classifier = ExpressionClassifier(
        open_session("expression", precision=precision, folder=weights)
    )
    data = load_fer(folder)
    rows = data.rows("PublicTest")
    rows = rows[majority(data.votes[rows]) >= 0]
    truth = majority(data.votes[rows])
    faces = fer_faces(data, rows)
    crops = upright_crops(faces)

    def figures(change: Callable[[Crop], Crop], name: str) -> dict[str, Any]:
        changed = np.stack([change(crop) for crop in crops])
        hit = classifier.classify(changed).probabilities.argmax(axis=1) == truth
        qualities = crop_qualities(np.full((len(changed), 5, 2), np.nan), changed)
        measures = [getattr(quality, name) for quality in qualities]
        return {
            "measure": round(float(np.median(measures)), 4),
            "accuracy": round(float(hit.mean()), 4),
            "n": len(hit),
        }

    plain = classifier.classify(crops).probabilities.argmax(axis=1) == truth
    return {
        "size": [
            {**figures(partial(shrink, side=_side(eyes)), "eye_distance"), "measure": eyes}
            for eyes in EYE_DISTANCES
        ],
        "sharpness": [figures(partial(blur, sigma=sigma), "sharpness") for sigma in SIGMAS],
        "contrast": [figures(partial(fade, gain=gain, level=0.5), "contrast") for gain in GAINS],
        "brightness": [
            figures(partial(fade, gain=0.5, level=level), "brightness") for level in LEVELS
        ],
        "turn": _by_turn(crop_qualities(faces.landmarks, crops), plain),
    }


def _by_turn(qualities: list[Quality], hit: npt.NDArray[np.bool_]) -> list[dict[str, Any]]:
    turns = np.array([quality.turn for quality in qualities])
    return [
        {
            "measure": low,
            "accuracy": round(float(hit[inside].mean()), 4),
            "n": int(inside.sum()),
        }
        for low, high in itertools.pairwise(TURNS)
        if (inside := (turns >= low) & (turns < high)).any()
    ]


def _side(eyes: float) -> int:
    """The side in pixels of a crop with an eye distance of `eyes` pixels."""
    return max(round(CROP_SIZE * eyes / EYE_DISTANCE), 2)
