"""Copies among pictures: of pixels, of hashes, of faces; mirror images too."""

import cv2
import numpy as np
import pytest
import skimage.data

pytest.importorskip("cleanlab")

from mien.core.labels import Emotion
from mien.core.types import Box
from mien_lab.data.duplicates import joined
from mien_lab.data.likeness import Evidence, Likeness, find_likeness
from mien_lab.data.measurements import measure
from mien_lab.data.samples import Sample


@pytest.fixture(scope="module")
def photographs():
    """A photograph, two copies that are cut and scaled anew, others, and its face alone."""
    whole = skimage.data.astronaut()[:320, 40:400]
    cut = cv2.resize(whole[20:250, 60:320], None, fx=0.8, fy=0.8, interpolation=cv2.INTER_AREA)
    pictures = {
        "whole": whole,
        "again": whole.copy(),
        "mirrored": np.ascontiguousarray(whole[:, ::-1]),
        "cut": cut,
        "page": np.repeat(skimage.data.page()[:, :, None], 3, axis=2),
        "blank": np.full((60, 60, 3), 7, np.uint8),
        "blank too": np.full((60, 60, 3), 7, np.uint8),
    }
    return [Sample(name, Emotion.HAPPINESS, pixels=pixels) for name, pixels in pictures.items()]


def test_copies_of_a_photograph(photographs):
    measured = measure(photographs)
    likeness = find_likeness(measured)
    assert measured.faces.tolist() == [True] * 4 + [False] * 3
    assert measured.blank.tolist() == [False] * 5 + [True] * 2
    assert measured.read.tolist() == measured.faces.tolist()
    names = [sample.name for sample in photographs]
    found = {names[match.row]: match.how for match in likeness.matches(0)}
    assert found.keys() == {"again", "mirrored", "cut"}
    assert found["again"] == "the same pixels"
    assert found["mirrored"].startswith("perceptual hash, 0 of 64")
    assert found["cut"].startswith("the registered faces correlate")
    assert not list(likeness.matches(4))
    # Blank pictures are equal, but that says nothing.
    assert not list(likeness.matches(5))
    joined = {frozenset(pair) for pair in likeness.edges().tolist()}
    assert {frozenset((0, other)) for other in (1, 2, 3)} <= joined
    assert not any({4, 5, 6} & pair for pair in joined)


def test_grey_and_colour_of_one_picture_are_the_same(picture):
    grey = picture(3)
    samples = [
        Sample("grey", None, pixels=grey, cropped=True),
        Sample("colour", None, pixels=np.repeat(grey[:, :, None], 3, axis=2), cropped=True),
    ]
    (match,) = find_likeness(measure(samples)).matches(1)
    assert (match.row, match.how, match.evidence) == (0, "the same pixels", Evidence.PIXELS)


def test_the_surest_evidence_comes_first_and_each_row_once():
    same = np.array([0, 1, 0, 3, 3, -1, 6])
    pairs = np.array([[0, 6], [3, 6], [0, 3]])
    kinds = np.array([Evidence.DETAILS, Evidence.HASH, Evidence.HASH])
    likeness = Likeness(same, pairs, kinds, np.array([0.9, 3, 1]))
    assert [(match.row, match.how) for match in likeness.matches(2)] == [
        (0, "the same pixels"),
        (3, "perceptual hash, 1 of 64 bits differ"),
        (4, "perceptual hash, 1 of 64 bits differ"),
        (6, "the registered faces correlate by 0.90"),
    ]
    assert [match.row for match in likeness.matches(6)] == [3, 4, 0, 2]
    assert not [*likeness.matches(1), *likeness.matches(5)]
    assert joined(likeness.edges(), 7).tolist() == [0, 1, 0, 0, 0, 2, 0]


def test_a_pair_of_one_photograph_is_found_once_by_hash_and_by_details(photographs):
    samples = [photographs[0], photographs[2]]
    likeness = find_likeness(measure(samples))
    assert likeness.near.tolist() == [[0, 1]]
    assert likeness.evidence.tolist() == [Evidence.HASH]


def test_faces_of_one_photograph_are_no_copies_but_stay_together(picture):
    whole = np.hstack([picture(3), picture(4)])
    left, right = Box(0, 0, 48, 48), Box(48, 0, 48, 48)
    samples = [
        Sample("a", Emotion.FEAR, pixels=whole, box=left),
        Sample("b", Emotion.ANGER, pixels=whole, box=right),
        Sample("a again", Emotion.FEAR, pixels=whole, box=left),
    ]
    likeness = find_likeness(measure(samples))
    assert [match.row for match in likeness.matches(0)] == [2]
    assert not list(likeness.matches(1))
    assert set(joined(likeness.edges(), 3).tolist()) == {0}
