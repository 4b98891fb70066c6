"""The refiner network: score, box and landmarks of the face in a square crop."""

import torch
from torch import Tensor, nn

from mien_lab.training.detector_net import Plain, standardised

__all__ = ["OUTPUTS", "RefinerNet"]

OUTPUTS = 15
"""Outputs: logit of a face, x and y of its centre, log width, log height, five landmarks."""
DROPOUT = 0.2
"""Dropout rate of the features before the score."""


class RefinerNet(nn.Module):
    """Grey crops `(n, 1, 64, 64)` in 0–255 to `(n, 15)`.

    Each crop is standardised first. The last map is flattened, not pooled, to keep spatial
    information for boxes and landmarks.
    """

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            Plain(1, 24, 2, 5),
            Plain(24, 40, 2),
            Plain(40, 40),
            Plain(40, 64, 2),
            Plain(64, 64),
            Plain(64, 64),
            Plain(64, 72, 2),
            Plain(72, 72),
            Plain(72, 32, kernel=1),
            nn.Flatten(),
            nn.Linear(32 * 4 * 4, 96),
            nn.ReLU(),
        )
        # Dropout on the score only: it has few real faces to learn from, unlike the positions.
        self.score = nn.Sequential(nn.Dropout(DROPOUT), nn.Linear(96, 1))
        self.place = nn.Linear(96, OUTPUTS - 1)

    def forward(self, crops: Tensor) -> Tensor:
        """`(n, 15)` raw outputs."""
        features = self.features(standardised(crops))
        return torch.cat([self.score(features), self.place(features)], dim=1)
