"""Augmentation of training crops as batches in torch."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from mien.vision.alignment import CROP_SIZE

__all__ = ["Augmentation", "augment", "crop_batch", "photometric_jitter"]


@dataclass(frozen=True)
class Augmentation:
    """Augmentation strengths; probabilities are per face."""

    rotation: float = 12.0
    """Maximum rotation in degrees, to either side."""
    scale: float = 0.12
    """Maximum absolute logarithm of the scale."""
    stretch: float = 0.05
    """Maximum absolute logarithm of the factor on the width, and of its inverse on the height."""
    shift: float = 2.5
    """Maximum shift along each axis, in pixels of the 48-pixel crop."""
    gamma: float = 0.35
    """Maximum absolute logarithm of the gamma exponent."""
    contrast: float = 0.3
    """Maximum relative change of the contrast."""
    noise: float = 0.06
    """Maximum standard deviation of the noise, relative to the grey range."""
    blur_chance: float = 0.1
    shrink_chance: float = 0.1
    shrink_to: int = 20
    """Minimum side in pixels that a crop is downsampled to before it is enlarged again."""
    erase_chance: float = 0.25
    mirror: bool = True
    """Whether to flip at random."""


def crop_batch(
    canvases: Tensor, matrices: Tensor, size: int = CROP_SIZE, meant: int = CROP_SIZE
) -> Tensor:
    """Cut crops (n, 1, size, size) out of canvases (n, h, w) in 0..255.

    Args:
        canvases: (n, h, w) grey, any dtype.
        matrices: (n, 2, 3) from canvas to a crop of side `meant`.
        size: side of the crops in pixels.
        meant: side that the matrices refer to; the crops show the same region at any `size`.
    """
    scale = meant / size
    axis = (torch.arange(size, dtype=torch.float32) + 0.5) * scale - 0.5
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    places = torch.stack([x, y], dim=-1).reshape(1, -1, 2)
    linear = torch.linalg.inv(matrices[:, :, :2])
    source = (places - matrices[:, None, :, 2]) @ linear.transpose(1, 2)
    extent = torch.tensor([canvases.shape[2], canvases.shape[1]], dtype=torch.float32)
    grid = ((2 * source + 1) / extent - 1).reshape(-1, size, size, 2)
    return F.grid_sample(
        canvases[:, None].float(), grid, mode="bilinear", padding_mode="border", align_corners=False
    )


def augment(
    canvases: Tensor,
    matrices: Tensor,
    options: Augmentation,
    generator: torch.Generator,
    size: int = CROP_SIZE,
) -> Tensor:
    """Augmented crops (n, 1, size, size) in 0..255; other arguments as for `crop_batch`."""
    count = len(canvases)

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return torch.rand(count, *shape, generator=generator) * (high - low) + low

    crops = crop_batch(canvases, _jitter(matrices, options, generator), size) / 255.0
    crops = crops ** torch.exp(uniform(-options.gamma, options.gamma, 1, 1, 1))
    gain = 1 + uniform(-options.contrast, options.contrast, 1, 1, 1)
    crops = (crops - 0.5) * gain + 0.5 + uniform(-0.1, 0.1, 1, 1, 1)
    crops = _some(crops, uniform(0, 1) < options.blur_chance, _blurred)
    small = int(torch.randint(options.shrink_to, size, (1,), generator=generator))
    crops = _some(crops, uniform(0, 1) < options.shrink_chance, lambda x: _shrunk(x, small))
    level = uniform(0, 1, 1, 1, 1) ** 3 * options.noise
    crops = crops + torch.randn(crops.shape, generator=generator) * level
    crops = _erased(crops, uniform(0, 1) < options.erase_chance, generator)
    return (crops * 255.0).clamp(0.0, 255.0)


def photometric_jitter(crops: Tensor) -> Tensor:
    """Crops (n, 1, h, w) in 0..255 with random gamma and noise, drawn by the global generator.

    The logarithm of the gamma exponent has a standard deviation of 0.2; the noise has one of at
    most 4 grey levels.
    """
    gamma = torch.exp(torch.randn(len(crops), 1, 1, 1) * 0.2)
    crops = 255.0 * (crops / 255.0) ** gamma
    level = 4.0 * torch.rand(len(crops), 1, 1, 1) ** 2
    return (crops + level * torch.randn_like(crops)).clamp(0, 255)


def _jitter(matrices: Tensor, options: Augmentation, generator: torch.Generator) -> Tensor:
    count = len(matrices)
    draw = torch.rand(6, count, generator=generator) * 2 - 1
    angle = draw[0] * math.radians(options.rotation)
    across = torch.exp(draw[1] * options.scale + draw[2] * options.stretch)
    along = torch.exp(draw[1] * options.scale - draw[2] * options.stretch)
    if options.mirror:
        across = across * torch.where(draw[5] > 0, 1.0, -1.0)
    cos, sin = torch.cos(angle), torch.sin(angle)
    linear = torch.stack(
        [
            torch.stack([cos * across, -sin * along], -1),
            torch.stack([sin * across, cos * along], -1),
        ],
        dim=1,
    )
    centre = (CROP_SIZE - 1) / 2
    moved = linear @ matrices
    shift = draw[3:5].T * options.shift + centre - linear.sum(dim=2) * centre
    moved[:, :, 2] += shift
    return moved


def _some(crops: Tensor, chosen: Tensor, change: Callable[[Tensor], Tensor]) -> Tensor:
    if chosen.any():
        crops = crops.clone()
        crops[chosen] = change(crops[chosen])
    return crops


def _blurred(crops: Tensor) -> Tensor:
    kernel = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16
    padded = F.pad(crops, (2, 2, 2, 2), mode="replicate")
    return F.conv2d(F.conv2d(padded, kernel.view(1, 1, 1, 5)), kernel.view(1, 1, 5, 1))


def _shrunk(crops: Tensor, side: int) -> Tensor:
    small = F.interpolate(crops, size=(side, side), mode="area")
    return F.interpolate(small, size=crops.shape[2:], mode="bilinear", align_corners=False)


def _erased(crops: Tensor, chosen: Tensor, generator: torch.Generator) -> Tensor:
    """Random erasing: fill a rectangle of 4 to 25 % of the chosen crops with a random grey."""
    count, size = len(crops), crops.shape[-1]
    draw = torch.rand(5, count, 1, 1, generator=generator)
    area, ratio = 0.04 + draw[0] * 0.21, torch.exp((draw[1] * 2 - 1) * 0.9)
    width, height = torch.sqrt(area * ratio) * size, torch.sqrt(area / ratio) * size
    left, top = draw[2] * (size - width), draw[3] * (size - height)
    x = torch.arange(size).view(1, 1, -1)
    y = torch.arange(size).view(1, -1, 1)
    inside = (x >= left) & (x < left + width) & (y >= top) & (y < top + height)
    hidden = (inside & chosen.view(-1, 1, 1))[:, None]
    return torch.where(hidden, draw[4][:, None], crops)
