"""Where the network looked: activation maps placed in the picture."""

from typing import Any

import cv2
import numpy as np

from mien.core.labels import EMOTIONS
from mien.core.types import Image
from mien.pipeline.frame import FrameReader
from mien.vision.alignment import alignment_matrix
from mien.vision.geometry import apply_transform

__all__ = ["activations"]


def activations(reader: FrameReader, image: Image) -> list[dict[str, Any]]:
    """For each face of a picture, the largest first, the map of its most probable expression.

    Args:
        reader: finds and reads the faces.
        image: (height, width, 3) RGB, uint8.

    Returns:
        The fields of `mien.apps.web.schemas.Activation`.
    """
    shown = []
    for face, result in reader.explain(image):
        top = int(result.probabilities[0].argmax())
        grid = result.activation[0, top]
        size = reader.classifier.size
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
