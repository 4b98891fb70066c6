"""Training of the recurrent network on embeddings of clips."""

import hashlib
import logging
import math
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from mien.core.errors import InputError
from mien.models.expression import ExpressionClassifier
from mien.pipeline.build import DEFAULT_PRECISION, Config, build
from mien.runtime.artifact import load_artifact
from mien.runtime.session import open_session
from mien.vision.alignment import FILM_ZOOMS
from mien_lab.data.cleaning import clean, public_rows
from mien_lab.data.clips import CLEAN, POOR, ClipMaker
from mien_lab.data.faces import fer_faces
from mien_lab.data.fer2013 import load_fer, majority
from mien_lab.data.recordings import Recording, RecordingLayout, read_recordings
from mien_lab.data.sequences import Sequences, join_sequences, recorded, rendered
from mien_lab.training.learner import Learner
from mien_lab.training.run import Run
from mien_lab.training.steps import require_finite
from mien_lab.training.temporal_net import JoinedNet

__all__ = ["TemporalConfig", "held_out", "recorded_clips", "still_clips", "train_temporal"]

log = logging.getLogger(__name__)

RATES = (8.0, 60.0)
"""Least and largest frames per second of the clips that are trained on."""
FILM_RATE = (25.0, 25.0)
"""Of the clips that are measured."""
LENGTH = 64
"""Frames of a clip that is trained on."""


@dataclass(frozen=True)
class TemporalConfig:
    """Everything that decides the outcome of a run, with the seed."""

    fer_dir: Path
    weights: Path | None = None
    """Folder with the expression network, if not the shipped one."""
    precision: str = DEFAULT_PRECISION
    recordings: Path | None = None
    """Folder of recordings to train on besides, or None."""
    layout: RecordingLayout = RecordingLayout.CREMA_D
    clips: int = 4000
    members: int = 3
    """Networks that are trained side by side, to be averaged."""
    epochs: int = 15
    batch: int = 32
    rate: float = 3e-3
    decay: float = 1e-3
    average: float = 0.99
    dropout: float = 0.3
    """Share of the embedding that is hidden from the recurrent unit."""
    steadiness: float = 0.2
    """Weight of changes between frames whose truth stays the same."""
    doubt: float = 0.5
    """Most that a clip is drawn towards a frame of another; see `_doubted`."""
    seed: int = 0


