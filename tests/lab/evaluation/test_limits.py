"""Where reading gets unreliable, measured on made faces."""

import numpy as np
import pytest

from mien.models.expression import ExpressionClassifier
from mien.runtime.session import open_session
from mien_lab.data.faces import fer_faces, upright_crops
from mien_lab.data.fer2013 import load_fer, majority
from mien_lab.evaluation.limits import measure_limits


def test_every_condition_is_measured_at_each_severity(fer_folder):
    found = measure_limits(fer_folder, precision="int8")
    assert set(found) == {"size", "sharpness", "contrast", "brightness", "turn"}
    for name in ("size", "sharpness", "contrast"):
        measures = [figures["measure"] for figures in found[name]]
        assert measures == sorted(measures, reverse=True)
        assert all(0 <= figures["accuracy"] <= 1 for figures in found[name])
    data = load_fer(fer_folder)
    rows = data.rows("PublicTest")
    classifier = ExpressionClassifier(open_session("expression", precision="int8"))
    read = classifier.classify(upright_crops(fer_faces(data, rows))).probabilities.argmax(axis=1)
    accuracy = (read == majority(data.votes[rows])).mean()
    # The mildest blur changes nothing, and each face is in one of the bins of head turn.
    assert found["sharpness"][0]["accuracy"] == pytest.approx(accuracy, abs=1e-4)
    by_turn, counts = zip(*((one["accuracy"], one["n"]) for one in found["turn"]), strict=True)
    assert np.average(by_turn, weights=counts) == pytest.approx(accuracy, abs=1e-3)
