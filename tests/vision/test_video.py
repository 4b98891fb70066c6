import contextlib
import gc
import io
import os
import re
from fractions import Fraction

import av
import numpy as np
import pytest

from mien.core.errors import MediaError, TooLargeError, TruncatedError
from mien.core.media import Frame, MediaKind
from mien.vision import video
from mien.vision.media import open_media


def test_film_with_uneven_times(make_film, tmp_path):
    times = [0, 0.1, 0.15, 0.4, 0.45, 1.2, 1.21]
    path = make_film(tmp_path / "a.mp4", times)
    with open_media(path) as stream:
        assert stream.media.kind is MediaKind.VIDEO
        assert (stream.media.width, stream.media.height) == (64, 48)
        assert stream.media.frame_count == 7
        frames = list(stream)
    assert [frame.index for frame in frames] == list(range(7))
    assert [frame.time_s for frame in frames] == pytest.approx(times, abs=1e-4)
    assert [frame.image[40, 60, 2] for frame in frames] == pytest.approx(
        [8 * i for i in range(7)], abs=4
    )
    assert frames[0].image[5, 5, 0] > 230
    assert frames[0].image.dtype == np.uint8


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.flv", "a.asf"])
def test_the_length_of_a_film_counts_from_its_first_frame(make_film, tmp_path, name):
    times = [5 + i / 10 for i in range(20)]
    options = {"codec": "mpeg4", "clock": Fraction(1, 10)} if name == "a.asf" else {}
    with open_media(make_film(tmp_path / name, times, **options)) as stream:
        assert stream.media.start_s == 5
        assert stream.media.duration_s == pytest.approx(1.95, abs=0.06)


def test_film_from_bytes_and_every(make_film):
    data = make_film(io.BytesIO(), form="mp4").getvalue()
    frames = list(open_media(data, every=7))
    assert [frame.index for frame in frames] == [0, 7, 14]
    assert [frame.time_s for frame in frames] == pytest.approx([0, 0.7, 1.4])