def train_temporal(config: TemporalConfig, folder: Path, *, resume: bool = False) -> Path:
    """Render what is missing, train or go on training, and return the last checkpoint.

    The checkpoint's `average` holds the weights to export, its `reads` the checksum of the fp32
    expression network whose embeddings they fit. Clips are kept in the run's folder: a
    rerun with the same expression network renders none.

    Raises:
        OutputError: if the folder holds a checkpoint and `resume` is false.
        InputError: if data are missing or have another layout, or the run was begun with another
            expression network.
        FloatingPointError: if loss or gradient are no longer finite; the last checkpoint is kept.
    """
    run = Run(folder, config, resume=resume)
    data = _training_sequences(config, folder)
    torch.manual_seed(config.seed)
    net = JoinedNet(data.embeddings.shape[2], config.members)
    embeddings = torch.from_numpy(data.embeddings)
    shown = torch.from_numpy(data.labels >= 0)
    net.prepare(embeddings[shown].float(), torch.from_numpy(data.logits)[shown])
    optimizer = torch.optim.AdamW(net.parameters(), lr=config.rate, weight_decay=config.decay)
    learner = Learner(net, config.average, optimizer)
    state = run.load()
    reads = load_artifact("expression", folder=config.weights).card.sha256
    if state.get("reads", reads) != reads:
        raise InputError(
            f"{folder} was begun with another expression network; choose another folder"
        )
    start = learner.restore(state, -(-len(data) // config.batch))
    tensors = (
        embeddings,
        torch.from_numpy(data.contexts),
        torch.from_numpy(data.targets),
        torch.from_numpy(data.labels),
    )
    for epoch in range(start, config.epochs):
        began = time.monotonic()
        loss = _epoch(config, epoch, learner, tensors)
        figures = {"epoch": epoch + 1, "loss": loss, "seconds": time.monotonic() - began}
        run.keep(learner.state() | {"reads": reads}, figures)
    return run.checkpoint_file


def still_clips(config: TemporalConfig, folder: Path, split: str, count: int) -> Sequences:
    """Clips of 4 s at 25 frames per second from stills of a split that have a FER+ label.

    Of PublicTest, on whose clips constants are fitted, without copies of PrivateTest.
    Even numbers are clean, odd ones poor. They are read as films are, at two sizes in turn;
    training on such clips gained nothing over those of one size, which are made in less time.
    """
    data = load_fer(config.fer_dir)
    rows = public_rows(data) if split == "PublicTest" else data.rows(split)
    if not len(rows):
        known = ", ".join(sorted(set(data.split.tolist())))
        raise InputError(f"there is no split {split!r}; choose one of: {known}")
    faces = fer_faces(data, rows[majority(data.votes[rows]) >= 0])
    maker = ClipMaker(faces, length=100, rates=FILM_RATE, seed=config.seed + 1)
    classifier = _classifier(config)
    place = _place(folder, config, f"{split}-{maker.mark()}")
    return rendered(maker, classifier, place, (CLEAN, POOR), count, FILM_ZOOMS)


def held_out(recording: Recording) -> bool:
    """Whether a recording is kept for checking.

    Where a set comes in published splits, all but the one for training; otherwise a fifth of the
    groups, by their names.
    """
    group = recording.group.lower()
    if group.startswith(("train", "val", "test")):
        return not group.startswith("train")
    return sum(recording.group.encode()) % 5 == 0


def recorded_clips(
    config: TemporalConfig, folder: Path, *, checking: bool
) -> tuple[Sequences, list[Recording]]:
    """Clips of the recordings to train on, or of those to check on, and the recording of each.

    Raises:
        InputError: if the folder holds none, or none with a face.
    """
    found = read_recordings(config.recordings or Path(), config.layout)
    chosen = [recording for recording in found if held_out(recording) == checking]
    part = "checking" if checking else "training"
    if not chosen:
        raise InputError(f"{config.recordings} has no recordings for {part}; check the folder")
    names = "\n".join(str(file.resolve()) for recording in chosen for file in recording.files)
    mark = hashlib.sha256(names.encode()).hexdigest()[:12]
    reader = build(Config(precision=config.precision, weights=config.weights, threads=1))
    place = _place(folder, config, f"{config.layout}-{part}-{mark}")
    if checking:
        return recorded(chosen, reader, place, length=100, zooms=FILM_ZOOMS)
    return recorded(chosen, reader, place, length=LENGTH)


def _training_sequences(config: TemporalConfig, folder: Path) -> Sequences:
    data = load_fer(config.fer_dir)
    maker = ClipMaker(
        fer_faces(data, clean(data).rows), length=LENGTH, rates=RATES, seed=config.seed
    )
    place = _place(folder, config, f"training-{maker.mark()}")
    # Half is clean, so that a good picture is not read worse for the sake of the bad ones.
    conditions = (POOR, CLEAN)
    found = rendered(maker, _classifier(config), place, conditions, config.clips)
    if config.recordings is None:
        return found
    filmed, _ = recorded_clips(config, folder, checking=False)
    return join_sequences([found, filmed])


def _classifier(config: TemporalConfig) -> ExpressionClassifier:
    return ExpressionClassifier(
        open_session("expression", precision=config.precision, threads=1, folder=config.weights)
    )


def _place(folder: Path, config: TemporalConfig, name: str) -> Path:
    """Where clips are kept: apart for each expression network, since embeddings differ."""
    card = load_artifact("expression", config.precision, config.weights).card
    return folder / "clips" / card.sha256[:12] / name


def _epoch(
    config: TemporalConfig,
    epoch: int,
    learner: Learner[JoinedNet],
    tensors: tuple[Tensor, Tensor, Tensor, Tensor],
) -> float:
    """One pass over the clips; returns the mean loss."""
    # The epoch seeds all chance, so that a resumed run repeats what an unbroken one did.
    torch.manual_seed(config.seed * 1_000_003 + epoch)
    order = torch.randperm(len(tensors[0]))
    rate = config.rate * 0.5 * (1 + math.cos(math.pi * epoch / config.epochs))
    total = 0.0
    learner.net.train()
    for step, chosen in enumerate(torch.split(order, config.batch)):
        embeddings, contexts, targets, labels = (tensor[chosen] for tensor in tensors)
        seen = _doubted(embeddings.float(), config.doubt)
        learner.begin_step(rate)
        found = learner.net(seen, contexts, config.dropout)
        losses = [_loss(logits, targets, labels, config.steadiness) for logits in found]
        loss = torch.stack(losses).sum()
        require_finite(loss, epoch, step)
        loss.backward()  # type: ignore[no-untyped-call]
        # A finite loss can have a gradient that is not; the last step of an epoch would be kept.
        for member in learner.net.members:
            norm = torch.nn.utils.clip_grad_norm_(member.parameters(), 1.0)
            require_finite(norm, epoch, step, "gradient")
        learner.move()
        total += loss.item() / len(losses) * len(chosen)
    return total / len(order)


def _doubted(embeddings: Tensor, most: float) -> Tensor:
    """Each clip (n, t, d) drawn towards one frame of another clip, by a share of up to `most`.

    The expression network reads the stills that it was trained on more surely than others. Logits
    are linear in embeddings, so that a constant part of another face makes a clip as doubtful as
    one of faces it does not know, and wrong in the same lasting way.
    """
    count, length = embeddings.shape[:2]
    others = embeddings[torch.randperm(count), torch.randint(length, (count,))]
    share = most * torch.rand(count, 1, 1)
    return (1 - share) * embeddings + share * others[:, None]


def _loss(logits: Tensor, targets: Tensor, labels: Tensor, steadiness: float) -> Tensor:
    """Cross-entropy with the vote distributions, and the changes that the truth does not make."""
    shown = (labels >= 0).float()
    logs = logits.log_softmax(dim=2)
    wrong = -(targets * logs).sum(dim=2)
    probabilities = logs.exp()
    change = (probabilities[:, 1:] - probabilities[:, :-1]).abs().sum(dim=2)
    still = ((targets[:, 1:] - targets[:, :-1]).abs().sum(dim=2) < 1e-3).float() * shown[:, 1:]
    unrest = (change * still).sum() / still.sum().clamp(min=1)
    return (wrong * shown).sum() / shown.sum() + steadiness * unrest
