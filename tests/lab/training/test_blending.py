import numpy as np
import pytest

pytest.importorskip("torch")

from mien_lab.training.blending import cross_fitted, fit_blend

LEAN = np.array([1.0, 0.0, -0.5, -0.5])


def drawn(logits: np.ndarray, seed: int) -> np.ndarray:
    """A label for each row, as often as the logits say."""
    rng = np.random.default_rng(seed)
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return (chances.cumsum(axis=1) > rng.random((len(logits), 1))).argmax(axis=1)


@pytest.mark.parametrize("scale", [1.0, 3.0])
def test_the_blend_undoes_a_lean_and_a_scale(scale):
    """Logits that are right but for a lean to one label, and too sure or not."""
    logits = np.random.default_rng(0).normal(0, 1.5, (6000, 4))
    weight, constants = fit_blend(scale * (logits + LEAN), drawn(logits, 1), np.eye(4))
    assert scale * weight == pytest.approx(np.eye(4), abs=0.1)
    assert constants == pytest.approx(-LEAN, abs=0.15)
    assert constants.sum() == pytest.approx(0, abs=1e-5)


def test_a_second_head_is_heard_where_it_knows_more():
    """Half of what makes a label is known to each head: the other's half is worth as much."""
    halves = np.random.default_rng(2).normal(0, 1.5, (6000, 2, 3))
    labels = drawn(halves.sum(axis=1), 3)
    own = np.eye(6)[:3]
    both, _ = fit_blend(halves.reshape(-1, 6), labels, own)
    # What all labels gain alike says nothing.
    heads = (both - both.mean(axis=0)).reshape(3, 2, 3).swapaxes(0, 1)
    assert heads == pytest.approx(np.stack(2 * [np.eye(3) - 1 / 3]), abs=0.2)
    deaf, _ = fit_blend(np.hstack([halves[:, 0], 0 * halves[:, 1]]), labels, own)
    assert np.abs(deaf[:, 3:]).max() < 1e-6


def test_evenness_takes_labels_to_be_equally_frequent():
    """One label is nine times as frequent as the other, whatever the logits say."""
    labels = np.arange(5000) % 10 // 9
    logits = np.random.default_rng(4).normal(0, 1e-3, (5000, 2))
    found = [fit_blend(logits, labels, np.eye(2), evenness=share)[1] for share in (0, 0.5, 1)]
    gaps = [constants[0] - constants[1] for constants in found]
    assert gaps == pytest.approx([np.log(9), np.log(9) / 2, 0], abs=0.05)


def test_a_label_that_never_occurs_stays_finite():
    labels = np.arange(200) % 2
    logits = np.random.default_rng(1).normal(size=(200, 3)) + np.eye(3)[labels]
    for evenness in (0.0, 1.0):
        weight, constants = fit_blend(logits, labels, np.eye(3), evenness=evenness)
        assert np.isfinite(weight).all()
        assert np.isfinite(constants).all()
    assert fit_blend(logits, labels, np.eye(3))[1].argmin() == 2


def test_no_row_is_read_by_what_was_fitted_on_its_fold():
    """Labels that have nothing to do with the logits: what was fitted on a row leans to it."""
    rng = np.random.default_rng(5)
    logits, labels = rng.normal(size=(3000, 3)), rng.integers(3, size=3000)
    folds = np.arange(3000) % 5
    before = cross_fitted(logits, labels, np.eye(3), folds)
    weight, constants = fit_blend(logits[folds != 2], labels[folds != 2], np.eye(3))
    expected = logits[folds == 2] @ weight.T + constants
    assert before[folds == 2] == pytest.approx(expected, abs=1e-6)
    labels[folds == 2] = 0
    after = cross_fitted(logits, labels, np.eye(3), folds)
    assert np.array_equal(after[folds == 2], before[folds == 2])
    assert not np.allclose(after[folds == 1], before[folds == 1])
