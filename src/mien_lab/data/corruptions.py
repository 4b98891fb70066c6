"""Graded corruptions of aligned faces: light, blur, noise, compression, misalignment, occlusion.

Each corruption is a pure function of a grey crop, an amount in a physical unit and a random
generator. `CORRUPTIONS` defines the amounts of severities 1 to 5, after Hendrycks and Dietterich,
"Benchmarking neural network robustness to common corruptions and perturbations", ICLR 2019.
Lengths in pixels refer to a 48-pixel crop, where the eyes are 18 pixels apart, and scale with the
crop.
"""

import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
import numpy.typing as npt

from mien_lab.data import occlusions
from mien_lab.data.occlusions import Crop, scale_of

__all__ = [
    "CORRUPTIONS",
    "SEVERITIES",
    "Corruption",
    "Kind",
    "blur",
    "brightness",
    "compressed",
    "contrast",
    "darkness",
    "downscale",
    "fade",
    "gamma",
    "jpeg",
    "noise",
    "rotation",
    "shift",
    "shrink",
]

SEVERITIES = (1, 2, 3, 4, 5)
DISPLAY_GAMMA = 2.2
"""Display gamma: one stop (a doubling of light) scales grey levels by 2^(1/2.2).

Approximates sRGB, IEC 61966-2-1.
"""


class Kind(StrEnum):
    """The cause of a corruption."""

    LIGHT = "light"
    DETAIL = "detail"
    GEOMETRY = "geometry"
    OCCLUSION = "occlusion"


@dataclass(frozen=True)
class Corruption:
    """A corruption with five severities.

    Attributes:
        name: name in reports.
        kind: its cause.
        unit: unit of the amounts, for tables.
        amounts: amounts of severities 1 to 5.
        change: function of a crop (size, size) uint8, an amount and a generator that returns the
            corrupted crop.
    """

    name: str
    kind: Kind
    unit: str
    amounts: tuple[float, float, float, float, float]
    change: Callable[[Crop, float, np.random.Generator], Crop]

    def apply(self, crop: Crop, severity: int, *, seed: int = 0, name: str = "") -> Crop:
        """Corrupt a crop; deterministic for a seed and the name of the face.

        All severities share the random choices of a face, such as the side that is covered.

        Raises:
            ValueError: if the severity is not 1 to 5.
        """
        if severity not in SEVERITIES:
            raise ValueError(f"severity must be 1 to 5, not {severity}")
        keys = [zlib.crc32(text.encode()) for text in (self.name, name)]
        rng = np.random.default_rng([seed, *keys])
        return self.change(crop, self.amounts[severity - 1], rng)


def brightness(crop: Crop, stops: float, _: np.random.Generator) -> Crop:
    """Over-exposure, clipped at white.

    Severities 1 to 5: 0.5, 1, 1.5, 2, 3 stops more light.
    """
    return _clipped(crop * 2.0 ** (stops / DISPLAY_GAMMA))


def darkness(crop: Crop, stops: float, _: np.random.Generator) -> Crop:
    """Under-exposure, rounded to eight bits, without added noise.

    Severities 1 to 5: 1, 2, 4, 6, 8 stops less light.
    """
    return _clipped(crop * 2.0 ** (-stops / DISPLAY_GAMMA))


def contrast(crop: Crop, share: float, _: np.random.Generator) -> Crop:
    """Reduced contrast: grey levels contracted towards their mean, as by haze.

    Severities 1 to 5: 0.5, 0.3, 0.15, 0.08, 0.04 of the contrast remains.
    """
    return fade(crop, share, float(crop.mean()) / 255)


def gamma(crop: Crop, exponent: float, rng: np.random.Generator) -> Crop:
    """Wrong gamma; the exponent or its inverse is applied at random.

    Severities 1 to 5: exponents 1.3, 1.6, 2, 2.5, 3.5.
    """
    power = exponent if rng.random() < 0.5 else 1 / exponent
    return _clipped((crop / 255.0) ** power * 255)


def blur(crop: Crop, sigma: float, _: np.random.Generator | None = None) -> Crop:
    """Gaussian blur, as from a lens out of focus.

    Severities 1 to 5: standard deviation of 0.75, 1, 1.5, 2, 3 pixels.
    """
    width = sigma * scale_of(crop)
    return np.asarray(cv2.GaussianBlur(crop, (0, 0), width), np.uint8)


def noise(crop: Crop, sigma: float, rng: np.random.Generator) -> Crop:
    """Gaussian sensor noise, independent per pixel, clipped to 0 to 255.

    Severities 1 to 5: standard deviation of 6, 12, 20, 30, 45 grey levels.
    """
    return _clipped(crop + rng.standard_normal(crop.shape) * sigma)


