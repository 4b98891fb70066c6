"""Export of the recurrent network: ONNX file and card, with a parity check and calibration."""

import logging
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mien.core.errors import InputError
from mien.core.labels import EMOTIONS
from mien.models.temporal import CONTEXT_SIZE, TemporalReader
from mien.runtime.artifact import Card, load_artifact
from mien.runtime.session import open_session
from mien_lab.data.sequences import Sequences, read_steps
from mien_lab.training.calibration import calibration
from mien_lab.training.run import read_checkpoint, read_config
from mien_lab.training.temporal_net import JoinedNet, StepNet
from mien_lab.training.weight_files import ParityError, install, trace, write_card

__all__ = ["SHIFTS", "calibrate_temporal", "choose_gain_shift", "export_temporal"]

log = logging.getLogger(__name__)

PARITY = 1e-3
"""Maximum difference of a logit between the exported and the trained network."""
SHIFTS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
"""Candidates for the shift of the gain logits."""
SPARED = 0.002
"""Maximum loss of accuracy that is accepted for a shorter delay."""
TRAINED_ON = (
    "clips made from FER2013 Training stills (research use) with FER+ votes (MIT){}, as embeddings "
    "of mien's expression network"
)
RECORDINGS = " and recordings of {}"


def export_temporal(
    checkpoint: Path, folder: Path, *, version: str, gain_shift: float = 0.0
) -> Path:
    """Write `temporal.onnx` and its card, not yet calibrated.

    Args:
        checkpoint: `last.pt` of a run, beside its `config.json`; the averaged weights are exported.
        folder: folder to write to.
        version: version of the weights.
        gain_shift: added to the logit of each gain; see `choose_gain_shift`.

    Returns:
        The weight file.

    Raises:
        ParityError: if the outputs of the exported and the trained network differ.
    """
    state = read_checkpoint(checkpoint)
    net = _averaged(state)
    net.believe_more(gain_shift)
    target = folder / "temporal.onnx"
    with tempfile.TemporaryDirectory() as scratch:
        draft = Path(scratch) / target.name
        _trace(net, draft)
        card = _card(net, state["reads"], version, _trained_on(checkpoint.parent))
        write_card(draft, replace(card, extra=card.extra | {"gain_shift": gain_shift}))
        worst = _difference(net, Path(scratch))
        if not worst <= PARITY:
            raise ParityError(target.name, worst, PARITY)
        install(Path(scratch), folder)
    log.info("%s: %d bytes, differs by %.2g", target, target.stat().st_size, worst)
    return target


def choose_gain_shift(checkpoint: Path, clips: Sequences) -> float:
    """Choose the shift of the gain logits; a larger shift means less smoothing.

    It is the largest of `SHIFTS`, with the shortest delay, whose accuracy is within `SPARED` of the
    best. The trained gains do not carry over directly, since the expression network is more
    confident on the stills that it was trained on.

    Args:
        checkpoint: `last.pt` of a run.
        clips: clips that are used neither for training nor for the reported figures.
    """
    state = read_checkpoint(checkpoint)
    embeddings = torch.from_numpy(clips.embeddings.astype(np.float32))
    shown = clips.labels >= 0
    right = {}
    for shift in SHIFTS:
        net = _averaged(state)
        net.believe_more(shift)
        with torch.no_grad():
            logits = net(embeddings, torch.from_numpy(clips.contexts)).mean(dim=0).numpy()
        right[shift] = float((logits.argmax(axis=2) == clips.labels)[shown].mean())
        log.info("gain shift %g: accuracy %.2f %%", shift, 100 * right[shift])
    enough = max(right.values()) - SPARED
    return max(shift for shift, share in right.items() if share >= enough)


def calibrate_temporal(folder: Path, clips: Sequences) -> dict[str, float]:
    """Fit temperature and conformal quantile of the network, and write them into its card.

    The temperature is fitted on the first half of the clips, the quantile on the second, over all
    frames including transitions between expressions. Clips draw their stills with replacement, so
    that the halves share stills, and the quantile is not independent of the temperature.

    Args:
        folder: folder with `temporal.onnx` and its card.
        clips: clips that were not trained on.

    Returns:
        `temperature` and `conformal_quantile`.
    """
    reader = TemporalReader(open_session("temporal", folder=folder))
    logits = read_steps(reader, clips)
    shown = clips.labels >= 0
    later = np.arange(len(clips)) >= len(clips) // 2
    held = np.broadcast_to(later[:, None], shown.shape)[shown]
    figures = calibration(logits[shown], clips.labels[shown], held)
    card = load_artifact("temporal", folder=folder).card
    write_card(folder / card.file, replace(card, extra=card.extra | figures))
    return figures


def _averaged(state: dict[str, Any]) -> JoinedNet:
    weights = state.get("average", {})
    if "members.0.mean" not in weights:
        raise InputError(
            "the run holds no recurrent network; name one of `mien-lab temporal train`"
        )
    members = {name.split(".")[1] for name in weights}
    net = JoinedNet(len(weights["members.0.mean"]), len(members))
    net.load_state_dict(weights)
    return net.eval()


def _trained_on(run: Path) -> str:
    config = read_config(run)
    recorded = config.get("recordings") is not None
    return TRAINED_ON.format(RECORDINGS.format(config["layout"]) if recorded else "")


def _trace(net: JoinedNet, path: Path) -> None:
    inputs = {
        "embedding": torch.zeros(2, net.embedding),
        "context": torch.zeros(2, CONTEXT_SIZE),
        "state": torch.zeros(2, net.state_size),
    }
    trace(StepNet(net), inputs, ["logits", "next_state"], path)


def _difference(net: JoinedNet, folder: Path) -> float:
    """Maximum difference of a logit between torch on whole clips and ONNX step by step."""
    rng = np.random.default_rng(0)
    # Random embeddings with the measured mean and spread; the scale of dead features is capped.
    first = net.nets[0]
    spread = np.minimum(1 / first.scale.numpy(), 10.0)
    embeddings = rng.normal(size=(3, 40, net.embedding)) * spread + first.mean.numpy()
    contexts = rng.normal(size=(3, 40, CONTEXT_SIZE)).astype(np.float32)
    embeddings = embeddings.astype(np.float32)
    with torch.no_grad():
        beliefs = net(torch.from_numpy(embeddings), torch.from_numpy(contexts))
    expected = beliefs.mean(dim=0).numpy()
    reader = TemporalReader(open_session("temporal", threads=1, folder=folder))
    state, worst = reader.start(3), 0.0
    for step in range(expected.shape[1]):
        logits, state = reader.raw(embeddings[:, step], contexts[:, step], state)
        worst = max(worst, float(np.abs(logits - expected[:, step]).max()))
    return worst


def _card(net: JoinedNet, reads: str, version: str, trained_on: str) -> Card:
    return Card(
        name="temporal",
        file="temporal.onnx",
        sha256="",
        version=version,
        kind="facial-expression-over-time",
        precision="fp32",
        input={"name": "embedding", "shape": ["N", net.embedding]},
        labels=[emotion.value for emotion in EMOTIONS],
        trained_on=trained_on,
        extra={
            "reads": reads,
            "embedding_size": net.embedding,
            "state_size": net.state_size,
            "temperature": 1.0,
            "conformal_quantile": 1.0,
        },
    )
