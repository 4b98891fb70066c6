"""The face detector's network: small, anchor-free, grey, three strides.

The design follows the family of YuNet (Wu, Peng, Yu, "YuNet: A Tiny Millisecond-level Face
Detector", Machine Intelligence Research 20, 2023): one prediction per cell at strides 8, 16 and 32.
Plain convolutions carry the shallow part, since depthwise ones train slowly on a CPU; wide
depthwise ones carry the deep part, where they are cheap and let a cell see a whole large face.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["SIZES", "STRIDES", "DetectorNet", "Plain", "ShippedNet", "flatten", "standardised"]

STRIDES = (8, 16, 32)
SIZES = (24.0, 64.0, 192.0)
"""Reference face size in pixels of each stride; predictions are relative to it."""
OUTPUTS = 15
"""Channels per cell: score, x and y of the centre, log width, log height, five landmarks."""


class Plain(nn.Sequential):
    """3x3 (or `kernel`) convolution, batch norm, ReLU."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1, kernel: int = 3) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class Wide(nn.Module):
    """Residual block: 5x5 depthwise, then 1x1."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, 5, 1, 2, groups=channels, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, features: Tensor) -> Tensor:
        """`(n, channels, h, w)` to the same."""
        return functional.relu(features + self.body(features))


class DetectorNet(nn.Module):
    """Grey pictures `(n, 1, h, w)` in 0–255 to three maps `(n, 15, h / stride, w / stride)`."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(Plain(1, 12, 2, 5), Plain(12, 16, 2), Plain(16, 16))
        self.stage8 = nn.Sequential(Plain(16, 32, 2), Plain(32, 32))
        self.stage16 = nn.Sequential(Plain(32, 48, 2), Plain(48, 48))
        self.stage32 = nn.Sequential(Plain(48, 64, 2), Wide(64), Wide(64), Wide(64))
        self.lateral16 = nn.Conv2d(64, 48, 1, bias=False)
        self.lateral8 = nn.Conv2d(48, 32, 1, bias=False)
        self.neck16 = Plain(48, 48)
        self.neck8 = Plain(32, 32)
        self.heads = nn.ModuleList(
            [
                nn.Sequential(Plain(32, 32), nn.Conv2d(32, OUTPUTS, 1)),
                nn.Sequential(Wide(48), nn.Conv2d(48, OUTPUTS, 1)),
                nn.Sequential(Wide(64), nn.Conv2d(64, OUTPUTS, 1)),
            ]
        )
        for head in self.heads:
            last = cast("nn.Conv2d", cast("nn.Sequential", head)[-1])
            nn.init.normal_(last.weight, std=0.01)
            nn.init.zeros_(cast("Tensor", last.bias))
            cast("Tensor", last.bias).data[0] = -4.0  # most cells are background

    def forward(self, image: Tensor) -> list[Tensor]:
        """Raw outputs of the three strides, finest first."""
        at8 = self.stage8(self.stem((image - 127.5) / 64.0))
        at16 = self.stage16(at8)
        at32 = self.stage32(at16)
        at16 = self.neck16(at16 + functional.interpolate(self.lateral16(at32), scale_factor=2.0))
        at8 = self.neck8(at8 + functional.interpolate(self.lateral8(at16), scale_factor=2.0))
        return [head(level) for head, level in zip(self.heads, (at8, at16, at32), strict=True)]


class ShippedNet(nn.Module):
    """The exported network: the same maps, with a sigmoid on the score."""

    def __init__(self, net: DetectorNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Pictures `(n, 1, h, w)` to three maps, channel 0 of each in 0–1."""
        return tuple(
            torch.cat([level[:, :1].sigmoid(), level[:, 1:]], dim=1) for level in self.net(image)
        )


def flatten(levels: list[Tensor]) -> Tensor:
    """Three maps to `(n, cells, 15)` float32, finest stride first, row by row."""
    return torch.cat([level.float().flatten(2).transpose(1, 2) for level in levels], dim=1)


def standardised(crops: Tensor) -> Tensor:
    """Crops `(n, 1, h, w)` in 0–255, each standardised to zero mean and about unit variance."""
    centred = crops - crops.mean(dim=(2, 3), keepdim=True)
    # A floor of two grey levels avoids amplifying the noise of flat crops.
    spread = torch.sqrt((centred * centred).mean(dim=(2, 3), keepdim=True) + 4.0)
    return centred / spread
