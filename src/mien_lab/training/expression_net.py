"""The expression network: a small residual net with squeeze-and-excitation."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mien.core.labels import EMOTIONS
from mien_lab.data.fer2013 import FER_LABELS

__all__ = ["ExpressionNet", "Outputs"]


class Outputs(NamedTuple):
    """What the network gives for n crops.

    Attributes:
        embedding: (n, d).
        logits: (n, 8) in the order of `EMOTIONS`.
        fer_logits: (n, 7) in the order of `FER_LABELS`.
        activation: (n, 8, size / 8, size / 8); its spatial mean is `logits`.
    """

    embedding: Tensor
    logits: Tensor
    fer_logits: Tensor
    activation: Tensor


class ExpressionNet(nn.Module):
    """Grey crops (n, 1, size, size) in 0..255, size a multiple of 8, to `Outputs`.

    Residual blocks after He et al. (CVPR 2016) with the average-pooled shortcut of He et al. "Bag
    of tricks" (CVPR 2019) and squeeze-and-excitation after Hu et al. (CVPR 2018).
    """

    def __init__(
        self,
        stem: int = 32,
        stages: tuple[tuple[int, int], ...] = ((64, 1), (160, 2), (320, 2)),
        dropout: float = 0.2,
    ) -> None:
        """Build with (channels, blocks) per stage; each stage halves the resolution."""
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(1, stem, 3, padding=1, bias=False), nn.BatchNorm2d(stem), nn.ReLU()
        )
        blocks: list[nn.Module] = []
        channels = stem
        for width, count in stages:
            for position in range(count):
                blocks.append(_Block(channels, width, stride=2 if position == 0 else 1))
                channels = width
        self.blocks = nn.Sequential(*blocks)
        self.dropout = dropout
        self.emotion_head = nn.Conv2d(channels, len(EMOTIONS), 1)
        self.fer_head = nn.Linear(channels, len(FER_LABELS))

    def forward(self, crops: Tensor) -> Outputs:
        """Standardise each crop, then classify."""
        features = self.blocks(self.stem(_standardised(crops)))
        embedding = features.mean(dim=(2, 3))
        kept = F.dropout(embedding, self.dropout, self.training)
        weight = self.emotion_head.weight.flatten(1)
        logits = F.linear(kept, weight, self.emotion_head.bias)
        return Outputs(embedding, logits, self.fer_head(kept), self.emotion_head(features))


class _Block(nn.Module):
    def __init__(self, inward: int, outward: int, stride: int) -> None:
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(inward, outward, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outward),
            nn.ReLU(),
            nn.Conv2d(outward, outward, 3, padding=1, bias=False),
            nn.BatchNorm2d(outward),
        )
        self.excite = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(outward, outward // 8, 1),
            nn.ReLU(),
            nn.Conv2d(outward // 8, outward, 1),
            nn.Sigmoid(),
        )
        self.shortcut = nn.Sequential()
        if stride == 2:
            self.shortcut.append(nn.AvgPool2d(2))
        if inward != outward:
            self.shortcut.append(nn.Conv2d(inward, outward, 1, bias=False))
            self.shortcut.append(nn.BatchNorm2d(outward))

    def forward(self, x: Tensor) -> Tensor:
        main = self.main(x)
        return F.relu(self.shortcut(x) + main * self.excite(main))


def _standardised(crops: Tensor) -> Tensor:
    centred = crops - crops.mean(dim=(1, 2, 3), keepdim=True)
    # One grey level keeps an empty crop from being blown up into noise.
    spread = torch.sqrt((centred * centred).mean(dim=(1, 2, 3), keepdim=True) + 1.0)
    return centred / spread