def jpeg(crop: Crop, quality: float, _: np.random.Generator) -> Crop:
    """JPEG compression of the crop, whatever its size, in blocks of 8 pixels.

    Severities 1 to 5: quality 50, 30, 15, 10, 5 on libjpeg's scale.
    """
    return compressed(crop, round(quality))


def downscale(crop: Crop, side: float, _: np.random.Generator) -> Crop:
    """Low resolution: the crop downsampled and enlarged again.

    Severities 1 to 5: side of the downsampled crop 32, 26, 22, 19, 16 pixels.
    """
    return shrink(crop, round(side))


def rotation(crop: Crop, degrees: float, rng: np.random.Generator) -> Crop:
    """Rotation about the centre, as from wrong eye landmarks; the direction is random.

    Severities 1 to 5: 5, 10, 20, 30, 45 degrees.
    """
    middle = (len(crop) - 1) / 2
    angle = degrees if rng.random() < 0.5 else -degrees
    turned = np.asarray(cv2.getRotationMatrix2D((middle, middle), angle, 1.0), np.float64)
    return _warped(crop, turned)


def shift(crop: Crop, pixels: float, rng: np.random.Generator) -> Crop:
    """Translation, as from wrong landmarks; the direction is random.

    Severities 1 to 5: 1.5, 3, 5, 7, 10 pixels.
    """
    angle, length = rng.uniform(0, 2 * math.pi), pixels * scale_of(crop)
    step = length * np.array([math.cos(angle), math.sin(angle)])
    return _warped(crop, np.hstack([np.eye(2), step[:, None]]))


def fade(crop: Crop, gain: float, level: float) -> Crop:
    """Scale the contrast by `gain` and set the mean to `level`, a share of the grey range."""
    return _clipped((crop.astype(np.float32) - crop.mean()) * gain + level * 255)


def compressed(grey: Crop, quality: int) -> Crop:
    """A grey picture (height, width) uint8 after JPEG of quality 1 to 100 (libjpeg's scale)."""
    _, data = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.uint8)


def shrink(crop: Crop, side: int) -> Crop:
    """The crop downsampled to `side` by `side` pixels and enlarged to its size again."""
    small = cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA)
    size = (crop.shape[1], crop.shape[0])
    return np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def _clipped(grey: npt.NDArray[np.floating]) -> Crop:
    return np.asarray(np.clip(grey, 0, 255).round(), dtype=np.uint8)


def _warped(crop: Crop, matrix: npt.NDArray[np.floating]) -> Crop:
    size = (crop.shape[1], crop.shape[0])
    # The border is replicated, as in the crops of the pipeline.
    warped = cv2.warpAffine(crop, matrix, size, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(warped, np.uint8)


CORRUPTIONS: tuple[Corruption, ...] = (
    Corruption("brightness", Kind.LIGHT, "stops more light", (0.5, 1, 1.5, 2, 3), brightness),
    Corruption("darkness", Kind.LIGHT, "stops less light", (1, 2, 4, 6, 8), darkness),
    Corruption(
        "contrast", Kind.LIGHT, "of the contrast left", (0.5, 0.3, 0.15, 0.08, 0.04), contrast
    ),
    Corruption("gamma", Kind.LIGHT, "exponent or its inverse", (1.3, 1.6, 2, 2.5, 3.5), gamma),
    Corruption("blur", Kind.DETAIL, "pixels, sigma", (0.75, 1, 1.5, 2, 3), blur),
    Corruption("noise", Kind.DETAIL, "grey levels, sigma", (6, 12, 20, 30, 45), noise),
    Corruption("jpeg", Kind.DETAIL, "quality", (50, 30, 15, 10, 5), jpeg),
    Corruption("downscale", Kind.DETAIL, "pixels, side", (32, 26, 22, 19, 16), downscale),
    Corruption("rotation", Kind.GEOMETRY, "degrees", (5, 10, 20, 30, 45), rotation),
    Corruption("shift", Kind.GEOMETRY, "pixels", (1.5, 3, 5, 7, 10), shift),
    Corruption(
        "eyes", Kind.OCCLUSION, "eye distances high", (0.2, 0.35, 0.5, 0.65, 0.8), occlusions.eyes
    ),
    Corruption(
        "mouth", Kind.OCCLUSION, "eye distances high", (0.2, 0.35, 0.5, 0.65, 0.8), occlusions.mouth
    ),
    Corruption("half", Kind.OCCLUSION, "of the width", (0.2, 0.3, 0.4, 0.5, 0.6), occlusions.half),
    Corruption(
        "mask", Kind.OCCLUSION, "from chin to eyes", (0.2, 0.4, 0.55, 0.7, 0.85), occlusions.mask
    ),
    Corruption(
        "sunglasses", Kind.OCCLUSION, "of the light stopped", (0.3, 0.5, 0.7, 0.85, 1),
        occlusions.sunglasses,
    ),
)  # fmt: skip
"""All corruptions, in reporting order."""