@pytest.mark.parametrize("rotation", [0, 90, -90, 180])
def test_rotated_phone_film_stands_upright(make_film, tmp_path, rotation):
    path = make_film(tmp_path / "phone.mp4", rotation=rotation)
    expected = np.rot90(np.zeros((48, 64)), rotation // 90).shape
    with open_media(path) as stream:
        assert (stream.media.height, stream.media.width) == expected
        image = next(stream).image
    assert image.shape[:2] == expected
    # The red quarter, stored top left, turned counter-clockwise.
    red = np.zeros((48, 64))
    red[:24, :32] = 1
    assert np.array_equal(image[:, :, 0] > 125, np.rot90(red, rotation // 90) > 0)


def test_iteration_is_lazy(make_film, tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr("mien.vision.video.Frame", lambda *a: made.append(a) or Frame(*a))
    with open_media(make_film(tmp_path / "a.mp4")) as stream:
        next(stream)
        assert len(made) == 1


def test_large_films_are_refused(make_film, tmp_path):
    with pytest.raises(TooLargeError, match=r"\(max_pixels\); make it smaller"):
        open_media(make_film(tmp_path / "a.mp4"), max_pixels=64 * 48 - 1)


def test_films_that_grow_beyond_the_limit_are_refused_there(growing_film, collect):
    frames = []
    with (
        open_media(growing_film, max_pixels=5000) as stream,
        pytest.raises(TooLargeError, match="320x240"),
    ):
        collect(stream, frames)
    assert [frame.image.shape for frame in frames] == [(48, 64, 3)] * len(frames)
    assert frames


def test_frames_too_large_for_any_film_are_not_even_probed(make_film, tmp_path, monkeypatch):
    path = make_film(tmp_path / "a.nut", codec="ffv1")
    assert len(list(open_media(path))) == 20
    monkeypatch.setattr("mien.vision.containers.MAX_FRAME", 64 * 48 - 1)
    with pytest.raises(MediaError, match="no frame of a size that can be read"):
        open_media(path)


def test_films_keep_the_size_of_their_first_frame(make_film, tmp_path, growing_film):
    with open_media(growing_film) as stream:
        frames = list(stream)
    assert {frame.image.shape for frame in frames} == {(48, 64, 3)}
    assert frames[-1].image[5, 5, 0] > 230
    tall = make_film(tmp_path / "tall.h264", [0, 0.1, 0.2], size=(48, 64)).read_bytes()
    wide = make_film(tmp_path / "wide.h264", [n / 10 for n in range(400)]).read_bytes()
    with open_media(wide + tall) as stream:
        *_, last = stream
    # The red quarter of the tall frames, 36x48 pixels in the middle.
    assert last.image.shape == (48, 64, 3)
    assert last.image[:20, 16:30, 0].min() > 200
    assert last.image[:, :12].max() < 20 > last.image[:, 52:].max()


def test_avi_with_frames_out_of_order(make_film, tmp_path):
    """AVI has decoding times only."""
    times = [i / 10 for i in range(30)]
    path = make_film(
        tmp_path / "a.avi", times, clock=Fraction(1, 10), encoding={"bf": "3", "preset": "fast"}
    )
    frames = list(open_media(path))
    steps = np.diff([frame.time_s for frame in frames])
    assert len(frames) == 30
    assert steps == pytest.approx([0.1] * 29)


# Faults


def test_cut_film_delivers_the_readable_part_then_names_the_fault(
    make_film, tmp_path, collect, is_one_sentence
):
    times = [i / 10 for i in range(100)]
    cases = {
        "a.mp4": {"options": {"movflags": "faststart"}},
        "a.mkv": {},
        "a.avi": {"codec": "mpeg4", "clock": Fraction(1, 10)},
    }
    for name, options in cases.items():
        whole = make_film(tmp_path / name, times, **options)
        data = whole.read_bytes()
        half = tmp_path / f"half_{name}"
        half.write_bytes(data[: len(data) * 6 // 10])
        frames = []
        with open_media(half) as stream, pytest.raises(TruncatedError) as caught:
            collect(stream, frames)
        assert 20 < len(frames) < 90, name
        assert [frame.time_s for frame in frames] == pytest.approx(times[: len(frames)], abs=2e-3)
        assert str(half) in str(caught.value)
        assert is_one_sentence(caught.value)


def test_whole_films_raise_no_alarm(make_film, tmp_path):
    for name in ("a.mp4", "a.mkv", "a.ts"):
        path = make_film(tmp_path / name, sound="aac")
        assert len(list(open_media(path))) == 20, name


def test_how_far_a_film_was_read_is_told_in_its_own_times(make_film, tmp_path, collect):
    path = make_film(
        tmp_path / "a.ts", [i / 10 for i in range(60)], options={"output_ts_offset": "3600"}
    )
    data = bytearray(path.read_bytes())
    middle = len(data) // 188 // 2 * 188
    del data[middle : middle + 8 * 188]
    path.write_bytes(data)
    frames = []
    with open_media(path) as stream, pytest.raises(TruncatedError) as caught:
        collect(stream, frames)
    read_s = float(re.search(r"up to ([\d.]+) s", str(caught.value))[1])
    assert read_s == pytest.approx(frames[-1].time_s, abs=0.2)


def test_a_gap_in_a_broadcast_loses_one_frame(make_film, tmp_path, collect):
    path = make_film(tmp_path / "a.ts", [i / 10 for i in range(60)])
    data = bytearray(path.read_bytes())
    # The continuity counter of a packet of the video stream skips five.
    middle = next(
        start
        for start in range(len(data) // 188 // 2 * 188, len(data), 188)
        if int.from_bytes(data[start + 1 : start + 3], "big") & 0x1FFF == 0x100
    )
    data[middle + 3] = data[middle + 3] & 0xF0 | (data[middle + 3] + 5) & 0x0F
    path.write_bytes(data)
    frames = []
    with open_media(path) as stream, pytest.raises(TruncatedError, match="data are missing"):
        collect(stream, frames)
    assert len(frames) >= 58
    assert frames[-1].index == 59


def test_film_cut_within_its_first_frame(make_film, tmp_path, is_one_sentence):
    path = make_film(tmp_path / "a.mkv")
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"\x1f\x43\xb6\x75") + 40])
    with pytest.raises(TruncatedError, match=r"ends at 0\.00 s of") as caught:
        open_media(path)
    assert is_one_sentence(caught.value)


def test_damage_in_the_middle_does_not_lose_the_rest(make_film, tmp_path, collect):
    path = make_film(
        tmp_path / "a.mp4", [i / 10 for i in range(60)], options={"movflags": "faststart"}
    )
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 400] = os.urandom(400)
    path.write_bytes(data)
    frames = []
    with open_media(path) as stream, contextlib.suppress(TruncatedError):
        collect(stream, frames)
    assert frames[0].time_s == 0
    assert frames[-1].time_s == pytest.approx(5.9, abs=0.2)


@pytest.mark.parametrize("every", [1, 2])
def test_a_frame_that_is_lost_keeps_its_index(make_film, tmp_path, collect, every):
    times = [i / 10 for i in range(12)]
    path = make_film(tmp_path / "a.avi", times, codec="mpeg4", clock=Fraction(1, 10))
    with av.open(str(path)) as container:
        lost = [packet for packet in container.demux(video=0) if packet.size][5]
        start, size = lost.pos, lost.size
    data = bytearray(path.read_bytes())
    data[start : start + size] = bytes(size)
    path.write_bytes(data)
    frames = []
    with open_media(path, every=every) as stream, pytest.raises(TruncatedError):
        collect(stream, frames)
    assert [frame.index for frame in frames] == [i for i in range(0, 12, every) if i != 5]
    assert [frame.time_s for frame in frames] == pytest.approx([f.index / 10 for f in frames])


def test_the_clock_goes_on_where_recordings_were_joined(make_film, tmp_path, collect):
    parts = [make_film(tmp_path / f"{n}.ts", [i / 10 for i in range(20)]) for n in range(2)]
    path = tmp_path / "joined.ts"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    frames = []
    # The packet counters jump at the joint, which counts as damage.
    with open_media(path) as stream, pytest.raises(TruncatedError, match=r"up to 3\.[89]. s"):
        collect(stream, frames)
    assert len(frames) >= 39
    assert np.diff([frame.time_s for frame in frames]) == pytest.approx(0.1, abs=0.101)


@pytest.mark.parametrize(
    ("aspect", "rotation", "size"),
    [
        (Fraction(64, 45), 0, (91, 48)),
        (Fraction(8, 9), 0, (64, 54)),
        (Fraction(64, 45), 90, (48, 91)),
        (Fraction(9, 1), 0, (64, 48)),
    ],
)
def test_films_with_non_square_pixels_are_stretched(make_film, tmp_path, aspect, rotation, size):
    path = make_film(tmp_path / "a.mp4", [0, 0.1], aspect=aspect, rotation=rotation)
    with open_media(path) as stream:
        assert (stream.media.width, stream.media.height) == size
        assert [frame.image.shape for frame in stream] == [(*size[::-1], 3)] * 2


def test_the_limit_is_of_what_is_shown(make_film, tmp_path):
    path = make_film(tmp_path / "a.mp4", [0], aspect=Fraction(2))
    with open_media(path, max_pixels=5000) as stream, pytest.raises(TooLargeError, match="128x48"):
        next(stream)


# Memory


def test_decoded_pictures_are_let_go_at_once(make_film, tmp_path):
    """A reference cycle would keep them until garbage collection: gigabytes per minute."""
    path = make_film(tmp_path / "a.mp4", [i / 10 for i in range(30)])
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        for _ in open_media(path):
            pass
        gc.collect()
        kept = sum(isinstance(thing, av.VideoFrame) for thing in gc.garbage)
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert kept <= 2


def test_a_film_that_is_abandoned_lets_go_of_its_decoder(make_film, tmp_path):
    path = make_film(tmp_path / "a.mp4", times=[0, 1, 2])
    gc.collect()
    gc.disable()
    try:
        with open_media(path) as stream:
            next(stream)
        del stream
        assert not [one for one in gc.get_objects() if isinstance(one, video._Decoder)]
    finally:
        gc.enable()
