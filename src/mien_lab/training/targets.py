"""Training faces of the expression network: soft targets and sampling probabilities."""

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
        faces: the faces with their targets.
        chances: (n,) sampling probabilities, summing to 1; None to use each face once per epoch.
    """

    faces: FaceSet
    chances: npt.NDArray[np.float64] | None = None

    def order(self, seed: int) -> Rows:
        """Row indices (n,) of an epoch in random order; deterministic for a seed."""
        generator = torch.Generator().manual_seed(seed)
        if self.chances is None:
            return torch.randperm(len(self.faces), generator=generator).numpy()
        return drawn_order(self.chances, len(self.faces), generator.initial_seed())

    def beside(self, others: FaceSet) -> "TrainingFaces":
        """Add other faces, each with an expected frequency of once per epoch."""
        faces = join(self.faces, others)
        if self.chances is None:
            return TrainingFaces(faces)
        times = np.concatenate([self.chances * len(self.faces), np.ones(len(others))])
        return TrainingFaces(faces, times / times.sum())

    def some(self, rows: Rows) -> "TrainingFaces":
        """The subset of the given rows."""
        values = (getattr(self.faces, name)[rows] for name in FaceSet.__dataclass_fields__)
        if self.chances is None:
            return TrainingFaces(FaceSet(*values))
        return TrainingFaces(FaceSet(*values), self.chances[rows] / self.chances[rows].sum())


def training_faces(config: ExpressionConfig, data: Fer, cleaning: Cleaning) -> TrainingFaces:
    """The training faces of a run with their targets.

    Raises:
        InputError: if the table of groups, the teachers' file or a photograph is invalid.
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
    """Mix the teachers' predictions into the targets; vote targets that are zero stay zero."""
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
    """Faces balanced by group and label, by loss weights or by sampling probabilities."""
    if config.balancing == "sampling":
        chances = sampling_chances(groups, labels, strength=config.balance)
        log.info(
            "effective sample size: %.0f %%; a face is drawn up to %.1f times per epoch",
            100 * effective_share(chances),
            chances.max() * len(chances),
        )
        return TrainingFaces(faces, chances)
    weights = balancing_weights(groups, labels, strength=config.balance)
    log.info("effective sample size: %.0f %%", 100 * effective_share(weights))
    weighted = replace(
        faces,
        emotion_weight=(faces.emotion_weight * weights).astype(np.float32),
        fer=(faces.fer * weights[:, None]).astype(np.float32),
    )
    return TrainingFaces(weighted)


@dataclass(frozen=True)
class Targets:
    """Soft targets of a batch; the sum of a row is its weight, and rows without target are 0.

    Attributes:
        emotions: (n, 8) float32.
        fer: (n, 7) float32.
    """

    emotions: Tensor
    fer: Tensor

    def to(self, device: torch.device) -> "Targets":
        """Copy to another device."""
        return Targets(self.emotions.to(device), self.fer.to(device))

    def taught(self, tutor: Tutor, crops: Tensor, share: float) -> "Targets":
        """Mix in a share of the tutor's predictions; rows without a target get them alone."""
        mixed = []
        for mine, theirs in zip((self.emotions, self.fer), tutor.read(crops), strict=True):
            mass = mine.sum(1, keepdim=True)
            blend = mine * (1 - share) + theirs * mass * share
            mixed.append(torch.where(mass > 0, blend, theirs))
        return Targets(*mixed)
