"""Last-layer retraining on fixed embeddings, which takes minutes where training takes hours.

Features depend little on the balancing of groups, the last layer does (Kirichenko, Izmailov,
Wilson, "Last layer re-training is sufficient for robustness to spurious correlations", ICLR 2023).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import log_softmax

from mien.core.errors import InputError
from mien.models.calibration import softmax

__all__ = ["LastLayer", "fit_last_layer"]

Floats = npt.NDArray[np.float64]

STEPS = 1000
"""Maximum number of L-BFGS iterations."""
SLOPE = 1e-6
"""Gradient tolerance of the optimizer, for standardised features."""
FLAT = 1e-4
"""Maximum absolute gradient for a fit to count as converged."""


@dataclass(frozen=True)
class LastLayer:
    """A linear head with `weight` (k, d) and `bias` (k,)."""

    weight: Floats
    bias: Floats

    def probabilities(self, features: npt.NDArray[np.floating]) -> Floats:
        """Softmax probabilities (n, k) from features (n, d)."""
        return np.asarray(softmax(features @ self.weight.T + self.bias), dtype=np.float64)


def fit_last_layer(
    features: npt.NDArray[np.floating],
    targets: npt.NDArray[np.floating],
    *,
    decay: float,
    start: LastLayer | None = None,
) -> LastLayer:
    """Fit a multinomial logistic regression by L-BFGS.

    The loss is the mean over rows of -sum(target log(probability)), plus decay / 2 times the
    squared norm of the weights, as weight decay in training; biases are not penalised. In
    scikit-learn's terms, C is 1 / (decay n).

    Args:
        features: (n, d).
        targets: (n, k) soft labels; the sum of a row is its weight.
        decay: L2 penalty of the weights, above 0.
        start: initial head, which changes the time and not the result.

    Raises:
        InputError: if there are no rows, lengths differ, or the fit does not converge.
    """
    n, k = targets.shape
    if not n or len(features) != n:
        raise InputError(f"a last layer cannot be fitted to {len(features)} faces, {n} with labels")
    centre = features.mean(axis=0, dtype=np.float64)
    spread = np.maximum(features.std(axis=0, dtype=np.float64), 1e-6)
    scaled = (features - centre) / spread
    mass = targets.sum(axis=1, keepdims=True)

    def loss(flat: Floats) -> tuple[float, Floats]:
        weight, bias = flat[:-k].reshape(k, -1), flat[-k:]
        said = log_softmax(scaled @ weight.T + bias, axis=1)
        plain = weight / spread
        residual = (np.exp(said) * mass - targets) / n
        slope = residual.T @ scaled + decay * plain / spread
        value = -float((targets * said).sum()) / n + decay / 2 * float((plain**2).sum())
        return value, np.concatenate([slope.ravel(), residual.sum(axis=0)])

    begin = np.zeros(k * (scaled.shape[1] + 1))
    if start is not None:
        begin = np.concatenate(
            [(start.weight * spread).ravel(), start.bias + start.weight @ centre]
        )
    found = minimize(
        loss,
        begin,
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": STEPS, "maxcor": 20, "gtol": SLOPE, "ftol": 1e-12},
    )
    if not np.abs(found.jac).max() < FLAT:
        raise InputError(f"the last layer could not be fitted in {found.nit} steps: check the data")
    weight = found.x[:-k].reshape(k, -1) / spread
    return LastLayer(weight, found.x[-k:] - weight @ centre)
