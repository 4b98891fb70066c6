"""How often each label is right, put into a network's head: one number per label.

Rare labels are read less often than they are right. Adding a constant to each logit, fitted on
faces that were not trained on, mends that: vector scaling without its scales (Guo et al., "On
calibration of modern neural networks", ICML 2017).
"""

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

__all__ = ["fit_bias"]

SHRINKAGE = 1e-3
"""Weight of the constants' squares: keeps those of labels that hardly occur small."""


def fit_bias(
    logits: npt.NDArray[np.floating], labels: npt.NDArray[np.integer]
) -> npt.NDArray[np.float32]:
    """Constants (c,) that make logits (n, c) most probable to give labels (n,).

    A temperature is fitted with them, since the logits need not be calibrated, and taken out of
    the constants again: they are to be added to the logits as they are.
    """
    rows = torch.from_numpy(np.asarray(logits, dtype=np.float64))
    truth = torch.from_numpy(np.asarray(labels, dtype=np.int64))
    bias = torch.zeros(rows.shape[1], dtype=torch.float64, requires_grad=True)
    scale = torch.ones(1, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([bias, scale], max_iter=200, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        value = F.cross_entropy(rows * scale + bias, truth) + SHRINKAGE * bias.square().sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    found = (bias / scale).detach().numpy()
    return np.asarray(found - found.mean(), dtype=np.float32)
