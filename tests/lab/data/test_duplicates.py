import numpy as np
import pytest

pytest.importorskip("scipy")

from mien_lab.data.duplicates import (
    NEAR,
    alike_pairs,
    copy_groups,
    find_copies,
    fingerprints,
    joined,
    repeats,
)


def test_fingerprints_tell_pictures_apart(picture):
    vectors = fingerprints(np.stack([picture(0), picture(1), 255 - picture(0)]))
    alike = vectors @ vectors.T
    assert np.diag(alike) == pytest.approx([1, 1, 1], abs=1e-5)
    assert abs(alike[0, 1]) < NEAR
    assert alike[0, 2] == pytest.approx(-1, abs=1e-3)


def test_copies_name_their_match(picture):
    pixels = np.stack([picture(number) for number in range(6)] + [picture(2)[:, ::-1]])
    rows, others = np.array([6, 0]), np.array([1, 2, 3])
    for block in (1, 2048):
        found = find_copies(pixels, rows, others, block=block)
        assert found.match[0] == 2
        assert found.correlation[0] == pytest.approx(1, abs=1e-4)
        assert found.correlation[1] < NEAR


def test_alike_pairs_are_those_of_all_comparisons():
    rng = np.random.default_rng(0)
    upright, mirrored = rng.normal(size=(2, 40, 6)).astype(np.float32)
    expected = {
        (i, j)
        for i in range(40)
        for j in range(i + 1, 40)
        if max(upright[i] @ upright[j], upright[i] @ mirrored[j]) >= 3
    }
    assert len(expected) > 20
    for block in (7, 1024):
        pairs, values = alike_pairs(upright, mirrored, 3.0, block=block)
        assert set(map(tuple, pairs.tolist())) == expected
        assert (values >= 3).all()


def test_repeats_name_the_first():
    assert list(repeats(["a", "b", "a", "c", "b", "a"])) == [0, 1, 0, 3, 1, 0]


def test_without_detail_pictures_are_like_nothing():
    flat = fingerprints(np.full((2, 48, 48), 7, np.uint8))
    assert not flat.any()
    assert fingerprints(np.zeros((0, 48, 48), np.uint8)).shape[0] == 0


def test_rows_that_pairs_join_have_one_number():
    assert joined(np.array([[3, 1], [1, 4]]), 6).tolist() == [0, 1, 2, 1, 1, 3]
    assert joined(np.zeros((0, 2), np.intp), 3).tolist() == [0, 1, 2]


def test_copies_are_one_group_mirrored_or_darker(picture):
    pixels = [picture(1), picture(2), picture(1)[:, ::-1], picture(3), picture(2) // 2]
    assert copy_groups(np.stack(pixels)).tolist() == [0, 1, 0, 2, 1]
