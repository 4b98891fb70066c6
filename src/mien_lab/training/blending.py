"""Recalibration of a head by a linear map of the logits of all heads, fitted on held-out faces.

The heads complement each other: FER+'s votes lean to neutral, FER2013's labels less so. The map is
matrix scaling (Guo et al., "On calibration of modern neural networks", ICML 2017), regularised
towards a scaled copy of the head's own logits, as Kull et al. regularise towards a diagonal
("Beyond temperature scaling", NeurIPS 2019).
"""

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

__all__ = ["Blend", "cross_fitted", "fit_blend"]

PULL = 300.0
"""L2 penalty on the deviation of the map from the head's own logits; the loss sums over faces.

From 60 to 1,500, the cross-validated loss of five folds of PublicTest's 3,080 voted faces varies
by 0.002 nats; this value has the best accuracy.
"""
SHRINKAGE = 3.0
"""L2 penalty on the biases and on the deviation of the scale from 1; the loss sums over faces.

It keeps the biases of rare labels small, and bounds the scale if there are few faces.
"""

Blend = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]
"""Weights (c, k) and biases (c,) of a linear map of logits."""


def fit_blend(
    logits: npt.NDArray[np.floating],
    labels: npt.NDArray[np.integer],
    own: npt.NDArray[np.floating],
    *,
    evenness: float = 0.0,
) -> Blend:
    """Fit a regularised multinomial logistic regression from the logits of all heads to labels.

    The weights are penalised by their distance from `own` up to a fitted scale (`PULL`), the
    biases by their square (`SHRINKAGE`). Post-hoc logit adjustment then subtracts
    `evenness * log(prior)` from the biases, where the prior is the label distribution of `labels`
    with one added to each count.

    Args:
        logits: (n, k) logits of all heads side by side, without their biases.
        labels: (n,) class indices.
        own: (c, k) selection of the head's own logits, towards which the map is regularised.
        evenness: strength tau of the logit adjustment, from 0 (the prior of `labels`) to 1 (a
            uniform prior; Menon et al., ICLR 2021).

    Returns:
        Weights (c, k) and zero-mean biases (c,), float32.
    """
    rows, start = (torch.from_numpy(np.asarray(a, dtype=np.float64)) for a in (logits, own))
    truth = torch.from_numpy(np.asarray(labels, dtype=np.int64))
    weight, bias = start.clone(), torch.zeros(len(own), dtype=torch.float64)
    scale = torch.ones(1, dtype=torch.float64)
    fitted = [value.requires_grad_() for value in (weight, bias, scale)]
    optimizer = torch.optim.LBFGS(fitted, max_iter=300, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        free = PULL * (weight - start).square().sum()
        free = free + SHRINKAGE * (bias.square().sum() + (scale - 1).square().sum())
        value = F.cross_entropy(scale * (rows @ weight.T) + bias, truth) + free / len(rows)
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    # Add-one smoothing, so that no prior is zero.
    counts = np.bincount(labels, minlength=len(own)) + 1
    constants = bias.detach().numpy() - evenness * np.log(counts / counts.sum())
    return (
        (scale * weight).detach().numpy().astype(np.float32),
        (constants - constants.mean()).astype(np.float32),
    )


def cross_fitted(
    logits: npt.NDArray[np.floating],
    labels: npt.NDArray[np.integer],
    own: npt.NDArray[np.floating],
    folds: npt.NDArray[np.integer],
    *,
    evenness: float = 0.0,
) -> npt.NDArray[np.float32]:
    """Out-of-fold logits (n, c) of `fit_blend`; `folds` (n,) is the fold of each row."""
    found = np.zeros((len(logits), len(own)), np.float32)
    for fold in np.unique(folds):
        inside = folds == fold
        weight, bias = fit_blend(logits[~inside], labels[~inside], own, evenness=evenness)
        found[inside] = logits[inside] @ weight.T + bias
    return found
