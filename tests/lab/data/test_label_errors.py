"""Confident learning against figures worked out by hand, and against planted errors."""

import numpy as np
import pytest

pytest.importorskip("cleanlab")

from mien.core.errors import InputError
from mien_lab.data.label_errors import find_label_errors


def test_by_hand():
    # Thresholds are the mean confidence in each class: 0.6 for 0, 0.75 for 1.
    truth = np.array([0, 0, 0, 1, 1, 1])
    zero = np.array([0.9, 0.7, 0.2, 0.1, 0.05, 0.6])
    (first, second) = find_label_errors(truth, np.stack([zero, 1 - zero], axis=1))
    # Row 5 gives class 0 just its threshold; row 2 gives class 1 0.8, more than 0.75.
    assert (first.row, first.given, first.likely) == (2, 0, 1)
    assert (first.self_confidence, first.confidence) == (pytest.approx(0.2), pytest.approx(0.8))
    assert (second.row, second.given, second.likely) == (5, 1, 0)


def test_planted_errors_come_first():
    rng = np.random.default_rng(0)
    right = rng.integers(0, 8, 400)
    probabilities = 0.1 * rng.dirichlet(np.ones(8), 400) + 0.9 * np.eye(8)[right]
    truth = right.copy()
    planted = rng.choice(400, 30, replace=False)
    truth[planted] = (right[planted] + rng.integers(1, 8, 30)) % 8
    found = find_label_errors(truth, probabilities)
    assert {error.row for error in found} == set(planted.tolist())
    confidence = [error.self_confidence for error in found]
    assert confidence == sorted(confidence)
    assert all(error.likely == right[error.row] for error in found)


def test_a_class_that_nobody_labelled():
    """Without contempt among the labels, as in FER2013, its probability is no error by itself."""
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 7, 200)
    probabilities = 0.4 * rng.dirichlet(np.ones(8), 200) + 0.6 * np.eye(8)[truth]
    truth[0] = (truth[0] + 1) % 7
    probabilities[1] = 0.01 + 0.92 * np.eye(8)[7]
    rows = [error.row for error in find_label_errors(truth, probabilities)]
    assert 0 in rows
    assert set(rows) <= {0, 1}


def test_one_class_alone_is_refused():
    with pytest.raises(InputError, match="two classes"):
        find_label_errors(np.zeros(4, np.int64), np.full((4, 8), 0.125))
