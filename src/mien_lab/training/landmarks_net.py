"""The landmark network, for faces that are nearly upright in their crop."""

import torch
from torch import Tensor, nn

from mien.vision.landmarks import CLOSE_SIZE, EXPECTED
from mien_lab.training.detector_net import Plain, standardised

__all__ = ["LandmarksNet"]

REACH = 0.125
"""Scale of the last layer, in sides of the crop; most landmarks are within it of their mean."""


class LandmarksNet(nn.Module):
    """Grey crops `(n, 1, 64, 64)` in 0–255 to landmarks `(n, 10)`.

    Outputs are x and y of each landmark, relative to the centre of the crop in units of its side.
    The last map is flattened, not pooled, to keep spatial information.
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
        """Standardise each crop, then regress the offsets from the expected landmarks."""
        moved: Tensor = self.body(standardised(crops))
        return self.expected + REACH * moved
