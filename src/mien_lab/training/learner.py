"""A network in training: its weights, their exponential moving average, and the optimizer."""

import copy
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

from mien.core.errors import InputError
from mien_lab.training.steps import CLIP, require_finite

__all__ = ["Learner", "WeightAverage"]

Net = TypeVar("Net", bound=nn.Module)


class Learner(Generic[Net]):
    """Updates the weights of a network and their average.

    Args:
        net: the network.
        decay: decay of the average, see `WeightAverage`.
        optimizer: optimizer of all weights of the network.
    """

    def __init__(self, net: Net, decay: float, optimizer: torch.optim.Optimizer) -> None:
        self.net = net
        self.average = WeightAverage(net, decay)
        self._optimizer = optimizer

    def begin_step(self, rate: float) -> None:
        """Reset the gradients and set the learning rate."""
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._optimizer.zero_grad(set_to_none=True)

    def descend(self, loss: Tensor, epoch: int, step: int) -> None:
        """Backpropagate a loss, clip the gradient norm to `CLIP`, and update the weights.

        Args:
            loss: scalar loss of the step.
            epoch: epoch, from 0.
            step: step of the epoch, from 0.

        Raises:
            FloatingPointError: if the loss or gradient is not finite; the weights are unchanged
                then.
        """
        require_finite(loss, epoch, step)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(self.net.parameters(), CLIP)
        require_finite(norm, epoch, step, "gradient")
        self.move()

    def move(self) -> None:
        """Update the weights by the present gradients, then the average."""
        self._optimizer.step()
        self.average.update(self.net)

    def state(self) -> dict[str, Any]:
        """The state for a checkpoint; see `restore`."""
        return {
            "net": self.net.state_dict(),
            "average": self.average.net.state_dict(),
            "optimiser": self._optimizer.state_dict(),  # spelt as in existing checkpoints
        }

    def restore(self, checkpoint: dict[str, Any], steps: int) -> int:
        """Restore the state of a checkpoint.

        Args:
            checkpoint: from `Run.load`; empty for a new run.
            steps: steps per epoch.

        Returns:
            The number of finished epochs.

        Raises:
            InputError: if the checkpoint has only the averaged weights.
        """
        if not checkpoint:
            return 0
        if "net" not in checkpoint:
            raise InputError(
                "the run has weights only, as `mien-lab unpack` writes; begin another from them "
                "with --start"
            )
        self.net.load_state_dict(checkpoint["net"])
        self.average.net.load_state_dict(checkpoint["average"])
        self._optimizer.load_state_dict(checkpoint["optimiser"])
        self.average.steps = checkpoint["epoch"] * steps
        return int(checkpoint["epoch"])


class WeightAverage:
    """Exponential moving average of all parameters and buffers of a network."""

    def __init__(self, net: nn.Module, decay: float) -> None:
        """Start from the present weights of the network."""
        self.net = copy.deepcopy(net).eval().requires_grad_(False)
        self.decay = decay
        self.steps = 0

    @torch.no_grad()
    def update(self, net: nn.Module) -> None:
        """Update the average; the decay is smaller in the first steps, as a warm-up."""
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        for mean, value in zip(
            self.net.state_dict().values(), net.state_dict().values(), strict=True
        ):
            if mean.dtype.is_floating_point:
                mean.lerp_(value, 1 - decay)
            else:
                mean.copy_(value)
