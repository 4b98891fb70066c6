from types import SimpleNamespace

import av
import numpy as np
import pytest

from mien.vision import arrival
from mien.vision.arrival import MAX_PENDING_PACKETS, Arrivals, Pace, use_low_delay_decoding


def picture(stamp):
    return SimpleNamespace(pts=stamp)


def write(path, codec, options):
    with av.open(str(path), "w") as output:
        stream = output.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        ramp = np.tile(np.arange(64, dtype=np.uint8) * 4, (64, 1))
        for index in range(16):
            image = np.repeat(np.roll(ramp, index * 3, axis=1)[:, :, None], 3, axis=2)
            output.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        output.mux(stream.encode(None))
    return path


def decode(path, prepare):
    """The frames output for each packet, and those output at the end."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        prepare(stream)
        given = [[shown.pts for shown in packet.decode()] for packet in container.demux(video=0)]
    return given[:-1], given[-1]


def frame_threads(stream):
    stream.thread_type, stream.codec_context.thread_count = "FRAME", 3


@pytest.mark.parametrize(
    ("codec", "options"),
    [
        ("libx264", {"bf": "0"}),
        ("libx265", {"tune": "zerolatency", "x265-params": "log-level=none"}),
        ("mpeg4", {}),
        ("libvpx-vp9", {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}),
        ("libsvtav1", {"preset": "12", "svtav1-params": "pred-struct=1"}),
    ],
)
def test_a_picture_comes_with_its_own_packet(tmp_path, codec, options):
    if codec not in av.codec.codecs_available:
        pytest.skip(f"PyAV was built without {codec}")
    path = write(tmp_path / "film.mkv", codec, options)
    given, held = decode(path, use_low_delay_decoding)
    assert [len(pictures) for pictures in given] == [1] * 16
    assert held == []


def test_threads_that_share_pictures_hold_some_back(tmp_path):
    given, held = decode(write(tmp_path / "film.mkv", "libx264", {"bf": "0"}), frame_threads)
    assert given[:2] == [[], []]
    assert len(held) == 2


@pytest.mark.parametrize("codec", ["libx264", "mpeg4", "mpeg2video"])
def test_pictures_that_are_sent_early_keep_their_order(tmp_path, codec):
    path = write(tmp_path / "film.mp4", codec, {"bf": "2", "b_strategy": "0"})
    given, held = decode(path, use_low_delay_decoding)
    shown = [stamp for pictures in [*given, held] for stamp in pictures]
    assert len(shown) == 16
    assert shown == sorted(shown)
    assert held


def test_pictures_in_order_have_the_moments_of_their_packets():
    arrivals = Arrivals()
    arrivals.note(10, 1.0)
    arrivals.note(20, 2.0)
    arrivals.note(30, 3.0)
    assert [arrivals.of(picture(stamp)) for stamp in (10, 20, 30)] == [1.0, 2.0, 3.0]


def test_a_picture_has_come_in_when_those_before_it_have():
    arrivals = Arrivals()
    for stamp, at_s in [(0, 1.0), (40, 2.0), (20, 3.0), (30, 4.0), (50, 5.0)]:
        arrivals.note(stamp, at_s)
    moments = [arrivals.of(picture(stamp)) for stamp in (0, 20, 30, 40, 50)]
    assert moments == [1.0, 3.0, 4.0, 4.0, 5.0]


def test_a_picture_without_a_time_has_the_moment_of_the_last_packet():
    arrivals = Arrivals()
    arrivals.note(None, 1.0)
    assert arrivals.of(picture(None)) == 1.0
    arrivals.note(7, 2.0)
    assert arrivals.of(picture(None)) == 2.0


def test_packets_that_give_no_picture_are_forgotten():
    arrivals = Arrivals()
    for stamp in range(1000):
        arrivals.note(stamp, float(stamp))
    assert len(arrivals._pending) == MAX_PENDING_PACKETS
    assert arrivals.of(picture(1000 - MAX_PENDING_PACKETS)) == 1000 - MAX_PENDING_PACKETS


def test_moments_of_a_film(monkeypatch, clock):
    monkeypatch.setattr(arrival, "time", clock)
    pace = Pace(longest_s=5.0)
    began = clock.now
    times = [3.0, 3.5, 3.5, 3.2, 3.3, 100.0, None]
    moments = [pace.wait(time_s, 0.25) - began for time_s in times]
    assert moments == pytest.approx([0, 0.5, 0.5, 0.5, 0.6, 5.6, 5.85])
    assert clock.now - began == pytest.approx(5.85)


def test_who_comes_late_learns_when_it_was_due(monkeypatch, clock):
    monkeypatch.setattr(arrival, "time", clock)
    pace = Pace(longest_s=5.0)
    began = pace.wait(0.0)
    clock.sleep(0.3)
    assert pace.wait(0.1) == pytest.approx(began + 0.1)
    assert pace.wait(0.2) == pytest.approx(began + 0.2)
    assert clock.now == pytest.approx(began + 0.3)
    assert pace.wait(0.4) == pytest.approx(began + 0.4)
    assert clock.now == pytest.approx(began + 0.4)


def test_a_late_film_whose_first_packets_tell_no_time_comes_at_once(clock, monkeypatch):
    monkeypatch.setattr(arrival, "time", clock)
    pace, began = Pace(longest_s=5.0), clock.monotonic()
    due = [pace.wait(time_s, 0.04) - began for time_s in (None, None, 90.0, 90.04, None, 90.12)]
    assert due == pytest.approx([0, 0.04, 0.08, 0.12, 0.16, 0.2])
