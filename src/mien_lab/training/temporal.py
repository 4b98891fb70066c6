"""Training of the recurrent network on embeddings of clips."""

import hashlib
import math
import time
from collections.abc import Sequence
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
from mien_lab.training.steps import epoch_seed, require_finite
from mien_lab.training.temporal_net import JoinedNet

__all__ = ["TemporalConfig", "held_out", "recorded_clips", "still_clips", "train_temporal"]

RATES = (8.0, 60.0)
"""Minimum and maximum frame rate of training clips, in frames per second."""
FILM_RATE = (25.0, 25.0)
"""Minimum and maximum frame rate of evaluation clips, in frames per second."""
LENGTH = 64
"""Number of frames of a training clip."""
FILM_LENGTH = 100
"""Number of frames of an evaluation clip."""
MEMBER_CLIP = 1.0
"""Maximum gradient norm of each network of the ensemble, by clipping."""


@dataclass(frozen=True)
class TemporalConfig:
    """Everything that determines the result of a run, including the seed."""

    fer_dir: Path
    weights: Path | None = None
    """Folder with the expression network; the shipped one if None."""
    precision: str = DEFAULT_PRECISION
    recordings: Path | None = None
    """Folder of additional recordings, or None."""
    layout: RecordingLayout = RecordingLayout.CREMA_D
    clips: int = 4000
    """Number of clips made from stills."""
    members: int = 3
    """Number of networks in the ensemble."""
    epochs: int = 15
    batch: int = 32
    rate: float = 3e-3
    """Peak learning rate of AdamW, with cosine decay to zero."""
    decay: float = 1e-3
    """Weight decay."""
    average: float = 0.99
    """Decay of the exponential moving average of the weights."""
    dropout: float = 0.3
    """Dropout rate of the embedding before the recurrent unit."""
    steadiness: float = 0.2
    """Weight of the penalty on changes between frames whose target does not change."""
    doubt: float = 0.5
    """Maximum share of another clip's frame that is mixed into a clip; see `_doubted`."""
    seed: int = 0


