"""Conversion of exported weights back into runs, to continue training or to merge with others."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from mien.core.errors import InputError, OutputError
from mien.runtime.artifact import load_artifact
from mien_lab.data.cleaning import clean
from mien_lab.data.faces import fer_faces, upright_crops
from mien_lab.data.fer2013 import load_fer
from mien_lab.training.expression_net import SHAPES, ExpressionNet

__all__ = ["unpack_expression"]

BATCH = 250


class _Convolution(NamedTuple):
    weight: Tensor
    bias: Tensor
    stride: int


def unpack_expression(
    fer_dir: Path, folder: Path, *, weights: Path | None = None, faces: int = 2000
) -> list[Path]:
    """Write a run for each network of an exported ensemble.

    The export folds batch normalisation into convolutions. Here the convolutions are kept, and each
    batch normalisation gets running statistics measured on training faces and an affine transform
    that undoes them. The outputs are thus unchanged, and training can continue.

    Each network gets its columns of the merged heads. Unless the weights are bare, these were
    fitted on PublicTest: a new export gives the same outputs, but fits PublicTest a second time.

    Args:
        fer_dir: FER2013, whose training faces give the statistics.
        folder: folder to write the runs to, each into a folder named by number and shape.
        weights: folder of the fp32 weights; the shipped ones if None.
        faces: number of training faces.

    Returns:
        The folders of the runs, in the order of merging.

    Raises:
        ArtifactError: if the weights are missing or altered.
        InputError: if they hold a network whose shape is not in `SHAPES`.
        OutputError: if the folder of a run exists.
    """
    artifact = load_artifact("expression", "fp32", weights)
    model = onnx.load_from_string(artifact.data)
    constants = _constants(model)
    networks = [_network(part, artifact.card.file) for part in _trunks(model, constants)]
    _share_heads([net for _, net in networks], constants)
    runs = [folder / f"{number}-{shape}" for number, (shape, _) in enumerate(networks, 1)]
    for run in runs:
        if run.exists():
            raise OutputError(f"{run} exists; choose another folder")
    data = load_fer(fer_dir)
    rows = np.random.default_rng(0).permutation(clean(data).rows)[:faces]
    crops = upright_crops(fer_faces(data, rows))[:, None]
    for run, (shape, net) in zip(runs, networks, strict=True):
        _normalise(net, crops)
        run.mkdir(parents=True)
        config = {"shape": shape, "faces_dir": None}
        (run / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
        torch.save({"average": net.state_dict()}, run / "last.pt")
    return runs


def _constants(model: onnx.ModelProto) -> dict[str, npt.NDArray[Any]]:
    """All weights by name; those stored in fp16 are converted to fp32."""
    found = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Cast" and node.input[0] in found:
            found[node.output[0]] = found[node.input[0]].astype(np.float32)
    return found


def _trunks(
    model: onnx.ModelProto, constants: Mapping[str, npt.NDArray[Any]]
) -> Iterator[dict[str, _Convolution]]:
    """The convolutions of each network by their place in stem and blocks, such as 1.0.main.3."""
    trunks: dict[str, dict[str, _Convolution]] = {}
    for node in model.graph.node:
        if node.op_type != "Conv" or not node.name.startswith("/trunks."):
            continue
        # Such as /trunks.0/trunks.0.1/trunks.0.1.2/main/main.3/Conv, or .../trunks.0.0.0/Conv.
        *outer, last, _ = node.name.split("/")
        place = last if last.startswith("trunks.") else f"{outer[-2]}.{last}"
        _, trunk, inner = place.split(".", 2)
        weight, bias = (torch.from_numpy(constants[name].copy()) for name in node.input[1:])
        strides = next(list(a.ints) for a in node.attribute if a.name == "strides")
        trunks.setdefault(trunk, {})[inner] = _Convolution(weight, bias, strides[0])
    yield from trunks.values()


@torch.no_grad()
def _network(convolutions: Mapping[str, _Convolution], file: str) -> tuple[str, ExpressionNet]:
    """The shape, and the network with batch normalisations that only add the folded biases."""
    stages: list[tuple[int, int]] = []
    for place, convolution in convolutions.items():
        if place.endswith("main.0"):
            width, count = len(convolution.weight), 0
            if convolution.stride == 1 and stages:
                width, count = stages.pop()
            stages.append((width, count + 1))
    shape = next((name for name, those in SHAPES.items() if those == tuple(stages)), None)
    if shape is None:
        raise InputError(
            f"{file} holds a network of the stages {stages}, which mien-lab does not know; export "
            "it from its run again"
        )
    net = ExpressionNet(stages=SHAPES[shape]).eval()
    state = net.state_dict()
    for place, (weight, bias, _) in convolutions.items():
        part, _, inner = place.partition(".")
        name = f"{('stem', 'blocks')[int(part)]}.{inner}"
        state[f"{name}.weight"].copy_(weight)
        outer, _, number = name.rpartition(".")
        own = f"{name}.bias" in state
        state[f"{name if own else f'{outer}.{int(number) + 1}'}.bias"].copy_(bias)
    return shape, net


@torch.no_grad()
def _share_heads(nets: list[ExpressionNet], constants: Mapping[str, npt.NDArray[Any]]) -> None:
    """Give each network its columns of the merged heads, scaled so that merging restores them."""
    widths = [net.fer_head.in_features for net in nets]
    for name in ("emotion_head", "fer_head"):
        weight, bias = (
            torch.from_numpy(constants[f"{name}.{part}"].copy()) for part in ("weight", "bias")
        )
        for net, columns in zip(nets, torch.split(weight, widths, dim=1), strict=True):
            head = getattr(net, name)
            head.weight.copy_(columns * len(nets))
            head.bias.copy_(bias)


@torch.no_grad()
def _normalise(net: ExpressionNet, crops: npt.NDArray[np.uint8]) -> None:
    """Set the running statistics of batch normalisations from crops, and undo their effect."""
    norms = {n: one for n, one in net.named_modules() if isinstance(one, nn.BatchNorm2d)}
    seen: dict[nn.Module, list[tuple[Tensor, Tensor]]] = {norm: [] for norm in norms.values()}

    def note(norm: nn.Module, given: tuple[Tensor, ...]) -> None:
        variance, mean = torch.var_mean(given[0], dim=(0, 2, 3), correction=0)
        seen[norm].append((mean, variance + mean * mean))

    hooks = [norm.register_forward_pre_hook(note) for norm in seen]
    for start in range(0, len(crops), BATCH):
        net(torch.from_numpy(crops[start : start + BATCH]).float())
    for hook in hooks:
        hook.remove()
    state = net.state_dict()
    for name, norm in norms.items():
        mean, square = (torch.stack(values).mean(0) for values in zip(*seen[norm], strict=True))
        variance = (square - mean * mean).clamp(min=0)
        state[f"{name}.running_mean"].copy_(mean)
        state[f"{name}.running_var"].copy_(variance)
        state[f"{name}.weight"].copy_((variance + norm.eps).sqrt())
        state[f"{name}.bias"].add_(mean)
