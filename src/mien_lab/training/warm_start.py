"""From shipped weights back to a network that trains on: the way to fine-tune what ships."""

from pathlib import Path
from typing import Any

import numpy.typing as npt
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from mien.core.errors import InputError
from mien.runtime.artifact import read_card
from mien_lab.training.export import blend_heads
from mien_lab.training.expression_net import ExpressionNet

__all__ = ["warm_start"]

FILTER_NORM = 3**-0.5
"""The norm torch's initialisation gives a filter; normalisation undoes any other, but the rate of
learning depends on it (van Laarhoven, "L2 regularization versus batch and weight normalization",
2017)."""


def warm_start(weights: Path, crops: Tensor) -> ExpressionNet:
    """The network whose export is `weights`, with normalisation that can be trained.

    An exported network has its normalisation folded into the convolutions. It is unfolded again
    with the statistics of the given crops, so that the network computes what it did.

    Args:
        weights: `expression.onnx`, in fp32, with its card beside it.
        crops: (n, 1, 48, 48) in 0..255, some hundred faces to be trained on.

    Raises:
        InputError: if the file is not such a network.
        ArtifactError: if it has no card, or that does not say what `blend_heads` added.
    """
    share = read_card(weights.with_suffix(".json")).number("fer_share")
    model = onnx.load(weights)
    stored = {
        tensor.name.removesuffix(".half"): torch.from_numpy(_values(tensor))
        for tensor in model.graph.initializer
    }
    net = ExpressionNet().eval()
    named = {name: stored[name] for name in net.state_dict() if name in stored}
    nothing = torch.empty(0)
    folded = [
        (stored.get(node.input[1], nothing), stored.get(node.input[2], nothing))
        for node in model.graph.node
        if node.op_type == "Conv" and node.input[1] not in named
    ]
    plain = [m for m in net.modules() if isinstance(m, nn.Conv2d) and m.bias is None]
    norms = [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]
    if [conv.weight.shape for conv in plain] != [kernel.shape for kernel, _ in folded]:
        raise InputError(f"{weights} is not the expression network in fp32; give expression.onnx")
    net.load_state_dict(named, strict=False)
    hooks = []
    for conv, norm, (kernel, bias) in zip(plain, norms, folded, strict=True):
        scale = kernel.flatten(1).norm(dim=1).clamp(min=1e-6) / FILTER_NORM
        conv.weight.data = kernel / scale[:, None, None, None]
        hooks.append(norm.register_forward_pre_hook(_unfold(scale, bias)))
    with torch.no_grad():
        net(crops)
    for hook in hooks:
        hook.remove()
    blend_heads(net, -share)
    return net


def _unfold(scale: Tensor, bias: Tensor) -> Any:
    """Set a normalisation, when its input comes by, to multiply by scale and add bias."""

    def hook(norm: nn.BatchNorm2d, inputs: tuple[Tensor]) -> None:
        variance, mean = torch.var_mean(inputs[0], dim=(0, 2, 3), correction=0)
        state = {
            "running_mean": mean,
            "running_var": variance,
            "weight": scale * torch.sqrt(variance + norm.eps),
            "bias": bias + scale * mean,
        }
        norm.load_state_dict(state | {"num_batches_tracked": torch.tensor(1)})

    return hook


def _values(tensor: onnx.TensorProto) -> npt.NDArray[Any]:
    values = numpy_helper.to_array(tensor)
    return values.astype("float32") if values.dtype.kind == "f" else values.copy()
