"""The third look at a face: where exactly its five landmarks are."""

import numpy as np
import numpy.typing as npt

from mien.core.media import Image
from mien.runtime.session import Session
from mien.vision.alignment import (
    CANONICAL,
    CROP_SIZE,
    alignment_matrix,
    crop_face,
    spread_apart,
    zoomed,
)
from mien.vision.pyramid import Pyramid

__all__ = ["CLOSE_SIZE", "EXPECTED", "LandmarkPlacer", "close_matrix"]

CLOSE_SIZE = 64
"""Side in pixels of the crop that the network looks at."""
CLOSE_ZOOM = 0.8
"""Size of the face in it, in units of that in the canonical crop: brows and chin show too."""
EXPECTED: npt.NDArray[np.float64] = CLOSE_ZOOM * ((CANONICAL + 0.5) / CROP_SIZE - 0.5)
"""(5, 2) where the landmarks lie in it if they are right and the face is an average one, from its
middle in units of its side."""
EXPECTED.setflags(write=False)

Floats = npt.NDArray[np.float32]


class LandmarkPlacer:
    """Places landmarks anew that are nearly right; safe to call from several threads.

    The face is turned upright and brought to one size by the landmarks there are: what is left to
    say is little, so that a small network says it well.

    Args:
        session: of the weights named "landmarks".
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._input = str(session.card.input["name"])
        self._share = session.card.number("share")

    def place(self, picture: Image | Pyramid, points: Floats) -> Floats:
        """The weighted mean of landmarks and of where the network sees them: the two err apart.

        Args:
            picture: RGB or grey, uint8; as a pyramid where there are many faces.
            points: (n, 10) float32, x and y of five landmarks in pixels of the picture.

        Returns:
            (n, 10) float32. Landmarks that are not finite or coincide stay as they are.
        """
        placed = points.astype(np.float32)
        usable = np.array([spread_apart(five) for five in points.reshape(-1, 5, 2)], dtype=np.bool_)
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
    """The similarity transform (2, 3) from the picture to the crop of a face with landmarks (5, 2).

    Raises:
        ValueError: if the points all coincide or are not finite.
    """
    return zoomed(alignment_matrix(points, CLOSE_SIZE), CLOSE_ZOOM, CLOSE_SIZE)
