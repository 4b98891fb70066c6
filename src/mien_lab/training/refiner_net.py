"""The refiner's network: one square crop in, one face or none out."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mien_lab.training.detector_net import Plain

__all__ = ["OUTPUTS", "RefinerNet"]

OUTPUTS = 15
"""Logit of a face, x and y of its centre, log width, log height, five points."""


class RefinerNet(nn.Module):
    """Grey crops ``(n, 1, 64, 64)`` in 0–255 to ``(n, 15)``.

    Each crop is standardised first, so that light and contrast play little part. The last map is
    not averaged, because where a feature lies is what landmarks and boxes are made of.
    """

    def __init__(self, dropout: float = 0.1) -> None:
        super().__init__()
        self.features = nn.Sequential(
            Plain(1, 16, 2, 5),
            Plain(16, 32, 2),
            Plain(32, 32),
            Plain(32, 64, 2),
            Plain(64, 64),
            Plain(64, 64, 2),
            Plain(64, 64),
            Plain(64, 32, kernel=1),
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(32 * 4 * 4, 96),
            nn.ReLU(),
        )
        self.head = nn.Linear(96, OUTPUTS)

    def forward(self, crops: Tensor) -> Tensor:
        """``(n, 15)`` raw outputs."""
        centred = crops - crops.mean(dim=(2, 3), keepdim=True)
        # Two grey levels keep a flat crop from being blown up into noise.
        spread = torch.sqrt((centred * centred).mean(dim=(2, 3), keepdim=True) + 4.0)
        outputs: Tensor = self.head(self.features(centred / spread))
        return outputs
