import math

from mien.core.rhythm import STEPS, Rhythm


def of(*steps):
    rhythm = Rhythm()
    for step_s in steps:
        rhythm.add(step_s)
    return rhythm.step_s


def test_a_stall_and_a_clock_that_runs_back_do_not_count():
    assert of(0.04, 0.04, 60, 0.04, 0, -5) == 0.04


def test_of_two_steps_the_longer_counts():
    assert of(0.01, 5) == 5


def test_before_the_second_frame_nothing_is_known():
    assert of() == of(0) == math.inf


def test_another_rate_is_noticed():
    assert of(*[0.04] * 100, *[1.0] * STEPS) == 1
