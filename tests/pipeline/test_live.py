import threading
import time
from contextlib import closing

import numpy as np
import pytest

from mien.core.errors import MediaError
from mien.core.media import Frame, Media, MediaKind
from mien.core.types import FrameReading
from mien.pipeline.live import LiveReader, LiveReading, Notice
from mien.vision import video
from mien.vision.camera import find_camera, open_camera
from mien.vision.stream import MediaStream


class Slow:
    """Reads nothing, slowly."""

    def __init__(self, seconds=0.0):
        self.seconds = seconds
        self.frames = []

    def read(self, frame):
        time.sleep(self.seconds)
        self.frames.append(frame)
        return FrameReading(frame.index, frame.time_s, ())


def stream_of(count, step_s=0.01, shape=(48, 64, 3), fault=None, after=None):
    """Frames at their times, or each after the one before was read."""

    def frames():
        read = 0 if after is None else len(after.frames)
        for index in range(count):
            time.sleep(step_s)
            while after is not None and len(after.frames) < read + index:
                time.sleep(step_s)
            yield Frame(np.zeros(shape, np.uint8), index, index * step_s)
        while after is not None and len(after.frames) < read + count:
            time.sleep(step_s)
        if fault is not None:
            raise fault

    media = Media("camera 0", MediaKind.CAMERA, shape[1], shape[0])
    return MediaStream(media, frames())


def readings(events):
    return [event for event in events if isinstance(event, LiveReading)]


def notices(events):
    return [event.text for event in events if isinstance(event, Notice)]


def events_until(reader, count):
    """What a reader that never ends says until it has read so many pictures."""
    events = []
    with closing(reader.events()) as running:
        for event in running:
            events.append(event)
            if len(readings(events)) == count:
                break
    return events


def test_a_source_that_is_slower_than_the_machine_is_read_whole():
    slow = Slow()
    events = list(LiveReader(lambda: stream_of(10, after=slow), slow, retry=False).events())
    assert [event.reading.index for event in events] == list(range(10))
    assert events[-1].dropped == 0
    assert events[-1].received == 10


def test_the_newest_wins_and_drops_are_counted():
    reader = LiveReader(lambda: stream_of(60, 0.005), Slow(0.04), retry=False)
    events = list(reader.events())
    last = events[-1]
    assert last.received == 60
    assert last.dropped + len(events) == 60
    assert last.dropped > 20
    assert last.reading.index == 59
    # Nothing queues up: the delay is that of one reading and what was left of the one before.
    assert max(event.delay_s for event in events) < 0.2


def test_the_delay_counts_from_when_the_data_came_in():
    def connect():
        moments = [time.monotonic() - 1000, None]
        frames = (
            Frame(np.zeros((4, 4, 3), np.uint8), index, index / 25, moment)
            for index, moment in enumerate(moments)
        )
        return MediaStream(Media("camera 0", MediaKind.CAMERA, 4, 4), slowly(frames))

    def slowly(frames):
        for frame in frames:
            yield frame
            while not read.frames:
                time.sleep(0.01)

    read = Slow()
    told, untold = LiveReader(connect, read, retry=False).events()
    assert told.delay_s >= 1000
    assert 0 <= untold.delay_s < 1000


def test_decoding_is_part_of_the_delay(make_film, tmp_path, monkeypatch):
    read = video._Decoder._undamaged

    def slow(decoder, pictures):
        time.sleep(0.2)
        return read(decoder, pictures)

    monkeypatch.setattr(video._Decoder, "_undamaged", slow)
    film = make_film(tmp_path / "film.mp4", times=[0, 0.5, 1.0])
    camera = find_camera(str(film))
    read = readings(LiveReader(lambda: open_camera(camera), Slow(), retry=False).events())
    assert min(event.delay_s for event in read) >= 0.2


def test_a_lost_camera_is_tried_again_with_growing_pauses():
    slow = Slow()
    answers = [
        lambda: stream_of(2, fault=MediaError("camera 0 was lost (gone)"), after=slow),
        lambda: (_ for _ in ()).throw(MediaError("camera 0 cannot be opened")),
        lambda: (_ for _ in ()).throw(MediaError("camera 0 cannot be opened")),
        lambda: stream_of(2, after=slow),
    ]
    opened = []

    def connect():
        opened.append(time.monotonic())
        return answers[len(opened) - 1]()

    reader = LiveReader(connect, slow, back_off_s=(0.05, 0.1, 0.2))
    events = events_until(reader, 4)
    gaps = np.diff(opened)
    assert 0.05 <= gaps[0] < gaps[1] + 0.03
    assert (gaps >= [0.05, 0.1, 0.2]).all()
    told = notices(events)
    assert "camera 0 was lost (gone); trying again in 0.05 s" in told
    assert "camera 0 is back" in told
    indices = [event.reading.index for event in readings(events)]
    assert indices == [0, 1, 2, 3]
    times = [event.reading.time_s for event in readings(events)]
    assert times == sorted(times)


