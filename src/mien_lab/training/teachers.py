"""Knowledge distillation into the expression network, in two ways.

The tutor is an exported network or ensemble that predicts every augmented batch during training
(Beyer et al., "Knowledge distillation: a good teacher is patient and consistent", CVPR 2022). It
has seen the labels of the training faces, so that the student learns from its response to the
augmentation.

The teachers give out-of-fold predictions: each of several networks is trained without one fold and
then predicts it, once before the training. Single labels are often wrong, and a network repeats
the labels that it has seen (Wolpert, "Stacked generalization", Neural Networks 5, 1992; Hinton et
al., "Distilling the knowledge in a neural network", 2015).
"""

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from mien.core.errors import InputError
from mien.core.labels import EMOTIONS
from mien.report.files import atomic
from mien.runtime.session import open_session
from mien_lab.data.cleaning import clean
from mien_lab.data.duplicates import copy_groups
from mien_lab.data.faces import fer_faces, upright_crops
from mien_lab.data.fer2013 import FER_LABELS, Fer, load_fer
from mien_lab.training.expression_net import ExpressionNet, trained_net
from mien_lab.training.heads import BARE
from mien_lab.training.run import read_config

__all__ = ["Teaching", "Tutor", "in_fold", "read_teaching", "teach", "write_teaching"]

BATCH = 256
TUTOR_PRECISION = "int8"
"""int8 takes a third of the time of fp32, and changes labels less than a second training would."""

Floats = npt.NDArray[np.float32]


class Tutor:
    """Exported weights that predict soft targets for every batch (online distillation)."""

    def __init__(self, weights: Path) -> None:
        """Open weights written by `mien-lab export --bare`.

        Raises:
            ArtifactError: if the folder holds no valid weights.
            InputError: if their heads were recalibrated by `fit_heads`.
        """
        self._session = open_session(
            "expression",
            precision=TUTOR_PRECISION,
            threads=torch.get_num_threads(),
            folder=weights,
        )
        if self._session.card.extra.get("heads") != BARE:
            raise InputError(
                f"the heads of the weights in {weights} are fitted; export them with --bare"
            )

    def read(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """Probabilities (n, 8) and (n, 7) of both heads for crops (n, 1, 48, 48) in 0..255."""
        outputs = self._session.run({"crops": crops.numpy()})
        emotions, fer = (torch.from_numpy(outputs[name]) for name in ("logits", "fer_logits"))
        return emotions.softmax(1), fer.softmax(1)


@dataclass(frozen=True)
class Teaching:
    """Out-of-fold probabilities for all rows of FER2013; 0 for rows outside the training set.

    Attributes:
        emotions: (n, 8) float32, of the vote head.
        fer: (n, 7) float32, of the FER2013 head.
    """

    emotions: Floats
    fer: Floats


def in_fold(data: Fer, rows: npt.NDArray[np.intp], fold: int, folds: int) -> npt.NDArray[np.bool_]:
    """Which training rows are in a fold, (n,) bool.

    Copies in the same framing are in one fold. Of reframed copies a network may have seen the
    picture, but never the label that it predicts. Comparing all of FER2013 takes about a minute.
    """
    return np.asarray(copy_groups(data.pixels[rows]) % folds == fold)


def teach(fer_dir: Path, runs: Sequence[Path]) -> Teaching:
    """Predict each fold of the training rows with the network that was trained without it.

    Args:
        fer_dir: FER2013.
        runs: folders of `mien-lab train --fold K --folds N`, one for each K.

    Raises:
        InputError: if a run has no fold, or the runs do not cover every fold exactly once.
    """
    configs = [read_config(run) for run in runs]
    folds = {config.get("folds", 0) for config in configs}
    # Runs without a fold count as fold -1, which no list of folds has.
    parts = sorted(-1 if (fold := config.get("fold")) is None else fold for config in configs)
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
        mine = rows[in_fold(data, rows, config["fold"], config["folds"])]
        crops = upright_crops(fer_faces(data, mine))
        teaching.emotions[mine], teaching.fer[mine] = _read(trained_net(run), crops)
    return teaching


def write_teaching(path: Path, teaching: Teaching) -> None:
    """Write a file for `read_teaching`, without adding an extension to its name.

    Raises:
        OutputError: if the file cannot be written; nothing is left under its name.
    """
    with atomic(path) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, emotions=teaching.emotions, fer=teaching.fer)


def read_teaching(path: Path, count: int) -> Teaching:
    """Read a file written by `write_teaching`.

    Raises:
        InputError: if it has another format, or its number of rows is not `count`.
    """
    try:
        with np.load(path) as stored:
            teaching = Teaching(stored["emotions"], stored["fer"])
    except (ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile):
        raise InputError(f"{path} is not what `mien-lab teach` writes; write it anew") from None
    if len(teaching.emotions) != count:
        raise InputError(f"{path} is of {len(teaching.emotions)} rows, FER2013 has {count}")
    return teaching


@torch.inference_mode()
def _read(net: ExpressionNet, crops: npt.NDArray[np.uint8]) -> tuple[Floats, Floats]:
    """Probabilities of both heads, averaged over each crop and its mirror image."""
    emotions, fer = [], []
    for part in torch.split(torch.from_numpy(crops)[:, None].float(), BATCH):
        plain, mirrored = net(part), net(part.flip(3))
        emotions.append((plain.logits.softmax(1) + mirrored.logits.softmax(1)) / 2)
        fer.append((plain.fer_logits.softmax(1) + mirrored.fer_logits.softmax(1)) / 2)
    return torch.cat(emotions).numpy(), torch.cat(fer).numpy()
