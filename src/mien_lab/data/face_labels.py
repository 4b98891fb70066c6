"""Boxes and landmarks of faces, as the tables of the data give them."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mien.core.errors import InputError
from mien.core.types import Landmarks
from mien.vision.alignment import can_align

__all__ = ["POINTS", "FaceLabel", "face_label", "five_points"]

POINTS = ("right_eye", "left_eye", "nose", "right_mouth", "left_mouth")

Floats = npt.NDArray[np.float64]
FaceLabel = tuple[Floats, Floats, float]
"""Box `(4,)` and landmarks `(5, 2)` in pixels, as in `scenes`, and the labelling detector's score.

The labelling detector is the public detector that produced the boxes and landmarks.
"""


def face_label(row: Mapping[str, str], path: Path) -> FaceLabel:
    """Parse a row of `faces.csv` or `landmarks.csv`.

    Raises:
        InputError: if a column is missing or a value is not a number; it names the file.
    """
    try:
        box = np.array([float(row[key]) for key in ("x", "y", "w", "h")], np.float64)
        points = np.array(
            [[float(row[f"{key}_{axis}"]) for axis in "xy"] for key in POINTS], np.float64
        )
        return box, points, float(row["score"])
    except KeyError as error:
        raise InputError(f"{path} has no column {error}; get it again") from None
    except (TypeError, ValueError) as error:
        raise InputError(f"a row of {path} holds no number where one belongs ({error})") from None


def five_points(values: npt.NDArray[np.generic]) -> Floats | None:
    """Convert the 68 iBUG landmarks (Sagonas et al., ICCVW 2013) to mien's five, (5, 2).

    Returns None if the values are not 136 numbers, or cannot align a face.
    """
    if values.size != 136 or not np.issubdtype(values.dtype, np.number):
        return None
    points = values.astype(np.float64).reshape(68, 2)
    right, left = points[36:42].mean(axis=0), points[42:48].mean(axis=0)
    five = np.stack([right, left, points[30], points[48], points[54]])
    # Landmarks that could not be placed all have one value, which cannot align a face.
    return five if np.isfinite(five).all() and can_align(Landmarks.from_array(five)) else None
