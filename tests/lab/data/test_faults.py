import numpy as np
import pytest

from mien_lab.data.faults import _KINDS, degraded, passing_faults


@pytest.fixture
def crop():
    """Detail in every pixel, of no extreme grey."""
    return np.random.default_rng(0).integers(60, 190, (48, 48)).astype(np.uint8)


@pytest.mark.parametrize("kind", _KINDS)
def test_a_fault_does_the_same_to_each_crop(crop, kind):
    before = crop.copy()
    for seed in range(10):
        fault = kind(np.random.default_rng(seed))
        first = fault(crop)
        assert np.array_equal(first, fault(crop))
        assert (first != crop).mean() > 0.05
        assert (first.shape, first.dtype) == (crop.shape, crop.dtype)
    assert np.array_equal(crop, before)


def test_faults_pass(crop):
    times = np.arange(0, 60, 0.04)
    frames = passing_faults(np.random.default_rng(0), times, 1.0)
    moments = {}
    for index, faults in enumerate(frames):
        for fault in faults:
            moments.setdefault(fault, []).append(index)
    assert 40 < len(moments) < 80
    assert {type(fault) for fault in moments} == set(_KINDS)
    for shown in moments.values():
        assert shown == list(range(shown[0], shown[-1] + 1))
        assert len(shown) * 0.04 < 0.85
    assert not any(passing_faults(np.random.default_rng(0), times, 0.0))


def test_only_a_coarse_fault_says_how_much_of_a_face_is_left(crop):
    *others, coarse = (kind(np.random.default_rng(1)) for kind in _KINDS)
    assert 8 / 48 <= coarse.size <= 16 / 48
    assert all(other.size > 1 for other in others)


def test_what_spoils_nothing_leaves_the_crop(crop):
    assert np.array_equal(degraded(crop, 1.0, 0.0, 0.0, 100, np.random.default_rng(0)), crop)


def test_distance_light_noise_and_compression_are_seen(crop):
    def look(picture=crop, size=1.0, light=0.0, noise=0.0, quality=100):
        return degraded(picture, size, light, noise, quality, np.random.default_rng(0)).astype(
            float
        )

    grey = np.full((48, 48), 100, np.uint8)
    assert look(grey, light=np.log(2)).mean() == pytest.approx(255 * (100 / 255) ** 2, abs=1)
    assert look(grey, light=-np.log(2)).mean() == pytest.approx(255 * (100 / 255) ** 0.5, abs=1)
    assert look(grey, noise=10.0).std() == pytest.approx(10, rel=0.06)
    assert look(size=0.25).std() < crop.std() / 2
    assert look(size=1.5).std() == pytest.approx(crop.std())
    rough, fine = (np.abs(look(quality=quality) - crop).mean() for quality in (20, 90))
    assert rough > fine > 0
