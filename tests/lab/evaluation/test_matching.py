import numpy as np

from mien_lab.evaluation.matching import greedy_pairs, match


def test_boxes_are_compared_inside_the_picture():
    truth = np.array([[0, -40, 40, 80]], np.float32)
    found = np.array([[0, 0, 40, 38]], np.float32)
    assert match(truth, found, (100, 100)).tolist() == [0]


def test_each_detection_is_used_once():
    truth = np.array([[0, 0, 40, 40], [2, 0, 40, 40]], np.float32)
    assert sorted(match(truth, truth[:1], (100, 100)).tolist()) == [-1, 0]
    assert match(truth, truth[:0], (100, 100)).tolist() == [-1, -1]


def test_the_highest_overlap_comes_first():
    overlap = np.array([[0.6, 0.9], [0.5, 0.8]])
    assert list(greedy_pairs(overlap, 0.5)) == [(0, 1), (1, 0)]
    assert list(greedy_pairs(overlap, 0.7)) == [(0, 1)]
