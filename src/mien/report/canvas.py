"""Anti-aliased shapes and text on an RGB image."""

from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image as PilImage
from PIL import ImageDraw, ImageFont

from mien.core.media import Image
from mien.report.palette import Colour

__all__ = ["Canvas", "text_width"]

Mask = npt.NDArray[np.uint8]
Points = npt.NDArray[np.float64]

# Fractional bits of the coordinates passed to cv2: sixteenths of a pixel.
_SHIFT = 4


class Canvas:
    """An image to draw on; shapes are clipped to it.

    Attributes:
        image: RGB of shape (height, width, 3), uint8; modified in place.
    """

    def __init__(self, image: Image) -> None:
        self.image = image

    def fill(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        radius: float,
        colour: Colour,
        opacity: float = 1.0,
    ) -> None:
        """Fill a rectangle with rounded corners; lengths in pixels."""
        if width <= 0 or height <= 0:
            return
        path = _rounded(x, y, width, height, radius)
        left, top, mask = self._mask(path, 1)
        if mask.size:
            cv2.fillPoly(mask, [_fixed(path - (left, top))], 255, cv2.LINE_AA, _SHIFT)
            self._blend(mask, left, top, colour, opacity)

    def outline(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        radius: float,
        thickness: int,
        colour: Colour,
        opacity: float = 1.0,
        dash: float = 0.0,
    ) -> None:
        """Draw a rectangle with rounded corners, dashed if `dash` is a length in pixels."""
        path = _rounded(x, y, width, height, radius)
        left, top, mask = self._mask(path, thickness + 1)
        if not mask.size:
            return
        closed = dash <= 0
        lines = [path] if closed else _dashes(np.vstack([path, path[:1]]), dash)
        for line in lines:
            points = [_fixed(line - (left, top))]
            cv2.polylines(mask, points, closed, 255, thickness, cv2.LINE_AA, _SHIFT)
        self._blend(mask, left, top, colour, opacity)

    def text(self, x: float, y: float, text: str, size: int, colour: Colour) -> None:
        """Write text with its top left corner at (x, y); `size` is the line height in pixels."""
        self._blend(_text_mask(text, size), round(x), round(y), colour, 1.0)

    def _mask(self, path: Points, margin: int) -> tuple[int, int, Mask]:
        """Left, top and an empty mask of the image region that a path may touch."""
        height, width = self.image.shape[:2]
        low = np.clip(np.floor(path.min(axis=0)) - margin, 0, (width, height)).astype(int)
        high = np.clip(np.ceil(path.max(axis=0)) + margin + 1, 0, (width, height)).astype(int)
        size = np.maximum(high - low, 0)
        return int(low[0]), int(low[1]), np.zeros((size[1], size[0]), np.uint8)

    def _blend(self, mask: Mask, x: int, y: int, colour: Colour, opacity: float) -> None:
        height, width = self.image.shape[:2]
        mask = mask[max(-y, 0) : max(height - y, 0), max(-x, 0) : max(width - x, 0)]
        x, y = max(x, 0), max(y, 0)
        region = self.image[y : y + mask.shape[0], x : x + mask.shape[1]]
        if not region.size:
            return
        alpha = mask[:, :, np.newaxis] * np.float32(opacity / 255)
        below = region.astype(np.float32)
        region[:] = np.rint(below + (np.array(colour, np.float32) - below) * alpha)


def text_width(text: str, size: int) -> int:
    """Width in pixels of a text at a line height of `size` pixels."""
    return int(_text_mask(text, size).shape[1])


@lru_cache(maxsize=1024)
def _text_mask(text: str, size: int) -> Mask:
    font = _font(size)
    width = max(1, round(font.getlength(text)) + 1)
    picture = PilImage.new("L", (width, size))
    # At this baseline the line holds ascenders and descenders, and centres digits.
    ImageDraw.Draw(picture).text((0, round(size * 0.78)), text, fill=255, font=font, anchor="ls")
    return np.asarray(picture)


@lru_cache(maxsize=64)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size * 0.86)


def _rounded(x: float, y: float, width: float, height: float, radius: float) -> Points:
    radius = max(0.0, min(radius, width / 2, height / 2))
    if radius < 0.5:
        return np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height]])
    quarter = np.linspace(0, np.pi / 2, 8)
    corners = []
    for number, (cx, cy) in enumerate(
        [
            (x + width - radius, y + radius),
            (x + width - radius, y + height - radius),
            (x + radius, y + height - radius),
            (x + radius, y + radius),
        ]
    ):
        angle = quarter + (number - 1) * np.pi / 2
        corners.append(np.stack([cx + radius * np.cos(angle), cy + radius * np.sin(angle)], 1))
    return np.vstack(corners)


def _dashes(path: Points, length: float) -> list[Points]:
    """Every other segment of a path that is divided evenly into segments of about `length`."""
    steps = np.hypot(*np.diff(path, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    pairs = max(2, round(along[-1] / (2 * length)))
    edges = np.linspace(0, along[-1], 2 * pairs + 1)
    lines = []
    for start, end in zip(edges[:-1:2], edges[1::2], strict=True):
        inside = along[(along > start) & (along < end)]
        at = np.concatenate([[start], inside, [end]])
        lines.append(
            np.stack([np.interp(at, along, path[:, 0]), np.interp(at, along, path[:, 1])], 1)
        )
    return lines


def _fixed(points: Points) -> npt.NDArray[np.int32]:
    return np.rint(points * (1 << _SHIFT)).astype(np.int32)
