"""What networks say of training faces that they were not trained on: labels to learn from besides.

Each of several networks is trained without one part of the faces and then reads that part. People's
single labels are often wrong, and a network that has seen a label repeats it; one that has not says
what the others make of such a face (Wolpert, "Stacked generalization", Neural Networks 5, 1992;
Hinton et al., "Distilling the knowledge in a neural network", 2015).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from mien.core.errors import InputError
from mien.core.labels import EMOTIONS
from mien_lab.data.cleaning import clean
from mien_lab.data.faces import fer_faces, upright_crops
from mien_lab.data.fer2013 import FER_LABELS, load_fer
from mien_lab.training.expression_net import ExpressionNet, trained_net

__all__ = ["Teaching", "in_fold", "read_teaching", "teach", "write_teaching"]

BATCH = 256

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Teaching:
    """Probabilities for all rows of FER2013; zero where no teacher has read the row.

    Attributes:
        emotions: (n, 8) of the vote head.
        fer: (n, 7) of the FER2013 head.
    """

    emotions: Floats
    fer: Floats


def in_fold(rows: npt.NDArray[np.intp], fold: int, folds: int) -> npt.NDArray[np.bool_]:
    """Which rows are those that the network of a fold is not trained on."""
    return np.asarray(rows % folds == fold)


def teach(fer_dir: Path, runs: Sequence[Path]) -> Teaching:
    """Read each part of the training rows with the network that was trained without it.

    Args:
        fer_dir: FER2013.
        runs: folders of `mien-lab train --fold K --folds N`, one for each K.

    Raises:
        InputError: if a run has no fold, or the runs do not make up all folds once.
    """
    configs = [json.loads((run / "config.json").read_text(encoding="utf-8")) for run in runs]
    folds = {config["folds"] for config in configs}
    parts = sorted(-1 if config["fold"] is None else config["fold"] for config in configs)
    if len(folds) != 1 or parts != list(range(folds.pop())):
        raise InputError(
            "the runs are not those of all folds; train one with each --fold of the same --folds"
        )
    data = load_fer(fer_dir)
    rows = clean(data).rows
    teaching = Teaching(
        np.zeros((len(data), len(EMOTIONS)), dtype=np.float32),
        np.zeros((len(data), len(FER_LABELS)), dtype=np.float32),
    )
    for run, config in zip(runs, configs, strict=True):
        mine = rows[in_fold(rows, config["fold"], config["folds"])]
        crops = upright_crops(fer_faces(data, mine))
        teaching.emotions[mine], teaching.fer[mine] = _read(trained_net(run), crops)
    return teaching


def write_teaching(path: Path, teaching: Teaching) -> None:
    """Write what `read_teaching` reads."""
    np.savez_compressed(path, emotions=teaching.emotions, fer=teaching.fer)


def read_teaching(path: Path, count: int) -> Teaching:
    """Teachers' probabilities out of a file.

    Raises:
        InputError: if it is not of as many rows as FER2013 has.
    """
    with np.load(path) as stored:
        teaching = Teaching(stored["emotions"], stored["fer"])
    if len(teaching.emotions) != count:
        raise InputError(f"{path} is of {len(teaching.emotions)} rows, FER2013 has {count}")
    return teaching


@torch.inference_mode()
def _read(net: ExpressionNet, crops: npt.NDArray[np.uint8]) -> tuple[Floats, Floats]:
    """Probabilities of both heads, in the mean of each crop and its mirror image."""
    emotions, fer = [], []
    for part in torch.split(torch.from_numpy(crops)[:, None].float(), BATCH):
        plain, mirrored = net(part), net(part.flip(3))
        emotions.append((plain.logits.softmax(1) + mirrored.logits.softmax(1)) / 2)
        fer.append((plain.fer_logits.softmax(1) + mirrored.fer_logits.softmax(1)) / 2)
    return torch.cat(emotions).numpy(), torch.cat(fer).numpy()
