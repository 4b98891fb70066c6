"""A network that is being trained: its weights, their average, and what moves them."""

import copy
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

from mien_lab.training.steps import CLIP, require_finite

__all__ = ["Learner", "WeightAverage"]

Net = TypeVar("Net", bound=nn.Module)


class Learner(Generic[Net]):
    """Moves the weights of a network, and their average after them.

    Args:
        net: whose weights the optimizer moves.
        decay: of the average, see `WeightAverage`.
        optimizer: of all weights.
    """

    def __init__(self, net: Net, decay: float, optimizer: torch.optim.Optimizer) -> None:
        self.net = net
        self.average = WeightAverage(net, decay)
        self._optimizer = optimizer

    def begin_step(self, rate: float) -> None:
        """Forget the gradients of the step before, and set the learning rate of this one."""
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._optimizer.zero_grad(set_to_none=True)

    def descend(self, loss: Tensor, epoch: int, step: int) -> None:
        """Move down the gradient of a loss, shortened to `CLIP`.

        Args:
            loss: of the step.
            epoch: counted from 0.
            step: of the epoch, counted from 0.

        Raises:
            FloatingPointError: if loss or gradient are not finite; the weights are as before then.
        """
        require_finite(loss, epoch, step)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(self.net.parameters(), CLIP)
        require_finite(norm, epoch, step, "gradient")
        self.move()

    def move(self) -> None:
        """Move by the gradients there are."""
        self._optimizer.step()
        self.average.update(self.net)

    def state(self) -> dict[str, Any]:
        """What `restore` brings back, for a checkpoint."""
        return {
            "net": self.net.state_dict(),
            "average": self.average.net.state_dict(),
            "optimiser": self._optimizer.state_dict(),  # spelt as in the checkpoints there are
        }

    def restore(self, checkpoint: dict[str, Any], steps: int) -> int:
        """Go on from a checkpoint, empty at the start, whose epochs have so many steps.

        Returns:
            How many epochs are over.
        """
        if not checkpoint:
            return 0
        self.net.load_state_dict(checkpoint["net"])
        self.average.net.load_state_dict(checkpoint["average"])
        self._optimizer.load_state_dict(checkpoint["optimiser"])
        self.average.steps = checkpoint["epoch"] * steps
        return int(checkpoint["epoch"])


class WeightAverage:
    """Exponential moving average of all parameters and buffers of a network."""

    def __init__(self, net: nn.Module, decay: float) -> None:
        """Start from the network's present weights."""
        self.net = copy.deepcopy(net).eval().requires_grad_(False)
        self.decay = decay
        self.steps = 0

    @torch.no_grad()
    def update(self, net: nn.Module) -> None:
        """Take one step; early steps weigh more, so that the start is forgotten."""
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        for mean, value in zip(
            self.net.state_dict().values(), net.state_dict().values(), strict=True
        ):
            if mean.dtype.is_floating_point:
                mean.lerp_(value, 1 - decay)
            else:
                mean.copy_(value)
