"""Training of the landmark network on upright faces."""

import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from mien.core.errors import InputError
from mien.vision.alignment import crop_face
from mien.vision.landmarks import CLOSE_SIZE, close_matrix
from mien_lab.data.scenes import Part, Picture, read_fer_faces, read_portraits, read_scenes
from mien_lab.training.augmentation import crop_batch, photometric_jitter
from mien_lab.training.landmarks_net import LandmarksNet
from mien_lab.training.learner import Learner
from mien_lab.training.run import Progress, Run
from mien_lab.training.steps import annealed, epoch_seed, mixed_precision

__all__ = ["LandmarksConfig", "UprightFaces", "train_landmarks", "upright_faces"]

log = logging.getLogger(__name__)

MARGIN = 20
"""Margin in pixels on each side of the crop, for jitter."""
CANVAS = CLOSE_SIZE + 2 * MARGIN
SHARES = {"portraits": 0.5, "fer2013": 0.4, "scenes": 0.1}
"""Share of each source in a batch: portraits have the sharpest faces, FER2013 the most."""
TURN, GROWTH, SHIFT = 3.0, 0.05, 1.2
"""Standard deviations of the crop jitter: rotation in degrees, log scale, shift in pixels.

They model the error of approximate landmarks.
"""
SHARP = 30.0
"""Inter-ocular distance, in pixels of the picture, of a face with loss weight 1.

The weight is proportional to the distance, clamped to 0.3 to 1.5.
"""


@dataclass(frozen=True)
class LandmarksConfig:
    """Configuration of a run.

    Attributes:
        data_dir: folder with `faces`, `scenes` and `fer2013`.
        steps: batches per epoch.
        average: decay of the exponential moving average of the weights.
    """

    data_dir: Path
    epochs: int = 24
    steps: int = 250
    batch: int = 250
    rate: float = 3e-3
    decay: float = 1e-2
    average: float = 0.998
    seed: int = 17
    threads: int = 1


@dataclass(frozen=True)
class UprightFaces:
    """Faces aligned by their labelled landmarks.

    Attributes:
        canvases: (n, CANVAS, CANVAS) uint8 grey crops with a margin.
        points: (n, 5, 2) float32 landmarks in pixels of the canvas.
        eyes: (n,) float32 inter-ocular distances in pixels of the picture.
    """

    canvases: Tensor
    points: Tensor
    eyes: Tensor

    def __len__(self) -> int:
        """The number of faces."""
        return len(self.eyes)


def upright_faces(pictures: Sequence[Picture]) -> UprightFaces:
    """Align the sure faces of pictures."""
    canvases: list[npt.NDArray[np.uint8]] = []
    points: list[npt.NDArray[Any]] = []
    eyes: list[float] = []
    for picture in pictures:
        for five in picture.points[picture.sure]:
            matrix = close_matrix(five)
            matrix[:, 2] += MARGIN
            canvases.append(crop_face(picture.image, matrix, CANVAS))
            points.append(five @ matrix[:, :2].T + matrix[:, 2])
            eyes.append(float(np.linalg.norm(five[0] - five[1])))
    return UprightFaces(
        torch.from_numpy(np.array(canvases, np.uint8).reshape(-1, CANVAS, CANVAS)),
        torch.from_numpy(np.array(points, np.float32).reshape(-1, 5, 2)),
        torch.tensor(eyes, dtype=torch.float32),
    )


