"""Groups to compare faces by: given by the user, or terciles of image conditions.

Conditions are measured on pictures, not on people: a dark crop may be due to dark skin, a dark room
or a short exposure, which cannot be told apart here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from mien_lab.data.groups import read_groups
from mien_lab.evaluation.face_crops import FaceCrops, crop_qualities

__all__ = [
    "Columns",
    "Condition",
    "given_columns",
    "glasses_like",
    "image_conditions",
    "luminance",
    "measured_columns",
    "terciles",
]

Crop = npt.NDArray[np.uint8]

_SKIN = (slice(22, 34), slice(14, 34))
"""Rows and columns of a 48-pixel crop between eyes and mouth: nose and cheeks."""
_BRIDGE = (slice(13, 23), slice(20, 28))
"""Rows and columns between the eyes, where the bridge of glasses crosses bare skin."""
_EYES = (slice(14, 23), slice(9, 39))
"""Rows and columns of the eye region."""


@dataclass(frozen=True)
class Columns:
    """Groups of faces.

    Attributes:
        values: group of each face, (n,), by column; an empty string means none.
        about: description of the groups for JSON: `compared`, `notes` (sentences), `conditions`
            (edges and unit of the terciles) and `unmatched` names of the user's table.
    """

    values: Mapping[str, npt.NDArray[np.str_]]
    about: Mapping[str, Any]


@dataclass(frozen=True)
class Condition:
    """Terciles of one image condition.

    Attributes:
        groups: (n,) name of the tercile of each sample; empty where it could not be measured.
        edges: the two values between the terciles.
        unit: unit of the values.
    """

    groups: tuple[str, ...]
    edges: tuple[float, float]
    unit: str


def given_columns(table: Path, names: Sequence[str]) -> Columns:
    """Groups from a CSV in the format of `mien-lab train --groups`.

    Args:
        table: CSV with the column `name` and one column for each kind of group.
        names: (n,) names of the faces, which set the order of the result.

    Raises:
        InputError: if it cannot be read, or names none of the faces.
    """
    groups = read_groups(table, names)
    notes = []
    if groups.unmatched:
        notes.append(
            f"{len(groups.unmatched):,} names in {table} are of no face used here, the first: "
            f"{groups.unmatched[0]}"
        )
    about = {"compared": "groups", "notes": notes, "conditions": {}}
    return Columns(
        {column: np.array(values) for column, values in groups.columns.items()},
        {**about, "unmatched": list(groups.unmatched)},
    )


def measured_columns(faces: FaceCrops, names: Sequence[str], caution: str) -> Columns:
    """Terciles of image conditions; see `image_conditions`.

    Args:
        faces: aligned faces.
        names: (n,) names of the faces, which set the order of the result.
        caution: a sentence on how terciles may mislead, added to the notes.
    """
    thirds = image_conditions(faces, names)
    note = (
        "No groups were given: these are conditions of the pictures, in thirds, and not groups of "
        f"people. {caution}"
    )
    conditions = {
        name: {"edges": list(condition.edges), "unit": condition.unit}
        for name, condition in thirds.items()
    }
    about = {"compared": "image conditions", "notes": [note], "conditions": conditions}
    return Columns(
        {name: np.array(condition.groups) for name, condition in thirds.items()},
        {**about, "unmatched": []},
    )


def image_conditions(faces: FaceCrops, names: Sequence[str]) -> dict[str, Condition]:
    """Terciles of each image condition, for samples in the order of `names`.

    Samples without a detected face are in no tercile; neither are those without landmarks, for head
    turn and face size. Constant conditions are omitted.
    """
    qualities = crop_qualities(faces.landmarks, faces.crops)
    placed = ~np.isnan(faces.landmarks).any(axis=(1, 2))
    measured = {
        "skin-region luminance": (
            np.array([luminance(crop) for crop in faces.crops]),
            "grey level",
        ),
        "contrast": (np.array([quality.contrast for quality in qualities]), "grey levels"),
        "head turn": (
            np.where(placed, [quality.turn for quality in qualities], np.nan),
            "0 facing, 1 in profile",
        ),
        "face size": (
            np.where(placed, [quality.eye_distance for quality in qualities], np.nan),
            "pixels between the eyes",
        ),
        "glasses-like cover": (
            np.array([glasses_like(crop) for crop in faces.crops]),
            "standard deviations of grey",
        ),
    }
    rows = {name: row for row, name in enumerate(faces.names)}
    conditions = {}
    for title, (values, unit) in measured.items():
        all_values = np.array([values[rows[name]] if name in rows else np.nan for name in names])
        groups, edges = terciles(all_values)
        if len(set(groups) - {""}) > 1:
            conditions[title] = Condition(groups, edges, unit)
    return conditions


def luminance(crop: Crop) -> float:
    """Mean grey level, 0 to 255, of nose and cheeks of a 48-pixel crop (Rec. 601 luma).

    It does not measure skin tone: light and exposure change it as much as skin does.
    """
    return float(crop[_SKIN].mean())


def glasses_like(crop: Crop) -> float:
    """A crude score for glasses in a 48-pixel crop, in standard deviations of its grey levels.

    It is the mean vertical gradient on the bridge of the nose, where a frame crosses bare skin
    (after Jiang, Binkert, Achermann, Bunke, "Towards detection of glasses in facial images",
    Pattern Analysis and Applications 3, 2000), plus the amount by which the eye region is darker
    than nose and cheeks. Strong brows, deep shadows and hair also raise it; thin frames hardly do.
    """
    grey = crop.astype(np.float32)
    spread = max(float(grey.std()), 1.0)
    edges = np.abs(cv2.Sobel(grey, cv2.CV_32F, 0, 1, ksize=3)[_BRIDGE]).mean() / 8
    darkness = float(grey[_SKIN].mean() - grey[_EYES].mean())
    return float((edges + max(darkness, 0.0)) / spread)


def terciles(
    values: npt.NDArray[np.floating],
) -> tuple[tuple[str, ...], tuple[float, float]]:
    """The name of the tercile of each value, empty for NaN, and the edges between terciles.

    Equal values are in the same tercile, so that sizes may differ.
    """
    values = np.round(values, 4)
    known = values[~np.isnan(values)]
    if not len(known):
        return ("",) * len(values), (0.0, 0.0)
    low, high = (float(edge) for edge in np.quantile(known, [1 / 3, 2 / 3]))
    names = np.array(
        [
            f"lowest third (to {low:.3g})",
            f"middle third ({low:.3g} to {high:.3g})",
            f"upper third (above {high:.3g})",
        ]
    )
    third = (values > low).astype(int) + (values > high)
    return tuple(np.where(np.isnan(values), "", names[third]).tolist()), (low, high)
