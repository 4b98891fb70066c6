"""Training of the expression network on FER2013, FER+ and labelled photographs."""

import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mien.core.errors import InputError
from mien.vision.alignment import CROP_SIZE
from mien_lab.data.balancing import BALANCINGS
from mien_lab.data.cleaning import clean, write_drops
from mien_lab.data.faces import FaceSet, fer_faces
from mien_lab.data.fer2013 import Fer, load_fer, majority
from mien_lab.training.augmentation import augment
from mien_lab.training.expression_config import ExpressionConfig
from mien_lab.training.expression_net import SHAPES, ExpressionNet, Outputs, trained_net
from mien_lab.training.learner import Learner
from mien_lab.training.run import Progress, Run, read_config
from mien_lab.training.steps import CLIP, epoch_seed, mixed_precision, require_finite
from mien_lab.training.targets import Targets, TrainingFaces, training_faces
from mien_lab.training.teachers import Tutor
from mien_lab.training.validation import Validation
from mien_lab.training.workers import Workers

__all__ = ["train_expression"]


def train_expression(config: ExpressionConfig, folder: Path, *, resume: bool = False) -> Path:
    """Train or resume a run; returns the path of the last checkpoint.

    Uses stochastic gradient descent with Nesterov momentum, a cosine schedule with linear warm-up,
    ghost batch normalisation, and an exponential moving average of the weights. The average, under
    the key `average` of the checkpoint, is what is exported. `drops.csv` in the folder lists the
    rows of FER2013 that are not trained on. Batches are deterministic: a resumed run, and several
    processes started by `torchrun`, see the same ones as a single uninterrupted process.

    Raises:
        OutputError: if the folder holds a run and `resume` is false.
        InputError: if the options are invalid or contradict each other, if there are fewer faces
            than a batch holds, no PublicTest rows for validation, or fewer than two labels to
            train on.
        FloatingPointError: if the loss or gradient is not finite; the last checkpoint is kept.
    """
    workers = Workers.joined()
    _require_possible(config, workers)
    run = Run(folder, config, resume=resume)
    torch.manual_seed(config.seed)
    data = load_fer(config.fer_dir)
    check = _validation(config, data)
    cleaning = clean(data)
    if workers.rank == 0:
        write_drops(folder / "drops.csv", cleaning)
    training = training_faces(config, data, cleaning)
    faces = training.faces
    if len(faces) < config.batch:
        raise InputError(
            f"{len(faces)} faces do not fill a batch of {config.batch}; choose a smaller batch"
        )
    net = ExpressionNet(stages=SHAPES[config.shape])
    if config.start is not None:
        net.load_state_dict(trained_net(config.start).state_dict())
    net.to(workers.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.SGD(
        _parameter_groups(net, config.decay), lr=0.0, momentum=config.momentum, nesterov=True
    )
    learner = Learner(net, config.average, optimizer)
    # Only the first process reads and writes checkpoints; the others may be on other machines.
    state = workers.shared(run.load() if workers.rank == 0 else {})
    steps = len(faces) // config.batch
    start = learner.restore(state, steps)
    progress = Progress(steps * config.epochs, steps * start)
    tutor = None if config.tutor is None else Tutor(config.tutor)
    forward = torch.compile(net) if config.compile else net
    for epoch in range(start, config.epochs):
        began = time.monotonic()
        loss = _epoch(config, epoch, training, learner, forward, tutor, progress, workers)
        if workers.rank > 0:
            continue
        figures = {"epoch": epoch + 1, "loss": loss, "minutes": (time.monotonic() - began) / 60}
        figures |= check.figures(learner.average.net, _size(config, epoch), workers.device)
        run.keep(learner.state(), figures)
    return run.checkpoint_file


def _validation(config: ExpressionConfig, data: Fer) -> Validation:
    public = data.rows("PublicTest")[: config.limit]
    if not len(public):
        raise InputError(f"{config.fer_dir} has no PublicTest rows to check on; use all of FER2013")
    return Validation(
        fer_faces(data, public),
        torch.from_numpy(data.labels[public]),
        torch.from_numpy(majority(data.votes[public])),
    )


def _require_possible(config: ExpressionConfig, workers: Workers) -> None:
    if config.batch % (config.part * workers.count):
        raise InputError(
            f"{workers.count} processes cannot share a batch of {config.batch} in parts of "
            f"{config.part}; choose a batch that is a multiple of {config.part * workers.count}"
        )
    if config.shape not in SHAPES:
        raise InputError(f"there is no shape {config.shape!r}; choose one of: {', '.join(SHAPES)}")
    if config.fold is not None and config.fold >= config.folds:
        raise InputError(
            f"there is no fold {config.fold} of {config.folds}; they count from 0, so that the "
            f"last is {config.folds - 1}"
        )
    if config.fold is not None:
        _require_unseen(config)
    if config.balancing not in BALANCINGS:
        raise InputError(
            f"there is no balancing by {config.balancing!r}; choose one of: {', '.join(BALANCINGS)}"
        )
    if config.balancing == "sampling" and config.groups is None:
        raise InputError("sampling balances groups, and none are given; give a CSV with --groups")


def _require_unseen(config: ExpressionConfig) -> None:
    """Refuse initial weights and teachers that may have seen the held-out fold."""
    if config.teachers is not None or config.tutor is not None:
        raise InputError(
            "--teachers and --tutor may have been trained on the held-out fold; leave them out "
            "with --fold"
        )
    if config.start is None:
        return
    before = read_config(config.start)
    if (before.get("fold"), before.get("folds")) != (config.fold, config.folds):
        raise InputError(
            f"{config.start} was not trained without fold {config.fold} of {config.folds}; start "
            "from a run of the same fold, or from none"
        )


def _epoch(
    config: ExpressionConfig,
    epoch: int,
    training: TrainingFaces,
    learner: Learner[ExpressionNet],
    forward: Any,
    tutor: Tutor | None,
    progress: Progress,
    workers: Workers,
) -> float:
    """One pass over the faces; returns the mean loss.

    Each part of a batch is normalised by itself (ghost batch normalisation).
    """
    seed = epoch_seed(config.seed, epoch)
    faces, order = training.faces, training.order(seed)
    steps, parts = len(faces) // config.batch, config.batch // config.part
    size = _size(config, epoch)
    net = learner.net.train()
    statistics = _RunningStatistics(net, parts)
    total = 0.0
    for index in range(steps):
        rows = order[index * config.batch : (index + 1) * config.batch].reshape(parts, -1)
        learner.begin_step(_rate(config, epoch + index / steps))
        statistics.begin_step()
        loss = torch.zeros(1, device=workers.device)
        for part in range(workers.rank, parts, workers.count):
            chance = _part_generator(seed, index, part)
            torch.manual_seed(chance.initial_seed())
            crops, targets = _batch(config, faces, rows[part], chance, size, tutor)
            crops = crops.to(workers.device).contiguous(memory_format=torch.channels_last)
            with mixed_precision(workers.device):
                outputs = forward(crops)
            share = _loss(config, outputs, targets.to(workers.device)) / parts
            share.backward()  # type: ignore[no-untyped-call]
            loss += share.detach()
            statistics.end_part()
        gradients = [p.grad for p in net.parameters() if p.grad is not None]
        workers.sum([*gradients, *statistics.mean, loss])
        value = float(loss)
        require_finite(value, epoch, index)
        statistics.end_step()
        norm = nn.utils.clip_grad_norm_(net.parameters(), CLIP)
        require_finite(norm, epoch, index, "gradient")
        learner.move()
        total += value
        progress.step(f"epoch {epoch + 1}  loss {total / (index + 1):.4f}")
    return total / max(steps, 1)


class _RunningStatistics:
    """Running statistics of batch normalisation, which each part updates from the step's start.

    Attributes:
        mean: their mean over the parts of a step that this process has ended.
    """

    def __init__(self, net: nn.Module, parts: int) -> None:
        self._buffers = [buffer for buffer in net.buffers() if buffer.is_floating_point()]
        self._parts = parts

    def begin_step(self) -> None:
        self._before = [buffer.clone() for buffer in self._buffers]
        self.mean = [torch.zeros_like(buffer) for buffer in self._buffers]

    def end_part(self) -> None:
        for buffer, before, mean in zip(self._buffers, self._before, self.mean, strict=True):
            mean += buffer / self._parts
            buffer.copy_(before)

    def end_step(self) -> None:
        for buffer, mean in zip(self._buffers, self.mean, strict=True):
            buffer.copy_(mean)


def _part_generator(seed: int, step: int, part: int) -> torch.Generator:
    """Seeded by epoch, step and part, so that resuming or adding processes changes nothing."""
    # torch takes seeds of 64 bits.
    return torch.Generator().manual_seed(((seed * 100_003 + step) * 1_009 + part) % 2**64)


def _batch(
    config: ExpressionConfig,
    faces: FaceSet,
    rows: np.ndarray[Any, Any],
    generator: torch.Generator,
    size: int,
    tutor: Tutor | None,
) -> tuple[Tensor, Targets]:
    """Augmented crops (n, 1, size, size) in 0..255, mixed by mixup, and their targets."""
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
    targets = Targets(emotions, fer)
    if tutor is not None:
        targets = targets.taught(tutor, crops, config.tutor_share)
        if size != CROP_SIZE:
            crops = F.interpolate(crops, (size, size), mode="bilinear", antialias=True)
    return crops, targets


def _loss(config: ExpressionConfig, outputs: Outputs, targets: Targets) -> Tensor:
    """Cross-entropy with both soft targets; the sum of a target is its weight."""
    emotion = -(targets.emotions * F.log_softmax(outputs.logits.float(), dim=1)).sum(dim=1)
    fer = -(targets.fer * F.log_softmax(outputs.fer_logits.float(), dim=1)).sum(dim=1)
    return emotion.mean() + config.fer_weight * fer.mean()


def _rate(config: ExpressionConfig, epoch: float) -> float:
    if epoch < config.warmup_epochs:
        return config.rate * (epoch + 0.02) / config.warmup_epochs
    share = (epoch - config.warmup_epochs) / max(config.epochs - config.warmup_epochs, 1e-9)
    return config.rate * 0.5 * (1 + math.cos(math.pi * min(share, 1.0)))


def _parameter_groups(net: nn.Module, decay: float) -> list[dict[str, Any]]:
    """Parameter groups with weight decay on matrices and kernels only."""
    kernels = [p for p in net.parameters() if p.ndim > 1]
    others = [p for p in net.parameters() if p.ndim <= 1]
    return [{"params": kernels, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]


def _size(config: ExpressionConfig, epoch: int) -> int:
    return next(size for share, size in config.sizes if epoch < share * config.epochs)
