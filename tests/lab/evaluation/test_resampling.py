import numpy as np
import pytest

from mien_lab.evaluation.resampling import clusters_of, interval, resample


def test_people_are_drawn_whole():
    assert clusters_of(["a", "", "a", "", "b"]).tolist() == [0, 1, 0, 2, 3]
    # Ten people with ten equal pictures each scatter as ten pictures do, not as a hundred.
    hits = np.repeat(np.arange(10) % 2, 10)[:, None].astype(float)
    people = clusters_of([str(index // 10) for index in range(100)])
    rng = np.random.default_rng(0)
    drawn = resample(hits, people, draws=4000, rng=rng)[:, 0] / 100
    assert drawn.std() == pytest.approx(np.sqrt(0.25 / 10), rel=0.05)
    alone = resample(hits, np.arange(100), draws=4000, rng=rng)[:, 0] / 100
    assert alone.std() == pytest.approx(np.sqrt(0.25 / 100), rel=0.05)
    low, high = interval(drawn)
    assert (low, high) == pytest.approx((0.2, 0.8), abs=0.11)
    assert interval(np.full(10, np.nan)) is None
    # One person is drawn each time.
    assert interval(np.full(10, 0.5)) is None
