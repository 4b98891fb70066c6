import numpy as np
import pytest

pytest.importorskip("torch")

from mien_lab.training.priors import fit_bias


@pytest.mark.parametrize("scale", [1.0, 3.0])
def test_the_constants_undo_a_lean(scale):
    """Logits that are right but for a lean to one label, and too sure or not."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 1.5, (6000, 4))
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = (chances.cumsum(axis=1) > rng.random((6000, 1))).argmax(axis=1)
    lean = np.array([1.0, 0.0, -0.5, -0.5])
    bias = fit_bias(scale * (logits + lean), labels)
    assert bias == pytest.approx(-scale * lean, abs=0.12 * scale)
    assert bias.sum() == pytest.approx(0, abs=1e-5)


def test_a_label_that_never_occurs_stays_finite():
    labels = np.arange(200) % 2
    logits = np.random.default_rng(1).normal(size=(200, 3)) + np.eye(3)[labels]
    bias = fit_bias(logits, labels)
    assert np.isfinite(bias).all()
    assert bias[2] < bias[:2].min()
