"""What faces are compared by: groups that the user names, or else conditions of their pictures.

Conditions are measured on pictures, not on people: a dark crop may be of dark skin, of a dark room
or of a short exposure, and nothing here can tell which.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from mien.core.types import Box, Face, Landmarks
from mien.vision.alignment import CANONICAL, CROP_SIZE
from mien.vision.quality import assess
from mien_lab.data.groups import read_groups
from mien_lab.evaluation.face_crops import FaceCrops

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
"""Between the eyes, where the bridge of glasses crosses bare skin."""
_EYES = (slice(14, 23), slice(9, 39))


@dataclass(frozen=True)
class Columns:
    """Groups of faces.

    Attributes:
        values: by the name of each column, the group of each face, (n,); empty for none.
        about: what the groups are, for the record: `compared`, `notes` in sentences, `conditions`
            with the edges and unit of their thirds, and `unmatched` names of the user's table.
    """

    values: Mapping[str, npt.NDArray[np.str_]]
    about: Mapping[str, Any]


@dataclass(frozen=True)
class Condition:
    """One condition of pictures in thirds.

    Attributes:
        groups: by name, the third of each sample; empty where it could not be measured.
        edges: the two values between the thirds.
        unit: of the values.
    """

    groups: tuple[str, ...]
    edges: tuple[float, float]
    unit: str


def given_columns(table: Path, names: Sequence[str]) -> Columns:
    """The groups that a CSV names, as `mien-lab train --groups` takes it.

    Args:
        table: with the column `name` and one for each kind of group.
        names: (n,) of the faces, in whose order the groups are returned.

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
    """Conditions of the pictures in thirds; see `image_conditions`.

    Args:
        faces: as they were cut.
        names: (n,) of the faces, in whose order the thirds are returned.
        caution: a sentence on what thirds may mislead about.
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
    """The conditions of the pictures in thirds, for samples in the order of `names`.

    A sample in which no face was found is in no third, nor is one without landmarks for turn and
    face size. A condition that does not vary is left out.
    """
    points = [
        Face(Box(0, 0, CROP_SIZE, CROP_SIZE), 1.0, Landmarks.from_array(row))
        for row in np.where(np.isnan(faces.landmarks), CANONICAL, faces.landmarks)
    ]
    qualities = [assess(face, crop) for face, crop in zip(points, faces.crops, strict=True)]
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

    No measure of skin tone: light and exposure change it as much as skin does.
    """
    return float(crop[_SKIN].mean())


def glasses_like(crop: Crop) -> float:
    """How much a 48-pixel crop looks as if something lay over the eyes, in its grey deviations.

    The mean vertical change of grey across the bridge of the nose, where a frame draws edges over
    bare skin (after Jiang, Binkert, Achermann, Bunke, "Towards detection of glasses in facial
    images", Pattern Analysis and Applications 3, 2000), and how much darker the eyes are than nose
    and cheeks. Crude: strong brows, deep shadows and hair raise it, thin frames hardly do.
    """
    grey = crop.astype(np.float32)
    spread = max(float(grey.std()), 1.0)
    edges = np.abs(cv2.Sobel(grey, cv2.CV_32F, 0, 1, ksize=3)[_BRIDGE]).mean() / 8
    darkness = float(grey[_SKIN].mean() - grey[_EYES].mean())
    return float((edges + max(darkness, 0.0)) / spread)


def terciles(
    values: npt.NDArray[np.floating],
) -> tuple[tuple[str, ...], tuple[float, float]]:
    """The third of each value, empty for NaN, and the edges between the thirds.

    Equal values are in the same third, so that thirds need not be of the same size.
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
