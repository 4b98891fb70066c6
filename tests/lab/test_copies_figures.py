import numpy as np
import pytest

pytest.importorskip("torch")

from mien_lab.data.fer2013 import FER_LABELS, load_fer
from mien_lab.evaluation.copies import copies_figures


def test_what_remembering_copies_would_gain(write_rows, row, picture):
    """Four test rows; the first has three copies, two of its label, the second one of another."""
    happy, sad = FER_LABELS.index("happiness"), FER_LABELS.index("sadness")
    training = [row(picture(n), code=e) for n, e in enumerate((3, 3, 4, 4))]
    tests = [row(picture(9 + n), code=3, split="PrivateTest") for n in range(4)]
    data = load_fer(write_rows([*training, *tests]))
    copies = np.array([[0, 4], [1, 4], [2, 4], [3, 5]])
    predicted = np.array([sad, happy, happy, sad])
    found = copies_figures(data, "PrivateTest", predicted, copies)
    assert found == {
        "n": 4,
        "copied": 2,
        "accuracy": 0.5,
        "accuracy_copied": 0.5,
        "accuracy_others": 0.5,
        "remembered": 0.5,
        "accuracy_remembering": 0.5,
    }
    found = copies_figures(data, "PrivateTest", predicted, copies[:3])
    assert (found["copied"], found["remembered"], found["accuracy_remembering"]) == (1, 1.0, 0.75)
    none = copies_figures(data, "PrivateTest", predicted, copies[:0])
    assert none["accuracy_copied"] is None
    assert none["remembered"] is None
    assert none["accuracy_remembering"] == none["accuracy"] == none["accuracy_others"]