@pytest.mark.parametrize(("opening_s", "waiting_s"), [(0.4, 0.0), (0.0, 0.4)])
def test_times_go_on_by_the_clock_however_long_opening_takes(opening_s, waiting_s):
    slow = Slow()
    moments = []

    def frames():
        if moments:
            time.sleep(waiting_s)
        moments.append(time.monotonic())
        yield Frame(np.zeros((4, 4, 3), np.uint8), 0, 0.0)
        while len(slow.frames) < len(moments):
            time.sleep(0.01)
        raise MediaError("gone")

    def connect():
        if not moments:
            time.sleep(opening_s)
        return MediaStream(Media("camera 0", MediaKind.CAMERA, 4, 4), frames())

    first, second = readings(events_until(LiveReader(connect, slow, back_off_s=(0.01,)), 2))
    assert first.reading.time_s == 0
    assert second.reading.time_s == pytest.approx(moments[1] - moments[0], abs=0.2)


def test_a_reader_that_is_too_slow_is_told_what_happens_all_the_same():
    answers = [lambda: stream_of(1, fault=MediaError("gone")), lambda: stream_of(200, 0.005)]
    opened = iter(answers)
    reader = LiveReader(lambda: next(opened)(), Slow(0.05), back_off_s=(0.01,))
    events = events_until(reader, 4)
    assert [type(event).__name__ for event in events[:4]] == [
        "LiveReading", "Notice", "Notice", "LiveReading"
    ]  # fmt: skip
    assert notices(events) == ["gone; trying again in 0.01 s", "camera 0 is back"]
    assert events[-1].dropped > 0


def test_a_camera_that_was_never_there_is_an_error():
    def connect():
        raise MediaError("camera 7 cannot be opened")

    with pytest.raises(MediaError, match="camera 7"):
        list(LiveReader(connect, Slow()).events())


def test_a_film_as_if_live_that_breaks_off_ends_with_its_error():
    reader = LiveReader(lambda: stream_of(3, fault=MediaError("cut off")), Slow(), retry=False)
    found = []
    with pytest.raises(MediaError, match="cut off"):
        found.extend(reader.events())
    assert len(found) == 3


def test_a_stall_is_told_once_and_ends():
    def connect():
        def frames():
            yield Frame(np.zeros((4, 4, 3), np.uint8), 0, 0.0)
            time.sleep(0.5)
            yield Frame(np.zeros((4, 4, 3), np.uint8), 1, 0.5)

        return MediaStream(Media("camera 0", MediaKind.CAMERA, 4, 4), frames())

    events = list(LiveReader(connect, Slow(), retry=False, stall_s=0.1).events())
    assert len(readings(events)) == 2
    assert notices(events) == ["no picture for 0.1 s; waiting for the camera"]


def test_the_pauses_of_a_slow_camera_are_no_stalls():
    def connect():
        def frames():
            for index in range(5):
                yield Frame(np.zeros((4, 4, 3), np.uint8), index, index * 0.2)
                time.sleep(0.2)

        return MediaStream(Media("camera 0", MediaKind.CAMERA, 4, 4), frames())

    events = list(LiveReader(connect, Slow(), retry=False, stall_s=0.1).events())
    assert len(readings(events)) == 5
    assert len(notices(events)) == 1


def test_unknown_faults_of_a_camera_are_told_too():
    answers = iter([stream_of(1, fault=RuntimeError("driver")), stream_of(1)])
    events = []
    with closing(LiveReader(lambda: next(answers), Slow(), back_off_s=(0.01,)).events()) as running:
        for event in running:
            events.append(event)
            if len(readings(events)) == 2:
                break
    assert any("driver" in text for text in notices(events))


def test_leaving_early_ends_the_thread():
    before = threading.active_count()
    running = LiveReader(lambda: stream_of(1000), Slow()).events()
    next(running)
    running.close()
    assert threading.active_count() == before


def test_stopping_ends_without_waiting_for_a_picture():
    reader = LiveReader(lambda: stream_of(1000, 0.2), Slow())
    running = reader.events()
    next(running)
    reader.stop()
    assert list(running) == []


def test_the_size_of_pictures_may_change():
    def connect():
        def frames():
            for index, side in enumerate([40, 80]):
                time.sleep(0.03)
                yield Frame(np.zeros((side, side, 3), np.uint8), index, index / 25)

        return MediaStream(Media("camera 0", MediaKind.CAMERA, 40, 40), frames())

    events = list(LiveReader(connect, Slow(), retry=False).events())
    assert [event.media.width for event in events] == [40, 80]
