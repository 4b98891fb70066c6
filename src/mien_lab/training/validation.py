"""Validation of a network in training on PublicTest."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mien_lab.data.faces import FaceSet
from mien_lab.training.augmentation import crop_batch
from mien_lab.training.steps import mixed_precision

__all__ = ["Validation"]


@dataclass(frozen=True)
class Validation:
    """PublicTest faces without augmentation.

    Attributes:
        faces: the faces.
        labels: (n,) indices into `FER_LABELS`.
        majority: (n,) indices into `EMOTIONS`; -1 where there is no majority.
    """

    faces: FaceSet
    labels: Tensor
    majority: Tensor

    @torch.no_grad()
    def figures(self, net: nn.Module, size: int, device: torch.device) -> dict[str, float]:
        """Accuracy of both heads at a crop size, for a network in evaluation mode."""
        logits, fer = [], []
        for start in range(0, len(self.faces), 256):
            crops = crop_batch(
                torch.from_numpy(self.faces.canvases[start : start + 256]),
                torch.from_numpy(self.faces.matrices[start : start + 256]),
                size,
            )
            crops = crops.to(device).contiguous(memory_format=torch.channels_last)
            with mixed_precision(device):
                outputs = net(crops)
            logits.append(outputs.logits.float().cpu())
            fer.append(outputs.fer_logits.float().cpu())
        emotion = torch.cat(logits)
        counted = self.majority >= 0
        hit = emotion.argmax(1)[counted] == self.majority[counted]
        return {
            "public_fer2013": float((torch.cat(fer).argmax(1) == self.labels).float().mean()),
            "public_ferplus": float(hit.float().mean()),
        }
