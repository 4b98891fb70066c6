"""One step of a training: its rate, its arithmetic, and no numbers that are none."""

import math

import torch
from torch import Tensor

__all__ = ["CLIP", "annealed", "mixed_precision", "require_finite"]

CLIP = 5.0
"""Largest norm of a gradient; longer ones are shortened to it."""


def annealed(rate: float, share: float, step: int) -> float:
    """A learning rate that warms up over 200 steps and falls along half a cosine to 1 %.

    Args:
        rate: the peak.
        share: of the run that is over.
        step: of the run, counted from 0.
    """
    warm = min((step + 1) / 200, 1.0)
    return rate * warm * (0.01 + 0.495 * (1 + math.cos(math.pi * share)))


def mixed_precision(device: torch.device) -> torch.autocast:
    """Convolutions and products in bfloat16 where the hardware has it; elsewhere all in float32.

    Emulated, bfloat16 takes a hundred times as long on a processor without AVX-512.
    """
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        able = torch.cpu.get_capabilities()
        # The last is ARM's.
        native = any(able.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=native)


def require_finite(value: Tensor | float, epoch: int, step: int, name: str = "loss") -> None:
    """Stop a run whose loss or gradient is no number any more, before it reaches the weights.

    Args:
        value: of the step; of gradients their norm.
        epoch: counted from 0.
        step: of the epoch, counted from 0.
        name: of the value, for the error.

    Raises:
        FloatingPointError: saying where; the last checkpoint is kept.
    """
    number = float(value.detach()) if isinstance(value, Tensor) else value
    if not math.isfinite(number):
        kept = "; --start or --warm-start, where there is one, begins with the epoch before"
        raise FloatingPointError(
            f"the {name} became {number} in epoch {epoch + 1}, step {step + 1}; begin again in "
            f"another folder with a lower --rate{kept if epoch else ''}"
        )
