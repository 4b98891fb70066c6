from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("sklearn")

from mien_lab.evaluation.temporal import evaluate_temporal, moving_average, series_figures


def test_figures_of_a_series(sequences):
    labels = [[0] * 5 + [1] * 5]
    predicted = [[0, 0, 3, 0, 0, 0, 0, 1, 1, 1]]
    figures = series_figures(*reversed(sequences(labels, predicted)))
    assert figures["accuracy"] == pytest.approx(0.7)
    assert figures["changes_per_s"] == pytest.approx(3 / 0.36)
    assert figures["true_changes_per_s"] == pytest.approx(1 / 0.36)
    assert figures["delay_ms_median"] == pytest.approx(80)
    assert figures["recognised"] == 1.0


def test_a_change_that_is_never_read_counts_as_not_recognised(sequences):
    figures = series_figures(*reversed(sequences([[0, 0, 1, 1, 2, 2]], [[0, 0, 0, 0, 0, 2]])))
    assert figures["macro_recall"] == pytest.approx(0.5)
    assert figures["recognised"] == 0.5
    assert figures["delay_ms_median"] == pytest.approx(40)


def test_frames_after_the_end_do_not_count(sequences):
    figures = series_figures(*reversed(sequences([[0, 0, -1, -1]], [[0, 0, 5, 6]])))
    assert figures["accuracy"] == 1.0
    assert figures["changes_per_s"] == 0.0
    assert figures["delay_ms_median"] is None
    assert figures["recognised"] is None


def test_a_moving_average_follows_with_its_time_constant():
    series = np.zeros((1, 50, 8))
    series[0, 0, 0], series[0, 1:, 1] = 1, 1
    times = np.arange(50)[None] * 0.04
    mean = moving_average(series, times, 0.4)
    assert mean[0, 11, 1] == pytest.approx(1 - np.exp(-0.44 / 0.4))
    assert np.allclose(mean.sum(axis=2), 1)


class Told:
    """Reads what embeddings say, as a recurrent network without memory would."""

    def start(self, count):
        return np.zeros((count, 1), np.float32)

    def step(self, embeddings, contexts, state):
        return embeddings, state


def test_what_is_gained_over_single_frames(sequences):
    """Single frames read half of each clip right; the network three quarters and all of it.

    A quarter is read right at alternating zooms, and all of it by a slow average of that.
    """
    labels = np.zeros((4, 8), np.int64)
    own, single, zoomed = labels.copy(), labels.copy(), labels.copy()
    own[:2, 6:], single[:, 4:], zoomed[:, 2:] = 1, 2, 3
    clips, told = sequences(labels, own)
    said, read = (9 * np.eye(8, dtype=np.float32)[one] for one in (single, zoomed))
    clips = replace(clips, embeddings=told.astype(np.float16), logits=read, single=said)
    found = evaluate_temporal(Told(), clips, 1.0, 0.5)
    assert found["single frames"]["accuracy"] == 0.5
    assert found["moving averages"]["0.04"]["accuracy"] == 0.25
    assert found["best moving average"]["accuracy"] == 1
    assert found["gained"]["best moving average"]["mean"] == pytest.approx(-0.125)
    assert found["recurrent"]["conformal_mean_size"] == 1
    whole = evaluate_temporal(Told(), clips, 1.0, 1.0)
    assert whole["recurrent"]["conformal_mean_size"] == 8
    assert found["recurrent"]["accuracy"] == 0.875
    gained = found["gained"]["single frames"]
    assert gained["mean"] == pytest.approx(0.375)
    # Of two clips that gain 0.25 and two that gain 0.5.
    assert gained["standard_error"] == pytest.approx(0.125 / np.sqrt(3))
    assert (found["clustered_by"], found["people"]) == ("clips", None)
    # Of two people whose clips gain as much, which are no four independent clips.
    found = evaluate_temporal(Told(), clips, 1.0, 0.5, ["a", "a", "b", "b"])
    assert found["gained"]["single frames"] == pytest.approx(
        {"mean": 0.375, "standard_error": 0.125}
    )
    assert (found["clustered_by"], found["people"]) == ("people", 2)
    for alone in ((clips, ["a"] * 4), (clips.some(slice(1)), [])):
        found = evaluate_temporal(Told(), alone[0], 1.0, 0.5, alone[1])
        assert found["gained"]["single frames"]["standard_error"] is None


def test_what_is_gained_is_of_frames_though_clips_differ_in_length(sequences):
    """The network reads less of a long clip and more of short ones; by clips it would gain."""
    lengths, own_right, single_right = [100, 10, 10, 10], [70, 10, 10, 10], [100, 5, 5, 5]
    frame = np.arange(100)
    labels = np.array([np.where(frame < length, 0, -1) for length in lengths])
    own, single = (
        np.array([np.where(frame < right, 0, 1) for right in rights])
        for rights in (own_right, single_right)
    )
    clips, told = sequences(labels, own)
    said = 9 * np.eye(8, dtype=np.float32)[single]
    clips = replace(clips, embeddings=told.astype(np.float16), logits=said, single=said)
    found = evaluate_temporal(Told(), clips, 1.0, 0.5)
    gained = found["gained"]["single frames"]
    difference = found["recurrent"]["accuracy"] - found["single frames"]["accuracy"]
    assert gained["mean"] == pytest.approx(difference) == pytest.approx(-15 / 130)
    # Each clip's gain in frames, less what the mean gain would be of its frames.
    errors = np.subtract(own_right, single_right) + np.array(lengths) * 15 / 130
    expected = np.sqrt((errors**2).sum() * 4 / 3) / 130
    assert gained["standard_error"] == pytest.approx(expected)
