"""The recurrent network: a gated recurrent unit over embeddings, quality and elapsed time."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mien.core.labels import EMOTIONS
from mien.models.temporal import CONTEXT_SIZE

__all__ = ["StepNet", "TemporalNet"]


class TemporalNet(nn.Module):
    """Embeddings (n, t, d) and contexts (n, t, CONTEXT_SIZE) to logits (n, t, 8).

    Gated recurrent unit after Cho et al. (EMNLP 2014) on a linear reduction of the input.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, embedding: int = 320, width: int = 64, hidden: int = 96) -> None:
        """Build for embeddings of a size, reduced to `width`, with `hidden` numbers of state."""
        super().__init__()
        self.embedding, self.hidden = embedding, hidden
        self.register_buffer("mean", torch.zeros(embedding))
        self.register_buffer("scale", torch.ones(embedding))
        self.reduce = nn.Linear(embedding + CONTEXT_SIZE, width)
        self.cell = nn.GRU(width, hidden, batch_first=True)
        self.head = nn.Linear(hidden, len(EMOTIONS))

    def standardise(self, embeddings: Tensor) -> None:
        """Take mean and spread of the input from embeddings (n, d)."""
        self.mean.copy_(embeddings.mean(dim=0))
        self.scale.copy_(embeddings.std(dim=0).clamp_min(1e-3).reciprocal())

    def forward(self, embeddings: Tensor, contexts: Tensor) -> Tensor:
        """Logits (n, t, 8) of whole clips."""
        states, _ = self.cell(self.reduced(embeddings, contexts))
        return self.head(states)  # type: ignore[no-any-return]

    def reduced(self, embeddings: Tensor, contexts: Tensor) -> Tensor:
        """The input of the recurrent unit, (..., width)."""
        scaled = (embeddings - self.mean) * self.scale
        return F.relu(self.reduce(torch.cat([scaled, contexts], dim=-1)))


class StepNet(nn.Module):
    """One step of a `TemporalNet` with its state in the open, for export."""

    def __init__(self, net: TemporalNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, embedding: Tensor, context: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (n, 8) and the next state (n, hidden)."""
        weights: dict[str, Tensor] = dict(self.net.cell.named_parameters())
        seen = self.net.reduced(embedding, context)
        inward = F.linear(seen, weights["weight_ih_l0"], weights["bias_ih_l0"]).chunk(3, dim=1)
        onward = F.linear(state, weights["weight_hh_l0"], weights["bias_hh_l0"]).chunk(3, dim=1)
        reset = torch.sigmoid(inward[0] + onward[0])
        update = torch.sigmoid(inward[1] + onward[1])
        fresh = torch.tanh(inward[2] + reset * onward[2])
        following = (1 - update) * fresh + update * state
        return self.net.head(following), following