def train_landmarks(config: LandmarksConfig, folder: Path, *, resume: bool = False) -> Path:
    """Train or resume a run; returns the path of the last checkpoint.

    There is no mirroring, since the landmarks of the labelling detector are slightly biased to one
    side, as are the FER2013 faces aligned by them.

    Raises:
        OutputError: if the folder holds a run and `resume` is false.
        InputError: if the run was started with other options, or a source has no faces.
        FloatingPointError: if the loss or gradient is not finite; the last checkpoint is kept.
    """
    torch.set_num_threads(config.threads)
    run = Run(folder, config, resume=resume)
    sources = {
        "portraits": upright_faces(read_portraits(config.data_dir, Part.TRAIN)),
        "fer2013": upright_faces(read_fer_faces(config.data_dir, Part.TRAIN)),
        "scenes": upright_faces(read_scenes(config.data_dir, Part.TRAIN)),
    }
    log.info("faces: %s", {name: len(faces) for name, faces in sources.items()})
    if empty := [name for name, faces in sources.items() if not len(faces)]:
        raise InputError(f"no sure face among the {', '.join(empty)} of {config.data_dir}")
    torch.manual_seed(config.seed)
    net = LandmarksNet()
    net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(net.parameters(), lr=config.rate, weight_decay=config.decay)
    learner = Learner(net, config.average, optimizer)
    start = learner.restore(run.load(), config.steps)
    progress = Progress(config.epochs * config.steps, start * config.steps)
    for epoch in range(start, config.epochs):
        began = time.monotonic()
        loss = _epoch(config, epoch, learner, sources, progress)
        seconds = round(time.monotonic() - began, 1)
        figures = {"epoch": epoch + 1, "loss": round(loss, 5), "seconds": seconds}
        run.keep(learner.state(), figures)
    return run.checkpoint_file


def _epoch(
    config: LandmarksConfig,
    epoch: int,
    learner: Learner[LandmarksNet],
    sources: dict[str, UprightFaces],
    progress: Progress,
) -> float:
    """Train one epoch; returns the mean loss, in units of the side of the crop."""
    torch.manual_seed(epoch_seed(config.seed, epoch))
    learner.net.train()
    total = 0.0
    for step in range(config.steps):
        share = (epoch + step / config.steps) / config.epochs
        learner.begin_step(annealed(config.rate, share, epoch * config.steps + step))
        crops, points, weights = _batch(sources, config.batch)
        with mixed_precision(torch.device("cpu")):
            found = learner.net(crops.contiguous(memory_format=torch.channels_last))
        loss = ((found.float() - points).abs().mean(dim=1) * weights).sum() / weights.sum()
        learner.descend(loss, epoch, step)
        total += float(loss.detach())
        progress.step(f"epoch {epoch + 1}  loss {total / (step + 1):.5f}")
    return total / config.steps


def _batch(sources: dict[str, UprightFaces], count: int) -> tuple[Tensor, Tensor, Tensor]:
    """Crops (n, 1, 64, 64) in 0..255, target landmarks (n, 10), and loss weights (n,).

    Landmarks are relative to the centre of the crop, in units of its side.
    """
    drawn = [
        (faces, torch.randint(len(faces), (round(count * SHARES[name]),)))
        for name, faces in sources.items()
    ]
    canvases = torch.cat([faces.canvases[rows] for faces, rows in drawn]).float()
    points = torch.cat([faces.points[rows] for faces, rows in drawn])
    eyes = torch.cat([faces.eyes[rows] for faces, rows in drawn])
    crops, moved = _moved(canvases, points)
    places = (moved - (CLOSE_SIZE - 1) / 2) / CLOSE_SIZE
    return photometric_jitter(crops), places.flatten(1), (eyes / SHARP).clamp(0.3, 1.5)


def _moved(canvases: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
    """Randomly moved crops of canvases (n, h, h), and the landmarks in them."""
    count, side = canvases.shape[:2]
    angle = torch.randn(count) * math.radians(TURN)
    scale = torch.exp(torch.randn(count) * GROWTH)
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    linear = torch.stack([torch.stack([cos, -sin], -1), torch.stack([sin, cos], -1)], 1)
    shift = torch.randn(count, 2) * SHIFT + (CLOSE_SIZE - 1) / 2
    shift -= linear.sum(dim=2) * (side - 1) / 2
    matrices = torch.cat([linear, shift[:, :, None]], dim=2)
    moved = points @ linear.transpose(1, 2) + shift[:, None]
    return crop_batch(canvases, matrices, CLOSE_SIZE, CLOSE_SIZE), moved
