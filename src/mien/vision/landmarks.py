"""Landmark network, the third stage of face detection: refines the five landmarks."""

import numpy as np
import numpy.typing as npt

from mien.core.media import Image
from mien.runtime.session import Session
from mien.vision.alignment import (
    CANONICAL,
    CROP_SIZE,
    alignment_matrix,
    can_align_points,
    crop_face,
    zoomed,
)
from mien.vision.pyramid import Pyramid

__all__ = ["CLOSE_SIZE", "EXPECTED", "LandmarkPlacer", "close_matrix"]

CLOSE_SIZE = 64
"""Side of the network's input crop in pixels."""
CLOSE_ZOOM = 0.8
"""Zoom of the network's input crop relative to the canonical crop; brows and chin are visible."""
EXPECTED: npt.NDArray[np.float64] = CLOSE_ZOOM * ((CANONICAL + 0.5) / CROP_SIZE - 0.5)
"""Landmarks of an average face in the network's crop, (5, 2) x and y relative to the centre of the
crop, in units of its side."""
EXPECTED.setflags(write=False)

Floats = npt.NDArray[np.float32]


class LandmarkPlacer:
    """Refines approximate landmarks; safe to call from several threads.

    The given landmarks align the face first; a small network suffices for the residual.

    Args:
        session: session of the "landmarks" weights.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._input = str(session.card.input["name"])
        self._share = session.card.number("share")

    def place(self, picture: Image | Pyramid, points: Floats) -> Floats:
        """Average landmarks with those of the network; their errors are largely independent.

        Args:
            picture: RGB or grey image, uint8; a pyramid for many faces.
            points: (n, 10) float32, x and y of five landmarks in pixels of the image.

        Returns:
            (n, 10) float32. Landmarks that are not finite or coincide are returned unchanged.
        """
        placed = points.astype(np.float32)
        usable = np.array(
            [can_align_points(five) for five in points.reshape(-1, 5, 2)], dtype=np.bool_
        )
        if not usable.any():
            return placed
        matrices = [close_matrix(five) for five in points[usable].reshape(-1, 5, 2)]
        crops = np.stack([crop_face(picture, matrix, CLOSE_SIZE) for matrix in matrices])[:, None]
        seen = self._session.run({self._input: crops.astype(np.float32)})["points"]
        seen = seen.reshape(-1, 5, 2) * CLOSE_SIZE + (CLOSE_SIZE - 1) / 2
        back = [
            (five - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T
            for five, matrix in zip(seen, matrices, strict=True)
        ]
        found = np.stack(back).reshape(-1, 10)
        placed[usable] = self._share * found + (1 - self._share) * points[usable]
        return placed


def close_matrix(points: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Similarity transform (2, 3) from the image to the network's crop, for landmarks (5, 2).

    Raises:
        ValueError: if the points all coincide or are not finite.
    """
    return zoomed(alignment_matrix(points, CLOSE_SIZE), CLOSE_ZOOM, CLOSE_SIZE)
