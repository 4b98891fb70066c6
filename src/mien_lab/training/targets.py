"""What the expression network learns from: faces, how often each comes, and their targets."""

import logging
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from mien.core.errors import InputError
from mien_lab.data.balancing import (
    balancing_weights,
    drawn_order,
    effective_share,
    sampling_chances,
)
from mien_lab.data.cleaning import Cleaning
from mien_lab.data.faces import FaceSet, fer_faces, join, photograph_faces
from mien_lab.data.fer2013 import Fer, labels_given_votes, majority
from mien_lab.data.groups import read_groups
from mien_lab.training.expression_config import ExpressionConfig
from mien_lab.training.teachers import Teaching, Tutor, in_fold, read_teaching

__all__ = ["Targets", "TrainingFaces", "training_faces"]

log = logging.getLogger(__name__)

Rows = npt.NDArray[np.intp]


@dataclass(frozen=True)
class TrainingFaces:
    """The faces of a run.

    Attributes:
        faces: with their targets.
        chances: (n,) of each to be drawn, summing to 1; None where each comes once in an epoch.
    """

    faces: FaceSet
    chances: npt.NDArray[np.float64] | None = None

    def order(self, seed: int) -> Rows:
        """The rows (n,) of an epoch in order; the same for the same seed."""
        generator = torch.Generator().manual_seed(seed)
        if self.chances is None:
            return torch.randperm(len(self.faces), generator=generator).numpy()
        return drawn_order(self.chances, len(self.faces), generator.initial_seed())

    def beside(self, others: FaceSet) -> "TrainingFaces":
        """These and others, which come once in an epoch in the mean."""
        faces = join(self.faces, others)
        if self.chances is None:
            return TrainingFaces(faces)
        times = np.concatenate([self.chances * len(self.faces), np.ones(len(others))])
        return TrainingFaces(faces, times / times.sum())

    def some(self, rows: Rows) -> "TrainingFaces":
        """Only those of the given rows."""
        values = (getattr(self.faces, name)[rows] for name in FaceSet.__dataclass_fields__)
        if self.chances is None:
            return TrainingFaces(FaceSet(*values))
        return TrainingFaces(FaceSet(*values), self.chances[rows] / self.chances[rows].sum())


def training_faces(config: ExpressionConfig, data: Fer, cleaning: Cleaning) -> TrainingFaces:
    """The faces that a run is trained on, with their targets.

    Raises:
        InputError: if the table of groups, the teachers' file or a photograph cannot be used.
    """
    log.info("training rows: %d kept; dropped: %s", len(cleaning.rows), cleaning.counts())
    rows = cleaning.rows
    if config.fold is not None:
        rows = rows[~in_fold(data, rows, config.fold, config.folds)]
    faces = fer_faces(data, rows)
    if config.fer_smoothing > 0:
        expected = labels_given_votes(data, rows) * config.fer_smoothing
        faces = replace(faces, fer=faces.fer * (1 - config.fer_smoothing) + expected)
    if config.teachers is not None:
        faces = _taught(config, faces, read_teaching(config.teachers, len(data)), rows)
    chosen = TrainingFaces(faces)
    if config.groups is not None:
        chosen = _balanced(config, faces, _groups(config.groups, rows), majority(data.votes[rows]))
    if config.faces_dir is not None:
        photographs = photograph_faces(config.faces_dir)
        if config.tutor is not None:
            photographs = replace(photographs, emotions=np.zeros_like(photographs.emotions))
        chosen = chosen.beside(photographs)
    if config.limit is None:
        return chosen
    return chosen.some(torch.randperm(len(chosen.faces))[: config.limit].numpy())


def _taught(config: ExpressionConfig, faces: FaceSet, teaching: Teaching, rows: Rows) -> FaceSet:
    """The faces with targets that are in part the teachers'; targets that are zero stay so."""
    emotions, fer = teaching.emotions[rows], teaching.fer[rows]
    share = config.emotion_teaching * (faces.emotions.sum(axis=1) > 0) * (emotions.sum(axis=1) > 0)
    fer_share = config.fer_teaching * (fer.sum(axis=1) > 0)
    mixed = faces.emotions * (1 - share[:, None]) + emotions * share[:, None]
    fer = faces.fer * (1 - fer_share[:, None]) + fer * fer_share[:, None]
    return replace(faces, emotions=mixed.astype(np.float32), fer=fer.astype(np.float32))


def _groups(table: Path, rows: Rows) -> tuple[str, ...]:
    groups = read_groups(table, [f"{row:05}" for row in rows])
    if len(groups.columns) != 1:
        raise InputError(
            f"{table} has the columns {', '.join(groups.columns)}; faces are balanced by "
            "one: keep it and name"
        )
    (values,) = groups.columns.values()
    return values


def _balanced(
    config: ExpressionConfig, faces: FaceSet, groups: tuple[str, ...], labels: npt.NDArray[np.int64]
) -> TrainingFaces:
    """The faces with both targets weighted by group and label, or with the chances to be drawn."""
    if config.balancing == "sampling":
        chances = sampling_chances(groups, labels, strength=config.balance)
        log.info(
            "the drawn faces are worth %.0f %% of them; one comes up to %.1f times in an epoch",
            100 * effective_share(chances),
            chances.max() * len(chances),
        )
        return TrainingFaces(faces, chances)
    weights = balancing_weights(groups, labels, strength=config.balance)
    log.info("the weighted faces are worth %.0f %% of them", 100 * effective_share(weights))
    weighted = replace(
        faces,
        emotion_weight=(faces.emotion_weight * weights).astype(np.float32),
        fer=(faces.fer * weights[:, None]).astype(np.float32),
    )
    return TrainingFaces(weighted)


@dataclass(frozen=True)
class Targets:
    """What the crops of a batch show: the mass of a row is its weight, and zero rows have none.

    Attributes:
        emotions: (n, 8).
        fer: (n, 7).
    """

    emotions: Tensor
    fer: Tensor

    def to(self, device: torch.device) -> "Targets":
        """The same on another device."""
        return Targets(self.emotions.to(device), self.fer.to(device))

    def taught(self, tutor: Tutor, crops: Tensor, share: float) -> "Targets":
        """The same with a share that is the tutor's; what has no target gets it whole."""
        mixed = []
        for mine, theirs in zip((self.emotions, self.fer), tutor.read(crops), strict=True):
            mass = mine.sum(1, keepdim=True)
            blend = mine * (1 - share) + theirs * mass * share
            mixed.append(torch.where(mass > 0, blend, theirs))
        return Targets(*mixed)
