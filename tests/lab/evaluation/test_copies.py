import numpy as np
import pytest

pytest.importorskip("torch")

from mien_lab.data.fer2013 import FER_LABELS, labels_given_votes, load_fer
from mien_lab.evaluation.copies import copies_figures


def test_what_remembering_copies_would_gain(write_rows, row, picture):
    """Four test rows; the first has three copies, two of its label, the second one of another.

    Of the last, whose label is happiness as of all, people say what they say of sad rows.
    """
    happy, sad = FER_LABELS.index("happiness"), FER_LABELS.index("sadness")
    said = {3: {"happiness": 10}, 4: {"happiness": 4, "sadness": 6}}
    training = [row(picture(n), code=e, votes=said[e]) for n, e in enumerate((3, 3, 4, 4))]
    tests = [
        row(picture(9 + n), code=3, split="PrivateTest", votes=said[e])
        for n, e in enumerate((3, 3, 3, 4))
    ]
    data = load_fer(write_rows([*training, *tests]))
    voted = labels_given_votes(data, np.arange(8), data.rows("Training")).argmax(axis=1)
    copies = np.array([[0, 4], [1, 4], [2, 4], [3, 5]])
    predicted = np.array([sad, happy, happy, sad])
    found = copies_figures(data, "PrivateTest", predicted, copies, voted)
    assert found == {
        "n": 4,
        "copied": 2,
        "accuracy": 0.5,
        "accuracy_copied": 0.5,
        "accuracy_others": 0.5,
        "remembered": 0.5,
        "accuracy_remembering": 0.5,
        "accuracy_voters": 0.75,
    }
    found = copies_figures(data, "PrivateTest", predicted, copies[:3], voted)
    assert (found["copied"], found["remembered"], found["accuracy_remembering"]) == (1, 1.0, 0.75)
    none = copies_figures(data, "PrivateTest", predicted, copies[:0], voted)
    assert none["accuracy_copied"] is None
    assert none["remembered"] is None
    assert none["accuracy_remembering"] == none["accuracy"] == none["accuracy_others"]
