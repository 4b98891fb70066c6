import json
from dataclasses import replace
from pathlib import Path

import pytest

from mien.core.labels import Emotion
from mien.core.scores import Scores
from mien.core.types import FrameReading
from mien.report.events import Event, EventFinder, ordered

RISE = [0.1, 0.1, 0.3, 0.6, 0.9, 0.7, 0.3, 0.1, 0.1]


def events_of(frames):
    finder = EventFinder()
    return [event for frame in frames for event in finder.add(frame)] + finder.finish()


def test_onset_apex_offset(smiling):
    (event,) = events_of(smiling(RISE))
    assert event.expression is Emotion.HAPPINESS
    assert event.track_id == 1
    assert event.onset_s == pytest.approx(0.2)
    assert event.apex_s == pytest.approx(0.4)
    assert event.offset_s == pytest.approx(0.7)
    assert event.duration_s == pytest.approx(0.5)
    assert event.peak == pytest.approx(0.9)


def test_what_never_shows_clearly_is_no_event(smiling):
    assert events_of(smiling([0.1, 0.3, 0.45, 0.3, 0.1])) == []


def test_a_dip_does_not_divide_an_event(smiling):
    assert len(events_of(smiling([0.1, 0.8, 0.3, 0.8, 0.1]))) == 1
    assert len(events_of(smiling([0.1, 0.8, 0.2, 0.8, 0.1]))) == 2


def test_the_end_of_the_film_ends_events(smiling):
    (event,) = events_of(smiling([0.1, 0.9, 0.9]))
    assert (event.onset_s, event.offset_s) == (pytest.approx(0.1), pytest.approx(0.2))


def test_a_face_that_goes_ends_its_events(smiling):
    (event,) = events_of(smiling([0.9, 0.9] + [None] * 10))
    assert event.offset_s == pytest.approx(0.1)
    # A short time out of sight does not end it.
    assert len(events_of(smiling([0.9, 0.9, None, None, 0.9, 0.9]))) == 1


@pytest.mark.parametrize("step", [0.1, 1.0, 2.5])
def test_slow_films_have_whole_events(make_reading, step):
    shown = [0.1, 0.6, 0.8, 0.9, 0.7, 0.1]
    series = [
        FrameReading(index, index * step, (make_reading(probability=value, track_id=1),))
        for index, value in enumerate(shown)
    ]
    (event,) = events_of(series)
    assert (event.onset_s, event.apex_s, event.offset_s) == pytest.approx(
        (step, 3 * step, 5 * step)
    )
    # Out of sight for two frames, it has ended.
    away = [FrameReading(9, 9 * step, ()), FrameReading(12, 12 * step, series[1].readings)]
    if step >= 1:
        assert len(events_of([*series[:4], *away])) == 2


def test_one_short_step_does_not_divide_the_events_of_a_slow_film(make_reading):
    times = [0, 0.02, 1, 2, 3, 4]
    reading = make_reading(probability=0.9, track_id=1)
    series = [FrameReading(index, time_s, (reading,)) for index, time_s in enumerate(times)]
    (event,) = events_of(series)
    assert (event.onset_s, event.offset_s) == (0, 4)


@pytest.fixture
def held(make_reading):
    """Frames at 25 per second with one face, every tenth held for so many seconds."""

    def make(hold_s):
        reading = make_reading(probability=0.9, track_id=1)
        starts = [k * (0.36 + hold_s) for k in range(5)]
        times = [start + n * 0.04 for start in starts for n in range(10)]
        return [FrameReading(index, time_s, (reading,)) for index, time_s in enumerate(times)]

    return make


@pytest.mark.parametrize(("hold_s", "count"), [(0.8, 1), (1.4, 1), (1.6, 5)])
def test_held_frames_do_not_divide_an_event(held, hold_s, count):
    assert len(events_of(held(hold_s))) == count


def test_a_face_missing_from_a_frame_has_no_longer_time(held):
    frames = held(0.8)
    frames[9] = replace(frames[9], readings=())
    assert events_of(frames)[0].offset_s == pytest.approx(0.32)


def test_tracks_have_events_of_their_own(smiling):
    both = [
        FrameReading(one.index, one.time_s, one.readings + two.readings)
        for one, two in zip(smiling(RISE), smiling(RISE[::-1], track_id=2), strict=True)
    ]
    assert sorted(event.track_id for event in events_of(both)) == [1, 2]


def test_neutral_is_what_lies_between(make_reading):
    readings = (make_reading(top=Emotion.NEUTRAL, probability=0.95, track_id=1),)
    assert events_of([FrameReading(0, 0.0, readings)]) == []


def test_pictures_have_no_events(smiling):
    assert events_of(smiling(RISE, track_id=None)) == []


@pytest.mark.parametrize("times", [[0, 0, 0, 0], [3, 2, 1, 0], [0, 1e9, 5, 6]])
def test_times_may_repeat_or_run_back(smiling, times):
    disordered = [
        FrameReading(frame.index, time_s, frame.readings)
        for frame, time_s in zip(smiling([0.9] * 4), times, strict=True)
    ]
    assert all(event.duration_s >= 0 for event in events_of(disordered))


def test_the_pages_find_the_same_events(make_reading):
    shared = json.loads((Path(__file__).parents[2] / "web/tests/events.json").read_text())
    frames = [
        FrameReading(
            index,
            frame["time_s"],
            tuple(
                replace(
                    make_reading(track_id=face["track_id"]), scores=Scores(tuple(face["emotions"]))
                )
                for face in frame["faces"]
            ),
        )
        for index, frame in enumerate(shared["frames"])
    ]
    assert [event.to_dict() for event in ordered(events_of(frames))] == shared["events"]
    assert len(shared["events"]) > 5


def test_a_duration_is_that_between_the_times_written():
    row = Event(1, Emotion.FEAR, 0.0334, 0.05, 0.1006, 0.9).to_dict()
    assert (row["onset_s"], row["offset_s"], row["duration_s"]) == (0.033, 0.101, 0.068)
