"""The network that places the landmarks of a face that is nearly upright in its crop."""

import torch
from torch import Tensor, nn

from mien.vision.landmarks import CLOSE_SIZE, EXPECTED
from mien_lab.training.detector_net import Plain, standardised

__all__ = ["LandmarksNet"]

REACH = 0.125
"""Unit of its last layer in sides of the crop: most landmarks lie less than that from where they
are expected."""


class LandmarksNet(nn.Module):
    """Grey crops `(n, 1, 64, 64)` in 0–255 to `(n, 10)`.

    The landmarks, x and y of each, from the middle of the crop in units of its side. The last map
    is not averaged, because where a feature lies is what is asked.
    """

    expected: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            Plain(1, 12, 2),
            Plain(12, 12),
            Plain(12, 24, 2),
            Plain(24, 24),
            Plain(24, 40, 2),
            Plain(40, 40),
            Plain(40, 8, kernel=1),
            nn.Flatten(),
            nn.Linear(8 * (CLOSE_SIZE // 8) ** 2, 48),
            nn.ReLU(),
            nn.Linear(48, 10),
        )
        self.register_buffer("expected", torch.tensor(EXPECTED.ravel(), dtype=torch.float32))

    def forward(self, crops: Tensor) -> Tensor:
        """Standardise each crop, then place."""
        moved: Tensor = self.body(standardised(crops))
        return self.expected + REACH * moved
