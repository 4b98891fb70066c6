"""Where the network looked: activation maps placed in the picture."""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from mien.core.labels import EMOTIONS
from mien.core.types import Face, Image
from mien.pipeline.frame import FrameReader
from mien.vision.alignment import alignment_matrix
from mien.vision.geometry import apply_transform

__all__ = ["activations"]


def activations(reader: FrameReader, image: Image, faces: Sequence[Face]) -> list[dict[str, Any]]:
    """For each face of a picture, the map of its most probable expression.

    Args:
        reader: reads the faces.
        image: (height, width, 3) RGB, uint8.
        faces: those that were found in it.

    Returns:
        The fields of `mien.apps.web.schemas.Activation`.
    """
    shown = []
    size = reader.classifier.size
    result = reader.classifier.classify(reader.looks(image, list(faces)))
    for face, row, maps in zip(faces, result.probabilities, result.activation, strict=True):
        top = int(row.argmax())
        grid = maps[top]
        corners = np.array([[0, 0], [size, 0], [size, size], [0, size]]) - 0.5
        back = cv2.invertAffineTransform(alignment_matrix(face.landmarks.as_array(), size))
        shown.append(
            {
                "emotion": EMOTIONS[top].value,
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
