"""The recurrent network: adaptive smoothing of logits by gains predicted for each frame."""

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mien.core.labels import EMOTIONS
from mien.models.temporal import CONTEXT_SIZE

__all__ = ["JoinedNet", "StepNet", "TemporalNet"]

CLASSES = len(EMOTIONS)
CONTRASTS = 32
"""Number of hidden features that compare a frame with the smoothed logits."""


class TemporalNet(nn.Module):
    """Embeddings (n, t, d) and contexts (n, t, CONTEXT_SIZE) to logits (n, t, 8).

    The logits of a single frame are a linear function of its embedding. The output, or belief, is
    their exponential smoothing with a gain per frame and label; a constant gain is a moving
    average. The gain depends on a gated recurrent unit (Cho et al., EMNLP 2014) and on how the
    frame differs from the belief. There is no additive correction: one that was tried overfitted
    the embeddings of training stills and cost 4 points of accuracy on clean frames of others.
    """

    mean: Tensor
    scale: Tensor
    single_weight: Tensor
    single_bias: Tensor

    def __init__(self, embedding: int = 320, width: int = 32, hidden: int = 64) -> None:
        """Build for embeddings of a size, projected to `width`, with `hidden` recurrent units."""
        super().__init__()
        self.embedding, self.hidden = embedding, hidden
        self.register_buffer("mean", torch.zeros(embedding))
        self.register_buffer("scale", torch.ones(embedding))
        self.register_buffer("single_weight", torch.zeros(CLASSES, embedding))
        self.register_buffer("single_bias", torch.zeros(CLASSES))
        self.reduce = nn.Linear(embedding, width)
        self.cell = nn.GRU(width + CLASSES + CONTEXT_SIZE, hidden, batch_first=True)
        self.gain = nn.Linear(hidden, CLASSES)
        self.contrast = nn.Linear(hidden + 2 * CLASSES, CONTRASTS)
        self.revision = nn.Linear(CONTRASTS, CLASSES)
        nn.init.zeros_(self.revision.weight)
        nn.init.zeros_(self.revision.bias)

    def prepare(self, embeddings: Tensor, logits: Tensor) -> None:
        """Set the input normalisation and the linear map of single frames.

        The map is a least-squares fit from embeddings (n, d) to logits (n, 8).
        """
        self.mean.copy_(embeddings.mean(dim=0))
        self.scale.copy_(embeddings.std(dim=0).clamp_min(1e-3).reciprocal())
        extended = torch.cat([embeddings, torch.ones(len(embeddings), 1)], dim=1).double()
        # Slightly regularised, since some features are always zero.
        square = extended.T @ extended + 1e-6 * len(extended) * torch.eye(extended.shape[1])
        solution = torch.linalg.solve(square, extended.T @ logits.double()).float()
        self.single_weight.copy_(solution[:-1].T)
        self.single_bias.copy_(solution[-1])

    def forward(self, embeddings: Tensor, contexts: Tensor, dropout: float = 0.0) -> Tensor:
        """Logits (n, t, 8) of whole clips; `dropout` applies to the recurrent unit's input."""
        single = self.single(embeddings)
        memory, _ = self.cell(self.seen(embeddings, contexts, single, dropout))
        belief = single[:, 0]
        beliefs = [belief]
        for index in range(1, single.shape[1]):
            gain = self.gains(memory[:, index], single[:, index], belief)
            belief = belief + gain * (single[:, index] - belief)
            beliefs.append(belief)
        return torch.stack(beliefs, dim=1)

    def gains(self, memory: Tensor, single: Tensor, belief: Tensor) -> Tensor:
        """Gains (n, 8), 0 to 1, by which the belief moves towards the logits of a frame."""
        both = [torch.softmax(logits, dim=1) for logits in (single, belief)]
        contrasts = torch.relu(self.contrast(torch.cat([memory, *both], dim=1)))
        return torch.sigmoid(self.gain(memory) + self.revision(contrasts))

    def single(self, embeddings: Tensor) -> Tensor:
        """Logits (..., 8) of single frames, those of the expression network."""
        return F.linear(embeddings, self.single_weight, self.single_bias)

    def seen(
        self, embeddings: Tensor, contexts: Tensor, single: Tensor, dropout: float = 0.0
    ) -> Tensor:
        """The input of the recurrent unit."""
        scaled = (embeddings - self.mean) * self.scale
        reduced = torch.tanh(self.reduce(F.dropout(scaled, dropout, self.training)))
        return torch.cat([reduced, torch.softmax(single, dim=-1), contexts], dim=-1)


