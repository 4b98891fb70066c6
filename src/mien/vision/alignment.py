"""Face alignment: the canonical crop from five landmarks, used in training and inference."""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from mien.core.media import Image
from mien.core.types import Landmarks
from mien.vision.geometry import similarity_transform
from mien.vision.pyramid import Pyramid

__all__ = [
    "CANONICAL",
    "CROP_SIZE",
    "FILM_ZOOMS",
    "ZOOMS",
    "align",
    "alignment_matrix",
    "can_align",
    "can_align_points",
    "crop_face",
    "zoomed",
    "zoomed_crops",
]

CROP_SIZE = 48
"""Side of the canonical crop in pixels, as in FER2013."""

CANONICAL: npt.NDArray[np.float64] = np.array(
    [[14.6, 18.4], [32.7, 18.2], [23.5, 28.3], [16.6, 36.2], [31.6, 35.9]]
)
"""Canonical landmarks in the crop: medians over FER2013, (5, 2) x and y in pixels, float64."""
CANONICAL.setflags(write=False)

ZOOMS = (0.9, 1.0, 1.1)
"""Scales of test-time augmentation for still images, in units of the canonical crop. Chosen on
FER2013's PublicTest, where the mean over the three reads FER+ 0.8 points better than 1.0 alone."""

FILM_ZOOMS = (1.0, 1.1)
"""Scales of test-time augmentation for videos and cameras, one per frame in turn: the recurrent
network averages over frames, and so over scales, at the cost of one. On PublicTest either scale
alone reads alike, and their mean 0.5 points better."""

MIN_SPREAD = 0.1
"""Minimum extent of the five landmarks, in pixels of the image."""


def alignment_matrix(
    points: npt.NDArray[np.floating], size: int = CROP_SIZE
) -> npt.NDArray[np.float64]:
    """Similarity transform that maps five landmarks onto `CANONICAL`.

    Args:
        points: (5, 2) landmarks in pixels of the image.
        size: side of the crop in pixels.

    Returns:
        (2, 3) float64 matrix from image to crop coordinates; (0, 0) is the centre of the first
        pixel.

    Raises:
        InputError: if the points all coincide or are not finite.
    """
    scale = size / CROP_SIZE
    target = (CANONICAL + 0.5) * scale - 0.5
    return similarity_transform(np.asarray(points, dtype=np.float64), target)


def crop_face(
    image: Image | Pyramid, matrix: npt.NDArray[np.floating], size: int = CROP_SIZE
) -> npt.NDArray[np.uint8]:
    """Warp an image to a grey crop.

    The image border is replicated. Where the crop shrinks the image, the image is first halved as
    often as needed, since bilinear sampling alone would alias.

    Args:
        image: (height, width, 3) RGB or (height, width) grey, uint8; or a pyramid, whose levels
            many crops share.
        matrix: (2, 3), from image to crop coordinates.
        size: side of the crop in pixels.

    Returns:
        (size, size) grey, uint8.
    """
    to_crop = np.asarray(matrix, dtype=np.float64)
    if isinstance(image, Pyramid):
        image, to_crop = image.nearest(to_crop)
    image, to_crop = _around(image, to_crop, size)
    grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    grey, to_crop = Pyramid(np.asarray(grey, dtype=np.uint8)).nearest(to_crop)
    crop = cv2.warpAffine(
        grey, to_crop, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(crop, dtype=np.uint8)


def zoomed_crops(
    image: Image,
    matrix: npt.NDArray[np.floating],
    size: int = CROP_SIZE,
    zooms: Sequence[float] = ZOOMS,
) -> npt.NDArray[np.uint8]:
    """Crops as of `crop_face`, zoomed about the centre by k factors: (k, size, size) uint8."""
    return np.stack([crop_face(image, zoomed(matrix, zoom, size), size) for zoom in zooms])


def zoomed(
    matrix: npt.NDArray[np.floating], zoom: float, size: int = CROP_SIZE
) -> npt.NDArray[np.float64]:
    """The (2, 3) image-to-crop matrix, scaled by `zoom` about the centre of the crop."""
    wider = zoom * np.asarray(matrix, dtype=np.float64)
    wider[:, 2] += (1 - zoom) * (size - 1) / 2
    return wider


def align(image: Image, landmarks: Landmarks, size: int = CROP_SIZE) -> npt.NDArray[np.uint8]:
    """Canonical grey crop, (size, size) uint8, of the face with these landmarks.

    Raises:
        InputError: if the landmarks all coincide or are not finite.
    """
    return crop_face(image, alignment_matrix(landmarks.as_array(), size), size)


def can_align(landmarks: Landmarks) -> bool:
    """Whether the landmarks are finite and do not coincide, so that they can be aligned."""
    return can_align_points(landmarks.as_array())


def can_align_points(points: npt.NDArray[np.floating]) -> bool:
    """As `can_align`, for landmarks (5, 2)."""
    return bool(np.isfinite(points).all() and np.ptp(points, axis=0).max() >= MIN_SPREAD)


def _around(
    image: Image, matrix: npt.NDArray[np.float64], size: int
) -> tuple[Image, npt.NDArray[np.float64]]:
    """The part of the image that the crop samples, and the matrix from that part.

    The cost of a crop then depends on the face's size, not on the image's.
    """
    inverse = cv2.invertAffineTransform(matrix)
    corners = np.array([[-1, -1], [size, -1], [-1, size], [size, size]], dtype=np.float64)
    places = corners @ inverse[:, :2].T + inverse[:, 2]
    height, width = image.shape[:2]
    # The margin gives halving the same neighbours as in the whole image.
    margin = 8 + 2 * int(np.ceil(np.abs(inverse[:, :2]).sum()))
    left, top = (int(np.floor(value)) - margin for value in places.min(axis=0))
    right, bottom = (int(np.ceil(value)) + margin for value in places.max(axis=0))
    left, right = min(max(left, 0), width - 1), max(min(right, width), 1)
    top, bottom = min(max(top, 0), height - 1), max(min(bottom, height), 1)
    part = image[top : max(bottom, top + 1), left : max(right, left + 1)]
    shifted = matrix.copy()
    shifted[:, 2] += matrix[:, :2] @ np.array([left, top], dtype=np.float64)
    return part, shifted
