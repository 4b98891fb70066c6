"""The recurrent network: how far to believe each frame, from embeddings, quality and time."""

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mien.core.labels import EMOTIONS
from mien.models.temporal import CONTEXT_SIZE

__all__ = ["JoinedNet", "StepNet", "TemporalNet"]

CLASSES = len(EMOTIONS)
CONTRASTS = 32
"""Features of how a frame and the belief held so far differ."""


class TemporalNet(nn.Module):
    """Embeddings (n, t, d) and contexts (n, t, CONTEXT_SIZE) to logits (n, t, 8).

    What the expression network says of a frame is a linear function of its embedding. A gated
    recurrent unit (Cho et al., EMNLP 2014) decides for each frame and label by how much the belief
    held so far moves towards it, and so does how far the frame contradicts that belief. A moving
    average is the special case of a constant gain. It can add nothing of its own: a correction that
    it was free to make fitted the embeddings of training stills and cost 4 points on clean frames
    of others.
    """

    mean: Tensor
    scale: Tensor
    single_weight: Tensor
    single_bias: Tensor

    def __init__(self, embedding: int = 320, width: int = 32, hidden: int = 64) -> None:
        """Build for embeddings of a size, reduced to `width`, with `hidden` numbers of memory."""
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
        """Take spread of the input, and what single frames say, from (n, d) and (n, 8)."""
        self.mean.copy_(embeddings.mean(dim=0))
        self.scale.copy_(embeddings.std(dim=0).clamp_min(1e-3).reciprocal())
        extended = torch.cat([embeddings, torch.ones(len(embeddings), 1)], dim=1).double()
        # Slightly regularised: some features never fire.
        square = extended.T @ extended + 1e-6 * len(extended) * torch.eye(extended.shape[1])
        solution = torch.linalg.solve(square, extended.T @ logits.double()).float()
        self.single_weight.copy_(solution[:-1].T)
        self.single_bias.copy_(solution[-1])

    def forward(self, embeddings: Tensor, contexts: Tensor, dropout: float = 0.0) -> Tensor:
        """Logits (n, t, 8) of whole clips; `dropout` hides features from the recurrent unit."""
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
        """By how much the belief (n, 8) of each label moves towards a single frame's, 0 to 1."""
        both = [torch.softmax(logits, dim=1) for logits in (single, belief)]
        contrasts = torch.relu(self.contrast(torch.cat([memory, *both], dim=1)))
        return torch.sigmoid(self.gain(memory) + self.revision(contrasts))

    def single(self, embeddings: Tensor) -> Tensor:
        """The logits (..., 8) of the expression network."""
        return F.linear(embeddings, self.single_weight, self.single_bias)

    def seen(
        self, embeddings: Tensor, contexts: Tensor, single: Tensor, dropout: float = 0.0
    ) -> Tensor:
        """The input of the recurrent unit."""
        scaled = (embeddings - self.mean) * self.scale
        reduced = torch.tanh(self.reduce(F.dropout(scaled, dropout, self.training)))
        return torch.cat([reduced, torch.softmax(single, dim=-1), contexts], dim=-1)


class JoinedNet(nn.Module):
    """Several such networks from other random weights; the mean of what they believe counts.

    On PublicTest clips the mean of three reads 0.3 points more frames right than the best of them.
    """

    def __init__(self, embedding: int, members: int, *, width: int = 32, hidden: int = 64) -> None:
        """Build so many members for embeddings of a size; the rest as for `TemporalNet`."""
        super().__init__()
        self.embedding, self.hidden = embedding, hidden
        self.members = nn.ModuleList(TemporalNet(embedding, width, hidden) for _ in range(members))

    @property
    def nets(self) -> list[TemporalNet]:
        """The members, by their own type."""
        return [cast("TemporalNet", member) for member in self.members]

    @property
    def state_size(self) -> int:
        """Numbers in the state of one track: each member's, and whether anything was seen."""
        return len(self.members) * (self.hidden + CLASSES) + 1

    def prepare(self, embeddings: Tensor, logits: Tensor) -> None:
        """As `TemporalNet.prepare`, for all."""
        for net in self.nets:
            net.prepare(embeddings, logits)

    def believe_more(self, shift: float) -> None:
        """Add to the logit of each gain."""
        for net in self.nets:
            net.gain.bias.data.add_(shift)

    def forward(self, embeddings: Tensor, contexts: Tensor, dropout: float = 0.0) -> Tensor:
        """Logits (members, n, t, 8) of whole clips."""
        return torch.stack([member(embeddings, contexts, dropout) for member in self.members])


class StepNet(nn.Module):
    """One step of a `JoinedNet` with its state in the open, for export."""

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
    # The first frame is believed whole.
    gain = 1 - begun * (1 - net.gains(memory, single, belief))
    return memory, belief + gain * (single - belief)
