from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("sklearn")

from mien.models.temporal import CONTEXT_SIZE
from mien_lab.data.clips import CLEAN, POOR, ClipMaker
from mien_lab.data.faces import fer_faces
from mien_lab.data.fer2013 import load_fer


@pytest.fixture(scope="module")
def faces(fer_folder):
    return fer_faces(load_fer(fer_folder), np.arange(36))


def maker(faces, length=60, rates=(25, 25), seed=0):
    return ClipMaker(faces, length=length, rates=rates, seed=seed)


def test_clips_repeat_by_their_number(faces):
    one, again = maker(faces).clip(5, POOR), maker(faces).clip(5, POOR)
    assert np.array_equal(one.crops, again.crops)
    assert np.array_equal(one.contexts, again.contexts)
    assert not np.array_equal(one.crops, maker(faces).clip(6, POOR).crops)


def test_frames_are_shown_at_the_sizes_in_turn(faces):
    plain, larger = (maker(faces).clip(5, CLEAN, zooms) for zooms in ((1.0,), (1.0, 1.1)))
    same = (plain.crops == larger.crops).all(axis=(1, 2))
    assert same[::2].all()
    assert not same[1::2].any()
    assert np.array_equal(plain.targets, larger.targets)


def test_clips_pass_from_one_expression_to_another(faces):
    changes = 0
    for number in range(6):
        clip = maker(faces, length=100).clip(number, CLEAN)
        assert np.allclose(clip.targets.sum(axis=1), 1, atol=1e-5)
        assert clip.crops.shape == (100, 48, 48)
        assert clip.contexts.shape == (100, CONTEXT_SIZE)
        assert np.diff(clip.times).min() > 0
        changes += int((np.diff(clip.labels) != 0).sum())
        # Distributions pass over; they do not leap.
        assert np.abs(np.diff(clip.targets, axis=0)).max() < 0.75
    assert changes >= 6


def test_poor_clips_are_worse_and_miss_frames(faces):
    clean = [maker(faces).clip(number, CLEAN) for number in range(4)]
    poor = [maker(faces).clip(number, POOR) for number in range(4)]

    def unrest(clips):
        return np.mean([np.abs(np.diff(clip.crops.astype(int), axis=0)).mean() for clip in clips])

    assert unrest(poor) > 1.5 * unrest(clean)
    assert max(np.diff(clip.times).max() for clip in poor) > 0.07
    assert max(np.diff(clip.times).max() for clip in clean) < 0.05


def test_frame_rates_vary_between_clips(faces):
    made = [maker(faces, rates=(8, 60)).clip(number, CLEAN) for number in range(8)]
    rates = [59 / clip.times[-1] for clip in made]
    assert min(rates) < 20 < max(rates)


def test_clips_need_two_expressions(faces):
    same = replace(faces, emotions=np.tile(np.eye(8, dtype=np.float32)[1], (len(faces), 1)))
    with pytest.raises(ValueError, match="two expressions"):
        maker(same)
