"""Image pyramid of a grey image, shared by all crops from it."""

import cv2
import numpy as np
import numpy.typing as npt

from mien.core.media import Image

__all__ = ["Pyramid"]


class Pyramid:
    """A grey image, halved on demand and cached; not thread-safe.

    Args:
        grey: (height, width) uint8.
    """

    def __init__(self, grey: Image) -> None:
        self._levels = [grey]

    def nearest(self, matrix: npt.NDArray[np.float64]) -> tuple[Image, npt.NDArray[np.float64]]:
        """The level that a crop shrinks by less than two, and the crop's matrix from that level.

        Bilinear sampling aliases where a crop shrinks an image more.

        Args:
            matrix: (2, 3), from the full image to the crop.
        """
        shrink = 1.0 / max(float(np.sqrt(abs(np.linalg.det(matrix[:, :2])))), 1e-6)
        number = 0
        while shrink >= 2.0 and min(self._levels[number].shape) >= 2:
            if number + 1 == len(self._levels):
                self._levels.append(_halved(self._levels[number]))
            large, small = self._levels[number].shape, self._levels[number + 1].shape
            matrix = _rescaled(matrix, np.array([large[1] / small[1], large[0] / small[0]]))
            shrink /= 2.0
            number += 1
        return self._levels[number], matrix


def _halved(grey: Image) -> Image:
    height, width = grey.shape
    half = cv2.resize(grey, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    return np.asarray(half, dtype=np.uint8)


def _rescaled(
    matrix: npt.NDArray[np.float64], ratio: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """The matrix from an image shrunk by the ratio (x, y), which keeps pixel centres in place."""
    scaled = matrix.copy()
    scaled[:, :2] = matrix[:, :2] * ratio
    scaled[:, 2] = matrix[:, 2] + matrix[:, :2] @ (ratio / 2 - 0.5)
    return scaled
