import numpy as np
import pytest

from mien.core.errors import TruncatedError
from mien.core.labels import EMOTIONS, Emotion, Sentiment
from mien.core.media import Media, MediaKind
from mien.core.types import Doubt, FrameReading
from mien.report.summaries import MOST_BINS, ImageSummary, Series, Tally, VideoSummary

MEDIA = Media("film.mp4", MediaKind.VIDEO, 640, 480)


def summed(frames):
    film = VideoSummary(MEDIA)
    for index, (time_s, readings) in enumerate(frames):
        film.add(FrameReading(index, time_s, tuple(readings)))
    film.finish()
    return film


def test_shares_of_time_not_of_frames(make_reading):
    happy = make_reading(track_id=1)
    sad = make_reading(top=Emotion.SADNESS, doubt=Doubt.SMALL, track_id=1)
    film = summed([(0.0, [happy]), (3.0, [sad]), (4.0, [])])
    shares = {share.expression: share for share in film.tally.shares()}
    assert shares[Emotion.HAPPINESS].share == pytest.approx(0.75)
    assert shares[Emotion.HAPPINESS].uncertain_share == 0
    assert shares[Emotion.SADNESS].uncertain_share == pytest.approx(0.25)
    assert sum(share.share for share in film.tally.shares()) == pytest.approx(1)
    assert dict(film.tally.sentiments())[Sentiment.POSITIVE] == pytest.approx(0.75)
    assert film.tally.total == pytest.approx(4)
    assert film.end_s == pytest.approx(5)


def test_a_stall_counts_for_nobody(make_reading):
    happy, sad = make_reading(track_id=1), make_reading(top=Emotion.SADNESS, track_id=2)
    before = [(n / 25, [happy]) for n in range(50)]
    film = summed(before + [(3600 + n / 25, [sad]) for n in range(500)])
    shares = {share.expression: share.share for share in film.tally.shares()}
    assert shares[Emotion.SADNESS] == pytest.approx(20 / 23.5, abs=0.01)
    assert film.faces[1].last_s == pytest.approx(49 / 25 + film.hold_s)
    assert film.faces[1].series.spans(film.gap_s)[-1].end_s == pytest.approx(49 / 25 + film.hold_s)
    assert film.end_s == pytest.approx(3620)


def test_a_film_that_ends_with_a_stall_ends_soon_after(make_reading):
    film = summed([*((n / 25, [make_reading(track_id=1)]) for n in range(50)), (3600, [])])
    assert film.end_s == pytest.approx(3600 + film.hold_s)


@pytest.mark.parametrize("step_s", [2.0, 10.0])
def test_at_low_rates_a_reading_counts_until_the_next(make_reading, step_s):
    film = summed([(n * step_s, [make_reading(track_id=1)]) for n in range(10)])
    assert film.tally.total == film.end_s == film.faces[1].last_s == pytest.approx(10 * step_s)


def test_at_a_variable_rate_shares_are_of_time(make_reading):
    happy, neutral = make_reading(track_id=1), make_reading(top=Emotion.NEUTRAL, track_id=1)
    frames = []
    for start in (0.0, 1.76, 3.52, 5.28):
        frames += [(start + n * 0.04, [happy]) for n in range(9)]
        frames.append((start + 0.36, [neutral]))
    film = summed(frames)
    shares = {share.expression: share.share for share in film.tally.shares()}
    # The last frame has no next one, and counts for as long as the one before.
    assert shares[Emotion.HAPPINESS] == pytest.approx(4 * 0.36 / (4 * 0.36 + 3 * 1.4 + 0.04))
    (span,) = film.faces[1].series.spans(film.gap_s)
    assert span.end_s == film.end_s == pytest.approx(5.28 + 0.4)


def test_a_face_that_frames_do_not_show_is_out_of_view(make_reading):
    here = [make_reading(track_id=1)]
    film = summed([(n / 25, [] if 20 <= n < 40 else here) for n in range(60)])
    assert len(film.faces[1].series.spans(film.gap_s)) == 2


def test_nothing_has_no_shares():
    assert Tally().shares() == Tally().sentiments() == []
    assert summed([(0.0, []), (1.0, [])]).tally.total == 0


def test_faces_have_spans_of_their_own(make_reading):
    one, two = make_reading(track_id=1), make_reading(track_id=2)
    film = summed([(0.0, [one]), (0.5, [one, two]), (1.0, [two]), (1.5, [two])])
    assert {n: (face.first_s, face.last_s) for n, face in film.faces.items()} == {
        1: (0.0, 1.0),
        2: (0.5, 2.0),
    }
    assert [face.track_id for face in film.longest(1)] == [2]
    assert [face.track_id for face in film.longest(9)] == [1, 2]


def test_a_film_has_its_events_and_its_fault(make_reading):
    film = VideoSummary(MEDIA)
    for index in range(10):
        film.add(FrameReading(index, index / 10, (make_reading(track_id=1),)))
    film.finish(TruncatedError("it broke off"))
    assert [event.expression for event in film.events] == [Emotion.HAPPINESS]
    assert film.error == "it broke off"


def test_a_series_is_the_mean_and_never_grows(make_reading):
    series = Series()
    rng = np.random.default_rng(3)
    chosen = rng.integers(len(EMOTIONS), size=3000)
    for index, place in enumerate(chosen):
        series.add(index / 25, make_reading(top=EMOTIONS[place], track_id=1), 0.04)
    (run,) = series.spans(0.5)
    assert len(run.times_s) <= MOST_BINS
    assert np.allclose(run.probabilities.sum(axis=1), 1)
    bins = (np.arange(3000) / 25 / series.width_s).astype(int)
    first = (chosen[bins == 0] == 1).mean() * 0.9 + (chosen[bins == 0] != 1).mean() * 0.1 / 7
    assert run.times_s[0] == series.width_s / 2
    assert run.probabilities[0, 1] == pytest.approx(first)


def test_a_series_breaks_where_the_face_was_away(make_reading):
    series = Series()
    for time_s in (0.0, 0.1, 0.2, 3.0, 3.1):
        series.add(time_s, make_reading(track_id=1), 0.1)
    runs = series.spans(0.5)
    assert [len(run.times_s) for run in runs] == [3, 2]
    assert [run.end_s for run in runs] == pytest.approx([0.3, 3.2])
    assert Series().spans(0.5) == []


@pytest.mark.parametrize("times", [[0, 0, 0], [3, 2, 1], [-1, 0, 1], [0, 1e9, 5]])
def test_clocks_that_stand_or_run_back(make_reading, times):
    film = summed([(time_s, [make_reading(track_id=1)]) for time_s in times])
    (face,) = film.faces.values()
    runs = face.series.spans(0.5)
    assert all(np.isfinite(values).all() for run in runs for values in run)
    assert film.tally.total > 0


def test_photographs_count_faces(make_reading):
    pictures = ImageSummary()
    pictures.add("a.jpg", FrameReading(0, 0.0, (make_reading(), make_reading())))
    pictures.add("b.jpg", FrameReading(0, 0.0, ()))
    assert pictures.tally.total == 2
    assert [len(readings) for _, readings in pictures.readings] == [2, 0]
