"""Common parts of training steps: learning rate, mixed precision, checks for finite numbers."""

import math

import torch
from torch import Tensor

__all__ = ["CLIP", "annealed", "epoch_seed", "mixed_precision", "require_finite"]

CLIP = 5.0
"""Maximum gradient norm, by clipping."""


def epoch_seed(seed: int, epoch: int) -> int:
    """The seed of an epoch, so that a resumed run equals an uninterrupted one."""
    return seed * 1_000_003 + epoch


def annealed(rate: float, share: float, step: int) -> float:
    """Learning rate of a cosine schedule to 1 % with a linear warm-up of 200 steps.

    Args:
        rate: peak learning rate.
        share: finished share of the run, 0 to 1.
        step: step of the run, from 0.
    """
    warm = min((step + 1) / 200, 1.0)
    return rate * warm * (0.01 + 0.495 * (1 + math.cos(math.pi * share)))


def mixed_precision(device: torch.device) -> torch.autocast:
    """Autocast to bfloat16 where the hardware supports it natively; otherwise disabled.

    Emulated bfloat16 is a hundred times slower on a processor without AVX-512.
    """
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        able = torch.cpu.get_capabilities()
        # "bf16" is ARM's.
        native = any(able.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=native)


def require_finite(value: Tensor | float, epoch: int, step: int, name: str = "loss") -> None:
    """Stop a run whose loss or gradient is not finite, before the weights are updated.

    Args:
        value: loss or gradient norm of the step.
        epoch: epoch, from 0.
        step: step of the epoch, from 0.
        name: name of the value, for the message.

    Raises:
        FloatingPointError: if it is not finite; the last checkpoint is kept.
    """
    number = float(value.detach()) if isinstance(value, Tensor) else value
    if not math.isfinite(number):
        kept = "; --start or --warm-start, where there is one, begins with the epoch before"
        raise FloatingPointError(
            f"the {name} became {number} in epoch {epoch + 1}, step {step + 1}; begin again in "
            f"another folder with a lower --rate{kept if epoch else ''}"
        )
