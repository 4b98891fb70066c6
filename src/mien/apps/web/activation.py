"""Class activation maps, placed in the image."""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from mien.core.labels import EMOTIONS
from mien.core.media import Image
from mien.core.types import Reading
from mien.pipeline.frame import FrameReader
from mien.vision.alignment import alignment_matrix
from mien.vision.geometry import apply_transform

__all__ = ["activations"]


def activations(
    reader: FrameReader, image: Image, readings: Sequence[Reading]
) -> list[dict[str, Any]]:
    """The activation map of the most probable expression of each face.

    Only the map of the canonical crop is used: those of other scales have other corners.

    Args:
        reader: the reader that made the readings.
        image: RGB of shape (height, width, 3), uint8.
        readings: readings of the image.

    Returns:
        For each reading, the fields of `mien.apps.web.schemas.Activation`.
    """
    shown = []
    size = reader.classifier.size
    result = reader.classifier.classify(reader.crops(image, [one.face for one in readings]))
    for reading, maps in zip(readings, result.activation, strict=True):
        grid = maps[EMOTIONS.index(reading.top)]
        corners = np.array([[0, 0], [size, 0], [size, size], [0, size]]) - 0.5
        back = cv2.invertAffineTransform(alignment_matrix(reading.face.landmarks.as_array(), size))
        shown.append(
            {
                "emotion": reading.top.value,
                "rows": grid.shape[0],
                "columns": grid.shape[1],
                "values": [round(float(value), 3) for value in grid.ravel()],
                "corners": [
                    (round(float(x), 2), round(float(y), 2))
                    for x, y in apply_transform(back, corners)
                ],
            }
        )
    return shown
