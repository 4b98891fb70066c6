import threading
from dataclasses import replace

import numpy as np
import pytest

from mien.core.media import Frame
from mien.pipeline.locator import FaceLocator
from mien.pipeline.sequence import SequenceReader
from mien.vision.alignment import FILM_ZOOMS


@pytest.fixture
def sequence(analyzer):
    return lambda: analyzer.parts.sequence()


def frames_of(image, count, rate=25):
    return [Frame(image, index, index / rate) for index in range(count)]


def plain(frames):
    """Readings without the last digits, in which batches of other sizes differ."""
    return [[(r.track_id, r.top, round(r.valence, 3)) for r in frame.readings] for frame in frames]


def test_offline_and_online_are_the_same(sequence, portrait):
    frames = frames_of(portrait, 10)
    online = sequence()
    steps = [online.read(frame) for frame in frames]
    whole = [reading for _, reading in sequence().read_all(frames)]
    assert plain(steps) == plain(whole)


def test_frames_come_with_their_readings(sequence, portrait):
    frames = frames_of(portrait, 6)
    pairs = list(sequence().read_all(frames))
    assert [frame for frame, _ in pairs] == frames
    assert [reading.index for _, reading in pairs] == list(range(6))


def test_stopping_early_ends_all_threads(sequence, portrait):
    before = threading.active_count()
    pairs = sequence().read_all(iter(frames_of(portrait, 50)))
    next(pairs)
    pairs.close()
    assert threading.active_count() == before


def test_without_a_recurrent_network_each_frame_is_read_on_its_own(analyzer, portrait):
    reader = analyzer.parts.reader
    (alone,) = replace(reader, zooms=(1.0,)).read(Frame(portrait)).readings
    frame = SequenceReader(reader, FaceLocator(reader)).read(Frame(portrait))
    assert frame.readings[0].scores == alone.scores
    assert frame.readings[0].track_id == 1


def test_frame_size_may_change(sequence, portrait):
    reader = sequence()
    small = np.ascontiguousarray(portrait[::2, ::2])
    found = [
        reader.read(Frame(image, index, index / 25))
        for index, image in enumerate([portrait] * 3 + [small] * 3 + [portrait])
    ]
    assert [len(frame.readings) for frame in found] == [1] * 7


@pytest.mark.parametrize("times", [[0, 0, 0, 0], [0, 1, 0.5, 0.2], [5, 1e9, 2, 3]])
def test_times_may_repeat_or_run_back(sequence, portrait, times):
    reader = sequence()
    found = [reader.read(Frame(portrait, index, t)) for index, t in enumerate(times)]
    assert [frame.readings[0].track_id for frame in found] == [1] * 4
    assert [frame.time_s for frame in found] == times


@pytest.mark.parametrize("rate", [1, 240])
def test_slow_and_fast_cameras(sequence, portrait, rate):
    reader = sequence()
    found = [reader.read(frame) for frame in frames_of(portrait, 6, rate)]
    assert {frame.readings[0].track_id for frame in found} == {1}


def test_black_frames(sequence, portrait):
    reader = sequence()
    images = [portrait, np.zeros_like(portrait), np.zeros_like(portrait), portrait]
    found = [reader.read(Frame(image, i, i / 25)) for i, image in enumerate(images)]
    assert [[r.track_id for r in frame.readings] for frame in found] == [[1], [], [], [1]]


def test_thirty_faces(sequence, portrait):
    import cv2

    small = cv2.resize(portrait, (160, 144), interpolation=cv2.INTER_AREA)
    crowd = np.tile(small, (5, 6, 1))
    reader = sequence()
    for frame in frames_of(crowd, 3):
        readings = reader.read(frame).readings
        assert len(readings) >= 28
        assert len({reading.track_id for reading in readings}) == len(readings)


def test_a_face_that_fills_the_frame(sequence, portrait):
    face = np.ascontiguousarray(portrait[60:220, 70:210])
    reader = sequence()
    ids = [[r.track_id for r in reader.read(frame).readings] for frame in frames_of(face, 5)]
    assert ids == [[1]] * 5


def test_faces_of_films_are_read_at_two_sizes_in_turn(analyzer, portrait):
    class Noted:
        def __init__(self, classifier):
            self.seen, self._classifier = [], classifier

        def __getattr__(self, name):
            return getattr(self._classifier, name)

        def classify(self, crops):
            self.seen.append(crops)
            return self._classifier.classify(crops)

    noted = Noted(analyzer.parts.reader.classifier)
    reader = replace(analyzer.parts.reader, classifier=noted)
    parts = replace(analyzer.parts, reader=reader)
    sequence = parts.sequence()
    located = []
    locate = sequence._locator.locate
    sequence._locator.locate = lambda frame: located.append(locate(frame)) or located[-1]
    for frame in frames_of(portrait, 4):
        sequence.read(frame)
    for index, (known, crops) in enumerate(zip(located, noted.seen, strict=True)):
        expected = reader.crops(portrait, known.faces, FILM_ZOOMS[index % 2])
        assert np.array_equal(crops, expected)
