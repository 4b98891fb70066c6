import tracemalloc

import numpy as np
import pytest

from mien_lab.evaluation.intervals import percentile_interval
from mien_lab.evaluation.resampling import clusters_of, draw_times, resample


def test_people_are_drawn_whole():
    assert clusters_of(["a", "", "a", "", "b"]).tolist() == [0, 1, 0, 2, 3]
    # Ten people with ten equal pictures each scatter as ten pictures do, not as a hundred.
    hits = np.repeat(np.arange(10) % 2, 10)[:, None].astype(float)
    people = clusters_of([str(index // 10) for index in range(100)])
    drawn = resample(hits, people, draw_times(people, draws=4000, seed=0))[1:, 0] / 100
    assert drawn.std() == pytest.approx(np.sqrt(0.25 / 10), rel=0.05)
    each = np.arange(100)
    alone = resample(hits, each, draw_times(each, draws=4000, seed=0))[1:, 0] / 100
    assert alone.std() == pytest.approx(np.sqrt(0.25 / 100), rel=0.05)
    assert percentile_interval(drawn) == pytest.approx((0.2, 0.8), abs=0.11)


def test_people_are_drawn_once_for_all_parts():
    people = clusters_of([str(index % 7) for index in range(60)])
    values = np.random.default_rng(0).normal(size=(60, 3))
    times = draw_times(people, draws=50, seed=1)
    assert (times.sum(axis=1) == 7).all()
    assert np.array_equal(times, draw_times(people, draws=50, seed=1))
    assert not np.array_equal(times, draw_times(people, draws=50, seed=2))
    inside = np.arange(60) < 9
    parts = [resample(values[part], people[part], times) for part in (inside, ~inside)]
    assert sum(parts) == pytest.approx(resample(values, people, times))
    # Nothing of a part that is empty, whoever is drawn.
    assert resample(values[:0], people[:0], times).tolist() == [[0, 0, 0]] * 51
    assert draw_times(people[:0], draws=50, seed=1).shape == (50, 0)


@pytest.mark.parametrize("draws", [1, 63, 64, 65, 127, 128, 130])
def test_parts_are_summed_as_the_whole(draws):
    each = np.arange(90)
    values = np.random.default_rng(0).integers(0, 5, (90, 7)).astype(float)
    times = draw_times(each, draws=draws, seed=0)
    sums = resample(values, each, times)
    assert np.array_equal(sums[0], values.sum(axis=0))
    assert np.array_equal(sums[1:], times.astype(float) @ values)


def test_many_draws_do_not_fill_memory():
    each, values = np.arange(5000), np.ones((5000, 3))
    times = draw_times(each, draws=640, seed=0)
    tracemalloc.start()
    resample(values, each, times)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * times.nbytes
