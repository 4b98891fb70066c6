"""Training of the expression network on FER2013, FER+ and labelled photographs."""

import logging
import math
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mien.core.errors import InputError
from mien.vision.alignment import CROP_SIZE
from mien_lab.data.augmentation import Augmentation, augment
from mien_lab.data.balancing import balancing_weights, effective_share
from mien_lab.data.cleaning import Cleaning, clean, write_drops
from mien_lab.data.faces import FaceSet, fer_faces, join, photograph_faces
from mien_lab.data.fer2013 import Fer, labels_given_votes, load_fer, majority
from mien_lab.data.groups import read_groups
from mien_lab.training.expression_net import SHAPES, ExpressionNet, Outputs, trained_net
from mien_lab.training.run import Progress, Run, WeightAverage, require_finite
from mien_lab.training.teachers import Teaching, Tutor, in_fold, read_teaching
from mien_lab.training.validation import Validation
from mien_lab.training.workers import Workers

__all__ = ["ExpressionConfig", "train_expression"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ExpressionConfig:
    """Everything that decides the outcome of a run, with the seed."""

    fer_dir: Path
    faces_dir: Path | None = None
    """Photographs with expression labels to train on besides, or None."""
    epochs: int = 50
    batch: int = 128
    part: int = 64
    """Faces that are normalised together; smaller than the batch, the network generalises better
    (Hoffer et al., "Train longer, generalize better", NeurIPS 2017), and the processes that train
    together share the parts of a batch."""
    shape: str = "wide"
    """One of `SHAPES`."""
    start: Path | None = None
    """The folder of a run whose weights to start from, or None for random ones."""
    rate: float = 0.1
    """Peak learning rate of SGD; it warms up, then follows half a cosine to zero."""
    warmup_epochs: float = 2.0
    momentum: float = 0.9
    decay: float = 5e-4
    average: float = 0.999
    mixup: float = 0.2
    """Both parameters of the beta distribution (Zhang et al., "mixup", ICLR 2018)."""
    fer_weight: float = 0.75
    fer_smoothing: float = 0.45
    """Share of a FER2013 target that is not the label but what FER+'s votes make of it: labels
    by one person are often wrong, and the votes say which."""
    sizes: tuple[tuple[float, int], ...] = ((0.4, 32), (0.8, 40), (1.0, 48))
    """Crop size up to each share of the epochs: smaller crops first cost less."""
    augmentation: Augmentation = field(default_factory=Augmentation)
    seed: int = 0
    groups: Path | None = None
    """A CSV of groups of the faces (`name`, which is the row of FER2013 in five digits, and one
    column); faces are weighted so that no group has labels of its own, those of no group too."""
    balance: float = 1.0
    """Strength of that weighting, 0 to 1; see `balancing_weights`."""
    fold: int | None = None
    """The part of the faces to leave out, so that the network can teach them to another."""
    folds: int = 3
    teachers: Path | None = None
    """What such networks say, as `mien-lab teach` wrote it, to learn from besides."""
    emotion_teaching: float = 0.3
    """Share of a vote distribution that is the teachers'."""
    fer_teaching: float = 0.4
    """The same of a FER2013 target."""
    tutor: Path | None = None
    """A folder of weights to distil, exported with `--bare`: see `Tutor`."""
    tutor_share: float = 0.7
    """Share of both targets that is the tutor's; photographs, whose labels lean to neutral, are
    taught by it alone."""
    limit: int | None = None
    """Use only so many faces; for tests."""
    compile: bool = True


def train_expression(config: ExpressionConfig, folder: Path, *, resume: bool = False) -> Path:
    """Train, or go on training, and return the path of the last checkpoint.

    The folder also says, in `drops.csv`, which rows of FER2013 were not trained on, and why.
    The checkpoint's `average` holds the weights to export. An interrupted run that is resumed
    sees the same batches as one that was not; so do several processes that `torchrun` starts, as
    long as there are no more of them than parts of a batch.

    Raises:
        FileExistsError: if the folder holds a run and `resume` is false.
        InputError: if there are fewer faces than a batch holds, its parts cannot be shared, or
            the network has no known shape.
        FloatingPointError: if loss or gradient are no longer finite; the last checkpoint is kept.
    """
    workers = Workers.joined()
    if config.batch % (config.part * workers.count):
        raise InputError(
            f"{workers.count} processes cannot share a batch of {config.batch} in parts of "
            f"{config.part}; choose a batch that is a multiple of {config.part * workers.count}"
        )
    if config.shape not in SHAPES:
        raise InputError(f"there is no shape {config.shape!r}; choose one of: {', '.join(SHAPES)}")
    run = Run(folder, config, resume=resume)
    torch.manual_seed(config.seed)
    data = load_fer(config.fer_dir)
    cleaning = clean(data)
    if workers.rank == 0:
        write_drops(folder / "drops.csv", cleaning)
    faces = _training_faces(config, data, cleaning)
    if len(faces) < config.batch:
        raise InputError(
            f"{len(faces)} faces do not fill a batch of {config.batch}; choose a smaller batch"
        )
    public = data.rows("PublicTest")[: config.limit]
    check = Validation(
        fer_faces(data, public),
        torch.from_numpy(data.labels[public]),
        torch.from_numpy(majority(data.votes[public])),
    )

    net = ExpressionNet(stages=SHAPES[config.shape])
    if config.start is not None:
        net.load_state_dict(trained_net(config.start).state_dict())
    net.to(workers.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = WeightAverage(net, config.average)
    optimizer = torch.optim.SGD(
        _parameter_groups(net, config.decay), lr=0.0, momentum=config.momentum, nesterov=True
    )
    # Only the first process writes checkpoints, maybe on another machine.
    state, start = workers.shared(run.load() if workers.rank == 0 else None), 0
    if state is not None:
        net.load_state_dict(state["net"])
        average.net.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        average.steps, start = state["steps"], state["epoch"]
    steps = len(faces) // config.batch
    progress = Progress(steps * config.epochs, steps * start)
    tutor = None if config.tutor is None else Tutor(config.tutor)
    step = torch.compile(net) if config.compile else net
    for epoch in range(start, config.epochs):
        began = time.monotonic()
        loss = _epoch(config, epoch, faces, net, step, tutor, average, optimizer, progress, workers)
        if workers.rank > 0:
            continue
        figures = {"epoch": epoch + 1, "loss": loss, "minutes": (time.monotonic() - began) / 60}
        figures |= check.figures(average.net, _size(config, epoch), workers.device)
        log.info("%s", {name: round(value, 4) for name, value in figures.items()})
        run.save(
            {
                "net": net.state_dict(),
                "average": average.net.state_dict(),
                "optimizer": optimizer.state_dict(),
                "steps": average.steps,
                "epoch": epoch + 1,
            },
            figures,
        )
    return run.checkpoint_file


def _training_faces(config: ExpressionConfig, data: Fer, cleaning: Cleaning) -> FaceSet:
    log.info("training rows: %d kept; dropped: %s", len(cleaning.rows), cleaning.counts())
    rows = cleaning.rows
    if config.fold is not None:
        rows = rows[~in_fold(rows, config.fold, config.folds)]
    faces = fer_faces(data, rows)
    if config.fer_smoothing > 0:
        expected = labels_given_votes(data, rows) * config.fer_smoothing
        faces = replace(faces, fer=faces.fer * (1 - config.fer_smoothing) + expected)
    if config.teachers is not None:
        faces = _taught(config, faces, read_teaching(config.teachers, len(data)), rows)
    if config.groups is not None:
        faces = _balanced(faces, data, rows, config.groups, config.balance)
    if config.faces_dir is not None:
        photographs = photograph_faces(config.faces_dir)
        if config.tutor is not None:
            photographs = replace(photographs, emotions=np.zeros_like(photographs.emotions))
        faces = join(faces, photographs)
    if config.limit is None:
        return faces
    chosen = torch.randperm(len(faces))[: config.limit].numpy()
    return FaceSet(*(getattr(faces, name)[chosen] for name in FaceSet.__dataclass_fields__))


def _taught(
    config: ExpressionConfig, faces: FaceSet, teaching: Teaching, rows: npt.NDArray[np.intp]
) -> FaceSet:
    """The faces with targets that are in part the teachers'; targets that are zero stay so."""
    emotions, fer = teaching.emotions[rows], teaching.fer[rows]
    share = config.emotion_teaching * (faces.emotions.sum(axis=1) > 0) * (emotions.sum(axis=1) > 0)
    fer_share = config.fer_teaching * (fer.sum(axis=1) > 0)
    mixed = faces.emotions * (1 - share[:, None]) + emotions * share[:, None]
    fer = faces.fer * (1 - fer_share[:, None]) + fer * fer_share[:, None]
    return replace(faces, emotions=mixed.astype(np.float32), fer=fer.astype(np.float32))


def _balanced(
    faces: FaceSet, data: Fer, rows: npt.NDArray[np.intp], table: Path, strength: float
) -> FaceSet:
    """The faces of these rows with both targets weighted by group and label."""
    groups = read_groups(table, [f"{row:05}" for row in rows])
    if len(groups.columns) != 1:
        raise InputError(
            f"{table} has the columns {', '.join(groups.columns)}; faces are balanced by "
            "one: keep it and name"
        )
    (values,) = groups.columns.values()
    weights = balancing_weights(values, majority(data.votes[rows]), strength=strength)
    log.info("the weighted faces are worth %.0f %% of them", 100 * effective_share(weights))
    return replace(
        faces,
        emotion_weight=(faces.emotion_weight * weights).astype(np.float32),
        fer=(faces.fer * weights[:, None]).astype(np.float32),
    )


def _epoch(
    config: ExpressionConfig,
    epoch: int,
    faces: FaceSet,
    net: nn.Module,
    forward: Any,
    tutor: Tutor | None,
    average: WeightAverage,
    optimizer: torch.optim.Optimizer,
    progress: Progress,
    workers: Workers,
) -> float:
    """One pass over the faces; returns the mean loss."""
    # Epoch, step and part seed all chance, so that a resumed run repeats what an unbroken one
    # did, and several processes what one does.
    seed = config.seed * 1_000_003 + epoch
    order = torch.randperm(len(faces), generator=torch.Generator().manual_seed(seed)).numpy()
    steps, parts = len(faces) // config.batch, config.batch // config.part
    size = _size(config, epoch)
    net.train()
    buffers = [buffer for buffer in net.buffers() if buffer.is_floating_point()]
    total = 0.0
    for index in range(steps):
        rows = order[index * config.batch : (index + 1) * config.batch].reshape(parts, -1)
        for group in optimizer.param_groups:
            group["lr"] = _rate(config, epoch + index / steps)
        optimizer.zero_grad(set_to_none=True)
        before = [buffer.clone() for buffer in buffers]
        after = [torch.zeros_like(buffer) for buffer in buffers]
        loss = torch.zeros(1, device=workers.device)
        for part in range(workers.rank, parts, workers.count):
            chance = torch.Generator().manual_seed((seed * 100_003 + index) * 1_009 + part)
            torch.manual_seed(chance.initial_seed())
            crops, targets = _batch(config, faces, rows[part], chance, size, tutor)
            crops = crops.to(workers.device).contiguous(memory_format=torch.channels_last)
            with torch.autocast(workers.device.type, dtype=torch.bfloat16):
                outputs = forward(crops)
            share = _loss(config, outputs, targets.to(workers.device)) / parts
            share.backward()  # type: ignore[no-untyped-call]
            loss += share.detach()
            # Each part moves the running statistics from where the step found them.
            for buffer, old, new in zip(buffers, before, after, strict=True):
                new += buffer / parts
                buffer.copy_(old)
        gradients = [p.grad for p in net.parameters() if p.grad is not None]
        workers.sum([*gradients, *after, loss])
        value = float(loss)
        require_finite(value, epoch, index)
        for buffer, new in zip(buffers, after, strict=True):
            buffer.copy_(new)
        norm = nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        require_finite(norm, epoch, index, "gradient")
        optimizer.step()
        average.update(net)
        total += value
        progress.step(f"epoch {epoch + 1}  loss {total / (index + 1):.4f}")
    return total / max(steps, 1)


@dataclass(frozen=True)
class _Targets:
    emotions: Tensor
    fer: Tensor

    def to(self, device: torch.device) -> "_Targets":
        """The same on another device."""
        return _Targets(self.emotions.to(device), self.fer.to(device))

    def taught(self, tutor: Tutor, crops: Tensor, share: float) -> "_Targets":
        """The same with a share that is the tutor's; what has no target gets it whole."""
        mixed = [
            torch.where(mine.sum(1, keepdim=True) > 0, mine * (1 - share) + theirs * share, theirs)
            for mine, theirs in zip((self.emotions, self.fer), tutor.read(crops), strict=True)
        ]
        return _Targets(*mixed)


def _batch(
    config: ExpressionConfig,
    faces: FaceSet,
    rows: np.ndarray[Any, Any],
    generator: torch.Generator,
    size: int,
    tutor: Tutor | None,
) -> tuple[Tensor, _Targets]:
    """Crops (n, 1, size, size) in 0..255 and what they show."""
    crops = augment(
        torch.from_numpy(faces.canvases[rows]),
        torch.from_numpy(faces.matrices[rows]),
        config.augmentation,
        generator,
        size if tutor is None else CROP_SIZE,
    )
    emotions = torch.from_numpy(faces.emotions[rows])
    weight = torch.from_numpy(faces.emotion_weight[rows])
    fer = torch.from_numpy(faces.fer[rows])
    emotions = emotions * weight[:, None]
    if config.mixup > 0:
        dice = np.random.default_rng(generator.initial_seed())
        share = float(dice.beta(config.mixup, config.mixup))
        share = max(share, 1 - share)
        crops = share * crops + (1 - share) * crops.flip(0)
        emotions = share * emotions + (1 - share) * emotions.flip(0)
        fer = share * fer + (1 - share) * fer.flip(0)
    targets = _Targets(emotions, fer)
    if tutor is not None:
        targets = targets.taught(tutor, crops, config.tutor_share)
        if size != CROP_SIZE:
            crops = F.interpolate(crops, (size, size), mode="bilinear", antialias=True)
    return crops, targets


def _loss(config: ExpressionConfig, outputs: Outputs, targets: _Targets) -> Tensor:
    """Cross-entropy with both targets; a target's mass is its weight."""
    emotion = -(targets.emotions * F.log_softmax(outputs.logits.float(), dim=1)).sum(dim=1)
    fer = -(targets.fer * F.log_softmax(outputs.fer_logits.float(), dim=1)).sum(dim=1)
    return emotion.mean() + config.fer_weight * fer.mean()


def _rate(config: ExpressionConfig, epoch: float) -> float:
    if epoch < config.warmup_epochs:
        return config.rate * (epoch + 0.02) / config.warmup_epochs
    share = (epoch - config.warmup_epochs) / max(config.epochs - config.warmup_epochs, 1e-9)
    return config.rate * 0.5 * (1 + math.cos(math.pi * min(share, 1.0)))


def _parameter_groups(net: nn.Module, decay: float) -> list[dict[str, Any]]:
    """Weight decay for matrices and kernels only."""
    kernels = [p for p in net.parameters() if p.ndim > 1]
    others = [p for p in net.parameters() if p.ndim <= 1]
    return [{"params": kernels, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]


def _size(config: ExpressionConfig, epoch: int) -> int:
    return next(size for share, size in config.sizes if epoch < share * config.epochs)
