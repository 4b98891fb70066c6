"""Graded damage to aligned faces: what light, lenses, files, bad alignment and covers take away.

Each kind is a pure function of a grey crop, an amount in a physical unit and a generator that draws
its free choices; `CORRUPTIONS` gives the amounts of severities 1 to 5, after the benchmark of
Hendrycks and Dietterich, "Benchmarking neural network robustness to common corruptions and
perturbations", ICLR 2019. Lengths in pixels are of a 48-pixel crop, where the eyes are 18 apart,
and scale with the crop.
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
"""A stop, a doubling of light, is a factor of 2^(1/2.2) in grey levels (sRGB, IEC 61966-2-1)."""


class Kind(StrEnum):
    """Where the damage comes from."""

    LIGHT = "light"
    DETAIL = "detail"
    GEOMETRY = "geometry"
    OCCLUSION = "occlusion"


@dataclass(frozen=True)
class Corruption:
    """One kind of damage in five severities.

    Attributes:
        name: by which figures are reported.
        kind: where it comes from.
        unit: what the amounts are, for the reader of a table.
        amounts: of severities 1 to 5.
        change: from a crop (size, size) uint8, an amount and a generator to the damaged crop.
    """

    name: str
    kind: Kind
    unit: str
    amounts: tuple[float, float, float, float, float]
    change: Callable[[Crop, float, np.random.Generator], Crop]

    def apply(self, crop: Crop, severity: int, *, seed: int = 0, name: str = "") -> Crop:
        """The damaged crop; the same for the same seed and name of the face, whatever came before.

        All severities of a face share their free choices, such as the side that is covered.

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
    """Under-exposure, rounded to eight bits; noise is a corruption of its own.

    Severities 1 to 5: 1, 2, 4, 6, 8 stops less light.
    """
    return _clipped(crop * 2.0 ** (-stops / DISPLAY_GAMMA))


def contrast(crop: Crop, share: float, _: np.random.Generator) -> Crop:
    """Haze: grey levels drawn towards their mean.

    Severities 1 to 5: 0.5, 0.3, 0.15, 0.08, 0.04 of the contrast is left.
    """
    return fade(crop, share, float(crop.mean()) / 255)


def gamma(crop: Crop, exponent: float, rng: np.random.Generator) -> Crop:
    """A wrong tone curve; the generator draws whether the exponent or its inverse is applied.

    Severities 1 to 5: exponents 1.3, 1.6, 2, 2.5, 3.5.
    """
    power = exponent if rng.random() < 0.5 else 1 / exponent
    return _clipped((crop / 255.0) ** power * 255)


def blur(crop: Crop, sigma: float, _: np.random.Generator | None = None) -> Crop:
    """A Gaussian blur, as of a lens out of focus.

    Severities 1 to 5: standard deviation of 0.75, 1, 1.5, 2, 3 pixels.
    """
    width = sigma * scale_of(crop)
    return np.asarray(cv2.GaussianBlur(crop, (0, 0), width), np.uint8)


def noise(crop: Crop, sigma: float, rng: np.random.Generator) -> Crop:
    """Gaussian noise of the sensor, independent in each pixel, clipped to 0 to 255.

    Severities 1 to 5: standard deviation of 6, 12, 20, 30, 45 grey levels.
    """
    return _clipped(crop + rng.standard_normal(crop.shape) * sigma)


def jpeg(crop: Crop, quality: float, _: np.random.Generator) -> Crop:
    """JPEG, with its blocks of 8 pixels laid over the crop.

    Severities 1 to 5: quality 50, 30, 15, 10, 5 by libjpeg's scale.
    """
    return compressed(crop, round(quality))


def downscale(crop: Crop, side: float, _: np.random.Generator) -> Crop:
    """A small face, enlarged again.

    Severities 1 to 5: the crop had a side of 32, 26, 22, 19, 16 pixels.
    """
    return shrink(crop, round(side))


def rotation(crop: Crop, degrees: float, rng: np.random.Generator) -> Crop:
    """A crop turned about its middle, as wrong eye points would; the generator draws the side.

    Severities 1 to 5: 5, 10, 20, 30, 45 degrees.
    """
    middle = (len(crop) - 1) / 2
    angle = degrees if rng.random() < 0.5 else -degrees
    turned = np.asarray(cv2.getRotationMatrix2D((middle, middle), angle, 1.0), np.float64)
    return _warped(crop, turned)


def shift(crop: Crop, pixels: float, rng: np.random.Generator) -> Crop:
    """A crop beside the face, as wrong points would; the generator draws the direction.

    Severities 1 to 5: 1.5, 3, 5, 7, 10 pixels.
    """
    angle, length = rng.uniform(0, 2 * math.pi), pixels * scale_of(crop)
    step = length * np.array([math.cos(angle), math.sin(angle)])
    return _warped(crop, np.hstack([np.eye(2), step[:, None]]))


def fade(crop: Crop, gain: float, level: float) -> Crop:
    """Contrast times the gain, around a level that is a share of the grey range."""
    return _clipped((crop.astype(np.float32) - crop.mean()) * gain + level * 255)


def compressed(grey: Crop, quality: int) -> Crop:
    """A grey picture (height, width) as JPEG keeps it, the quality 1 to 100 by libjpeg's scale."""
    _, data = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.uint8)


def shrink(crop: Crop, side: int) -> Crop:
    """The crop as if it had been `side` pixels wide."""
    small = cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA)
    size = (crop.shape[1], crop.shape[0])
    return np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def _clipped(grey: npt.NDArray[np.floating]) -> Crop:
    return np.asarray(np.clip(grey, 0, 255).round(), dtype=np.uint8)


def _warped(crop: Crop, matrix: npt.NDArray[np.floating]) -> Crop:
    size = (crop.shape[1], crop.shape[0])
    # The edge is repeated outwards, as the crops of serving do at the edge of a picture.
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
"""All of them, in the order in which they are reported."""
