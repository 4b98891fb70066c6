import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from mien.core.errors import InputError
from mien_lab.evaluation.last_layer import LastLayer, fit_last_layer

DECAY = 5e-3


@pytest.fixture(scope="module")
def cases():
    """Features of very different spread, labels and weights."""
    rng = np.random.default_rng(0)
    features = np.abs(rng.normal(size=(300, 6))) * np.geomspace(0.05, 20, 6)
    logits = features @ (rng.normal(size=(6, 3)) / np.geomspace(0.05, 20, 6)[:, None])
    labels = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)
    return features, labels, rng.uniform(0.2, 3, len(labels))


def test_a_weighted_fit_is_that_of_scikit_learn(cases):
    features, labels, weights = cases
    found = fit_last_layer(features, np.eye(3)[labels] * weights[:, None], decay=DECAY)
    model = LogisticRegression(C=1 / (DECAY * len(labels)), tol=1e-8, max_iter=20_000)
    model.fit(features, labels, sample_weight=weights)
    assert found.probabilities(features) == pytest.approx(model.predict_proba(features), abs=2e-3)
    plain = fit_last_layer(features, np.eye(3)[labels], decay=DECAY)
    moved = np.abs(plain.probabilities(features) - found.probabilities(features)).max()
    assert moved > 0.02


def test_drawing_a_face_twice_is_weighting_it_by_two(cases):
    features, labels, _ = cases
    times = np.arange(len(labels)) % 3
    drawn = np.repeat(np.arange(len(labels)), times)
    weighted = fit_last_layer(features, np.eye(3)[labels] * times[:, None], decay=DECAY)
    # The mean is over as many rows as there are, so that fewer of them call for less decay.
    same = DECAY * len(labels) / len(drawn)
    repeated = fit_last_layer(features[drawn], np.eye(3)[labels[drawn]], decay=same)
    assert weighted.weight == pytest.approx(repeated.weight, abs=1e-3)


def test_targets_may_be_divided(cases):
    """Half of a face with one label and half with another is two half faces."""
    features, labels, _ = cases
    halves = (np.eye(3)[labels] + np.eye(3)[(labels + 1) % 3]) / 2
    found = fit_last_layer(features, halves, decay=DECAY)
    both = np.concatenate([np.eye(3)[labels], np.eye(3)[(labels + 1) % 3]])
    apart = fit_last_layer(np.vstack([features, features]), both, decay=DECAY)
    assert found.weight == pytest.approx(apart.weight, abs=1e-3)
    assert found.probabilities(features).sum(axis=1) == pytest.approx(1)


def test_where_a_fit_begins_is_not_where_it_ends(cases):
    features, labels, _ = cases
    targets = np.eye(3)[labels]
    cold = fit_last_layer(features, targets, decay=DECAY)
    rng = np.random.default_rng(1)
    start = LastLayer(rng.normal(size=(3, 6)), rng.normal(size=3))
    warm = fit_last_layer(features, targets, decay=DECAY, start=start)
    assert warm.probabilities(features) == pytest.approx(cold.probabilities(features), abs=1e-4)


def test_what_cannot_be_fitted():
    with pytest.raises(InputError, match="to 2 faces, 3 with labels"):
        fit_last_layer(np.zeros((2, 4)), np.zeros((3, 8)), decay=DECAY)
    with pytest.raises(InputError, match="check the data"):
        fit_last_layer(np.full((4, 2), np.nan), np.eye(4)[:, :2], decay=DECAY)
