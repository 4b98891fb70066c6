"""The expression network: an ensemble of small residual nets with squeeze-and-excitation."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mien.core.errors import InputError
from mien.core.labels import EMOTIONS
from mien_lab.data.fer2013 import FER_LABELS
from mien_lab.training.run import averaged, read_config

__all__ = ["SHAPES", "ExpressionNet", "MergedNet", "Outputs", "Served", "trained_net"]

Stages = tuple[tuple[int, int], ...]

SHAPES: dict[str, Stages] = {
    "wide": ((64, 1), (160, 2), (320, 2)),
    "deep": ((64, 2), (128, 2), (240, 3)),
}
"""(channels, blocks) per stage of each architecture.

The errors of networks of different shapes are less correlated than those of one shape.
"""
DROPOUT = 0.2
"""Dropout rate of the embedding before both heads."""


class Outputs(NamedTuple):
    """Outputs of the network for n crops.

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


class Served(NamedTuple):
    """Outputs of the exported network: `Outputs`, and the occlusion logit (n,)."""

    embedding: Tensor
    logits: Tensor
    fer_logits: Tensor
    activation: Tensor
    occlusion: Tensor


class ExpressionNet(nn.Module):
    """Grey crops (n, 1, size, size) in 0..255, size a multiple of 8, to `Outputs`.

    Residual blocks after He et al. (CVPR 2016) with the average-pooled shortcut of He et al. "Bag
    of tricks" (CVPR 2019) and squeeze-and-excitation after Hu et al. (CVPR 2018).
    """

    def __init__(self, stem: int = 32, stages: Stages = SHAPES["wide"]) -> None:
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
        self.emotion_head = nn.Conv2d(channels, len(EMOTIONS), 1)
        self.fer_head = nn.Linear(channels, len(FER_LABELS))

    def forward(self, crops: Tensor) -> Outputs:
        """Standardise each crop, then classify."""
        features = self.blocks(self.stem(_standardised(crops)))
        embedding = features.mean(dim=(2, 3))
        kept = F.dropout(embedding, DROPOUT, self.training)
        weight = self.emotion_head.weight.flatten(1)
        logits = F.linear(kept, weight, self.emotion_head.bias)
        return Outputs(embedding, logits, self.fer_head(kept), self.emotion_head(features))


class MergedNet(nn.Module):
    """An ensemble of separately trained networks whose logits are averaged.

    The embeddings are concatenated, so that the heads stay linear and the mean of the activation
    map equals the logits. An additional head, zero until it is fitted, predicts occlusion. See
    Hansen and Salamon, "Neural network ensembles", IEEE TPAMI 12, 1990.
    """

    def __init__(self, nets: Sequence[ExpressionNet]) -> None:
        """Merge trained networks."""
        super().__init__()
        self.trunks = nn.ModuleList(nn.Sequential(net.stem, net.blocks) for net in nets)
        width = sum(net.fer_head.in_features for net in nets)
        self.emotion_head = nn.Conv2d(width, len(EMOTIONS), 1)
        self.fer_head = nn.Linear(width, len(FER_LABELS))
        _set_mean(self.emotion_head, [net.emotion_head for net in nets])
        _set_mean(self.fer_head, [net.fer_head for net in nets])
        self.occlusion_head = nn.Linear(width, 1)
        nn.init.zeros_(self.occlusion_head.weight)
        nn.init.zeros_(self.occlusion_head.bias)

    def forward(self, crops: Tensor) -> Served:
        """Standardise each crop once, then classify."""
        standardised = _standardised(crops)
        features = torch.cat([trunk(standardised) for trunk in self.trunks], dim=1)
        embedding = features.mean(dim=(2, 3))
        return Served(
            embedding,
            F.linear(embedding, self.emotion_head.weight.flatten(1), self.emotion_head.bias),
            self.fer_head(embedding),
            self.emotion_head(features),
            self.occlusion_head(embedding)[:, 0],
        )


@torch.no_grad()
def _set_mean(head: nn.Conv2d | nn.Linear, heads: Sequence[nn.Conv2d | nn.Linear]) -> None:
    """Set a head on concatenated features to the mean of the heads of its parts."""
    head.weight.copy_(torch.cat([one.weight for one in heads], 1) / len(heads))
    biases = [one.bias for one in heads if one.bias is not None]
    if head.bias is not None:
        head.bias.copy_(torch.stack(biases).mean(0))


def trained_net(run: Path) -> ExpressionNet:
    """The network of a run with its averaged weights, in evaluation mode.

    Raises:
        InputError: if there is no such run, or its shape is unknown.
    """
    shape = read_config(run).get("shape", "wide")
    if shape not in SHAPES:
        raise InputError(
            f"{run} is of the shape {shape!r}, which mien-lab does not know; train one of: "
            f"{', '.join(SHAPES)}"
        )
    return averaged(ExpressionNet(stages=SHAPES[shape]), [run / "last.pt"]).eval()


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
    # A floor of one grey level avoids amplifying the noise of flat crops.
    spread = torch.sqrt((centred * centred).mean(dim=(1, 2, 3), keepdim=True) + 1.0)
    return centred / spread
