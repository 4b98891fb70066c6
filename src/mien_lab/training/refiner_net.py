"""The refiner's network: one square crop in, one face or none out."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from mien.vision.refiner import REGION_SIZE
from mien_lab.training.detector_net import Plain

__all__ = ["OUTPUTS", "RefinerNet"]

OUTPUTS = 15
"""Logit of a face, x and y of its centre, log width, log height, five points."""
POINTS = 5


class Residual(nn.Module):
    """Two 3x3 convolutions beside the way around them (He et al., CVPR 2016)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            Plain(channels, channels),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, features: Tensor) -> Tensor:
        """``(n, channels, h, w)`` to the same."""
        return functional.relu(features + self.body(features))


class RefinerNet(nn.Module):
    """Grey crops ``(n, 1, 64, 64)`` in 0–255 to ``(n, 15)``.

    Each crop is standardised first, so that light and contrast play little part. The coarsest map
    is not averaged, because where a feature lies is what boxes are made of. A point is the mean of
    where its own heat map is hot (integral regression; Sun et al., ECCV 2018), corrected by what
    the coarsest map says, which also reaches points outside the crop.
    """

    grid: Tensor

    def __init__(self, dropout: float = 0.2) -> None:
        super().__init__()
        self.fine = nn.Sequential(Plain(1, 24, 2, 5), Plain(24, 40, 2), Residual(40), Residual(40))
        self.middle = nn.Sequential(Plain(40, 64, 2), Residual(64), Residual(64))
        self.coarse = nn.Sequential(
            Plain(64, 72, 2),
            Plain(72, 32, kernel=1),
            nn.Flatten(),
            nn.Linear(32 * 4 * 4, 96),
            nn.ReLU(),
        )
        self.fine_heat = nn.Conv2d(40, POINTS, 1)
        self.middle_heat = nn.Conv2d(64, POINTS, 1)
        # Of real faces there are few, so the score may not lean on single features; where the
        # features lie is learned from so many faces that it may.
        self.score = nn.Sequential(nn.Dropout(dropout), nn.Linear(96, 1))
        self.place = nn.Linear(96, OUTPUTS - 1)
        cells = REGION_SIZE // 4
        steps = (torch.arange(cells) + 0.5) / cells - 0.5
        self.register_buffer("grid", torch.cartesian_prod(steps, steps).flip(1), persistent=False)

    def forward(self, crops: Tensor) -> Tensor:
        """``(n, 15)`` raw outputs."""
        centred = crops - crops.mean(dim=(2, 3), keepdim=True)
        # Two grey levels keep a flat crop from being blown up into noise.
        spread = torch.sqrt((centred * centred).mean(dim=(2, 3), keepdim=True) + 4.0)
        fine = self.fine(centred / spread)
        middle = self.middle(fine)
        features = self.coarse(middle)
        place = self.place(features)
        points = place[:, 4:] + self._hottest(fine, middle).flatten(1)
        return torch.cat([self.score(features), place[:, :4], points], dim=1)

    def _hottest(self, fine: Tensor, middle: Tensor) -> Tensor:
        """Points ``(n, 5, 2)`` relative to the middle of the crop in units of its side."""
        coarse = functional.interpolate(self.middle_heat(middle), scale_factor=2.0)
        heat = self.fine_heat(fine) + coarse
        return torch.softmax(heat.flatten(2).float(), dim=2) @ self.grid
