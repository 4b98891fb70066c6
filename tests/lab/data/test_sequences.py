from contextlib import contextmanager
from itertools import pairwise

import PIL.Image
import pytest

pytest.importorskip("sklearn")

from mien.core.labels import EMOTIONS, Emotion
from mien_lab.data import sequences as sequences_of
from mien_lab.data.recordings import Recording
from mien_lab.data.sequences import join_sequences


def test_joined_sequences_are_filled_up(sequences):
    short, _ = sequences([[1, 1]], [[1, 1]])
    long, _ = sequences([[2, 2, 2]], [[2, 2, 2]])
    assert join_sequences([short, long]).labels.tolist() == [[1, 1, -1], [2, 2, 2]]


def test_films_are_decoded_no_further_than_they_are_read(
    film, portrait, tmp_path, analyzer, monkeypatch
):
    film(tmp_path / "film.mp4", portrait, frames=9)
    open_media, decoded = sequences_of.open_media, []

    @contextmanager
    def counted(path):
        with open_media(path) as stream:
            yield (decoded.append(frame.index) or frame for frame in stream)

    monkeypatch.setattr(sequences_of, "open_media", counted)
    recording = Recording((tmp_path / "film.mp4",), Emotion.HAPPINESS, "S1")
    sequences_of.recorded([recording], analyzer.parts.reader, tmp_path / "kept", length=2)
    assert decoded == [0, 1]


def test_faces_of_recordings_become_sequences(portrait, tmp_path, analyzer):
    files = []
    for number in range(3):
        files.append(tmp_path / f"{number}.png")
        PIL.Image.fromarray(portrait).save(files[-1])
    PIL.Image.new("RGB", (80, 80), "grey").save(tmp_path / "wall.png")
    wall = Recording((tmp_path / "wall.png",), Emotion.HAPPINESS, "S0")
    recording = Recording(tuple(files), Emotion.HAPPINESS, "S1", onset=True)
    found, shown = sequences_of.recorded(
        [wall, recording], analyzer.parts.reader, tmp_path / "kept", length=5
    )
    assert (len(found), shown) == (1, [recording])
    happy = found.targets[0, :, EMOTIONS.index(Emotion.HAPPINESS)]
    assert happy.tolist() == pytest.approx([0, 0.5, 1, 0, 0])
    assert (found.labels[0] >= 0).tolist() == [True] * 3 + [False] * 2
    assert all(b > a for a, b in pairwise(found.times[0][:3]))


@pytest.mark.parametrize(
    ("walls", "length", "shares"), [(2, 5, [0.5, 0.75, 1, 0, 0]), (0, 2, [0, 0.5])]
)
def test_an_onset_runs_over_the_whole_recording(
    portrait, tmp_path, analyzer, walls, length, shares
):
    """Whether a face is found in the first pictures or not, and the last ones are read or not."""
    files = [tmp_path / f"{number}.png" for number in range(walls + 3)]
    for number, file in enumerate(files):
        shown = PIL.Image.fromarray(portrait)
        (PIL.Image.new("RGB", (80, 80), "grey") if number < walls else shown).save(file)
    recording = Recording(tuple(files), Emotion.HAPPINESS, "S1", onset=True)
    found, _ = sequences_of.recorded(
        [recording], analyzer.parts.reader, tmp_path / "kept", length=length
    )
    happy = found.targets[0, :, EMOTIONS.index(Emotion.HAPPINESS)]
    assert happy.tolist() == pytest.approx(shares)