class JoinedNet(nn.Module):
    """An ensemble of networks with different random initialisations, averaged in logits.

    On PublicTest clips, the accuracy of three is 0.3 points above that of the best of them.
    """

    def __init__(self, embedding: int, members: int, *, width: int = 32, hidden: int = 64) -> None:
        """Build with `members` networks; other arguments as for `TemporalNet`."""
        super().__init__()
        self.embedding, self.hidden = embedding, hidden
        self.members = nn.ModuleList(TemporalNet(embedding, width, hidden) for _ in range(members))

    @property
    def nets(self) -> list[TemporalNet]:
        """The members, typed."""
        return [cast("TemporalNet", member) for member in self.members]

    @property
    def state_size(self) -> int:
        """Size of a track's state: memory and belief of each member, and a flag for "begun"."""
        return len(self.members) * (self.hidden + CLASSES) + 1

    def prepare(self, embeddings: Tensor, logits: Tensor) -> None:
        """Call `TemporalNet.prepare` for all members."""
        for net in self.nets:
            net.prepare(embeddings, logits)

    def believe_more(self, shift: float) -> None:
        """Add `shift` to the logit of each gain, which reduces the smoothing."""
        for net in self.nets:
            net.gain.bias.data.add_(shift)

    def forward(self, embeddings: Tensor, contexts: Tensor, dropout: float = 0.0) -> Tensor:
        """Logits (members, n, t, 8) of whole clips, not averaged."""
        return torch.stack([member(embeddings, contexts, dropout) for member in self.members])


class StepNet(nn.Module):
    """One step of a `JoinedNet` with an explicit state, for export."""

    def __init__(self, net: JoinedNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, embedding: Tensor, context: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (n, 8) and the next state (n, state_size)."""
        sizes = [self.net.hidden, CLASSES] * len(self.net.members)
        *parts, begun = torch.split(state, [*sizes, 1], dim=1)
        following: list[Tensor] = []
        for net, memory, belief in zip(self.net.nets, parts[::2], parts[1::2], strict=True):
            following += _step(net, embedding, context, memory, belief, begun)
        belief = torch.stack(following[1::2]).mean(dim=0)
        return belief, torch.cat([*following, torch.ones_like(begun)], dim=1)


def _step(
    net: TemporalNet,
    embedding: Tensor,
    context: Tensor,
    memory: Tensor,
    belief: Tensor,
    begun: Tensor,
) -> tuple[Tensor, Tensor]:
    """The next memory and belief of one network."""
    single = net.single(embedding)
    weights: dict[str, Tensor] = dict(net.cell.named_parameters())
    seen = net.seen(embedding, context, single)
    inward = F.linear(seen, weights["weight_ih_l0"], weights["bias_ih_l0"]).chunk(3, dim=1)
    onward = F.linear(memory, weights["weight_hh_l0"], weights["bias_hh_l0"]).chunk(3, dim=1)
    reset = torch.sigmoid(inward[0] + onward[0])
    update = torch.sigmoid(inward[1] + onward[1])
    fresh = torch.tanh(inward[2] + reset * onward[2])
    memory = (1 - update) * fresh + update * memory
    # The gain of the first frame is 1.
    gain = 1 - begun * (1 - net.gains(memory, single, belief))
    return memory, belief + gain * (single - belief)