def train_temporal(config: TemporalConfig, folder: Path, *, resume: bool = False) -> Path:
    """Render missing clips, then train or resume a run; returns the path of the last checkpoint.

    The checkpoint has the weights to export under `average`, and the checksum of the fp32
    expression network whose embeddings they fit under `reads`. Clips are cached in the folder of
    the run.

    Raises:
        OutputError: if the folder holds a checkpoint and `resume` is false.
        InputError: if data are missing or have another layout, or the run was started with another
            expression network.
        FloatingPointError: if the loss or gradient is not finite; the last checkpoint is kept.
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
    """Clips of 4 s at 25 frames per second from the stills of a split with a FER+ label.

    Even clips are clean, odd ones poor. PublicTest, on which constants are fitted, is used without
    copies of PrivateTest. Crops alternate between two zooms, as in video; training on such clips
    had no advantage over clips with one zoom, which are faster to make.

    Raises:
        InputError: if there is no such split, or its stills show fewer than two expressions.
    """
    data = load_fer(config.fer_dir)
    rows = public_rows(data) if split == "PublicTest" else data.rows(split)
    if not len(rows):
        known = ", ".join(sorted(set(data.split.tolist())))
        raise InputError(f"there is no split {split!r}; choose one of: {known}")
    faces = fer_faces(data, rows[majority(data.votes[rows]) >= 0])
    maker = ClipMaker(faces, length=FILM_LENGTH, rates=FILM_RATE, seed=config.seed + 1)
    classifier = _classifier(config)
    place = _place(folder, config, f"{split}-{maker.mark()}")
    return rendered(maker, classifier, place, (CLEAN, POOR), count, FILM_ZOOMS)


def held_out(recording: Recording) -> bool:
    """Whether a recording is held out for evaluation.

    In collections with official splits, all but the training split are held out; otherwise about a
    fifth of the groups, by a hash of their names.
    """
    group = recording.group.lower()
    if group.startswith(("train", "val", "test")):
        return not group.startswith("train")
    return sum(recording.group.encode()) % 5 == 0


def recorded_clips(
    config: TemporalConfig, folder: Path, *, checking: bool
) -> tuple[Sequences, list[Recording]]:
    """Clips of the training recordings, or if `checking` of the held-out ones; and the recordings.

    Raises:
        InputError: if the folder holds none, or none with a face.
    """
    found = read_recordings(config.recordings or Path(), config.layout)
    chosen = [recording for recording in found if held_out(recording) == checking]
    part = "checking" if checking else "training"
    if not chosen:
        raise InputError(f"{config.recordings} has no recordings for {part}; check the folder")
    reader = build(Config(precision=config.precision, weights=config.weights, threads=1))
    place = _place(folder, config, f"{config.layout}-{part}-{_mark(config, chosen)}")
    if checking:
        return recorded(chosen, reader, place, length=FILM_LENGTH, zooms=FILM_ZOOMS)
    return recorded(chosen, reader, place, length=LENGTH)


def _mark(config: TemporalConfig, recordings: Sequence[Recording]) -> str:
    """A digest of what clips of recordings depend on besides the expression network.

    That is the cards of the networks that find faces, and the labels and files of the recordings.
    """
    finders = ("detector", "refiner", "landmarks")
    cards = [load_artifact(name, folder=config.weights).card for name in finders]
    digest = hashlib.sha256(repr(cards).encode())
    for recording in recordings:
        stats = [(file.resolve(), file.stat()) for file in recording.files]
        files = [(str(file), stat.st_size, stat.st_mtime_ns) for file, stat in stats]
        digest.update(repr((recording.emotion.value, recording.onset, files)).encode())
    return digest.hexdigest()[:12]


def _training_sequences(config: TemporalConfig, folder: Path) -> Sequences:
    data = load_fer(config.fer_dir)
    maker = ClipMaker(
        fer_faces(data, clean(data).rows), length=LENGTH, rates=RATES, seed=config.seed
    )
    place = _place(folder, config, f"training-{maker.mark()}")
    # Half of the clips are clean, so that accuracy on good pictures is not lost.
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
    """The cache folder of clips, by the checksum of the expression network."""
    card = load_artifact("expression", config.precision, config.weights).card
    return folder / "clips" / card.sha256[:12] / name


def _epoch(
    config: TemporalConfig,
    epoch: int,
    learner: Learner[JoinedNet],
    tensors: tuple[Tensor, Tensor, Tensor, Tensor],
) -> float:
    """One pass over the clips; returns the mean loss."""
    torch.manual_seed(epoch_seed(config.seed, epoch))
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
        # A finite loss can have a gradient that is not finite.
        for member in learner.net.members:
            norm = torch.nn.utils.clip_grad_norm_(member.parameters(), MEMBER_CLIP)
            require_finite(norm, epoch, step, "gradient")
        learner.move()
        total += loss.item() / len(losses) * len(chosen)
    return total / len(order)


def _doubted(embeddings: Tensor, most: float) -> Tensor:
    """Mix one frame of another clip into each clip (n, t, d), by a random share up to `most`.

    The expression network is overconfident on the stills that it was trained on. Logits are linear
    in embeddings, so that a constant share of another face makes the clip as uncertain as one of
    unknown faces, with similarly persistent errors.
    """
    count, length = embeddings.shape[:2]
    others = embeddings[torch.randperm(count), torch.randint(length, (count,))]
    share = most * torch.rand(count, 1, 1)
    return (1 - share) * embeddings + share * others[:, None]


def _loss(logits: Tensor, targets: Tensor, labels: Tensor, steadiness: float) -> Tensor:
    """Cross-entropy with the vote distributions, plus a penalty on spurious changes."""
    shown = (labels >= 0).float()
    logs = logits.log_softmax(dim=2)
    wrong = -(targets * logs).sum(dim=2)
    probabilities = logs.exp()
    change = (probabilities[:, 1:] - probabilities[:, :-1]).abs().sum(dim=2)
    still = ((targets[:, 1:] - targets[:, :-1]).abs().sum(dim=2) < 1e-3).float() * shown[:, 1:]
    unrest = (change * still).sum() / still.sum().clamp(min=1)
    return (wrong * shown).sum() / shown.sum() + steadiness * unrest
