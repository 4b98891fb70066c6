# ruff: noqa: PT012 (that the whole block fails is what is tested)
import io

import av
import numpy as np
import PIL.Image
import pytest

from mien.core.errors import OutputError, TruncatedError
from mien.core.media import Frame, Media, MediaKind
from mien.core.types import FrameReading
from mien.report.clips import ClipWriter
from mien.vision.media import open_media

UNEVEN = [0, 0.1, 0.15, 0.4, 0.45, 1.2, 1.3]


def test_times_duration_and_picture_are_kept(
    make_film, make_reading, tmp_path, annotated, duration_s
):
    source = make_film(tmp_path / "a.mp4", UNEVEN, size=(320, 240))
    annotated(source, tmp_path / "b.mp4", [make_reading((180, 100, 60, 80))])
    with open_media(tmp_path / "b.mp4") as stream:
        frames = list(stream)
    assert [frame.time_s for frame in frames] == pytest.approx(UNEVEN, abs=1e-4)
    assert duration_s(tmp_path / "b.mp4") == pytest.approx(duration_s(source), abs=0.01)
    # Above the face nothing is drawn; at its box, the colour of happiness.
    assert frames[0].image[5, 5, 0] > 230
    assert frames[0].image[140, 180].astype(int).sum() > 300


def test_a_still_is_not_shown_for_longer_than_mp4_can_hold(tmp_path, duration_s):
    media = Media("none.mp4", MediaKind.VIDEO, 64, 48, duration_s=30_000)
    with ClipWriter(tmp_path / "b.mp4", media) as clip:
        clip.write(Frame(np.zeros((48, 64, 3), np.uint8)), FrameReading(0, 0.0, ()))
    assert duration_s(tmp_path / "b.mp4") == pytest.approx(23_860, abs=1)


def test_left_out_frames_lengthen_those_before(make_film, tmp_path, annotated):
    source = make_film(tmp_path / "a.mp4", sound="aac")
    annotated(source, tmp_path / "b.mp4", every=6)
    with open_media(tmp_path / "b.mp4") as stream:
        assert [frame.time_s for frame in stream] == pytest.approx([0, 0.6, 1.2, 1.8], abs=1e-3)
        assert stream.media.duration_s == pytest.approx(open_media(source).media.duration_s)


def test_the_last_picture_of_a_film_that_begins_late_ends_with_it(
    make_film, tmp_path, annotated, duration_s
):
    source = make_film(tmp_path / "a.mp4", [5, 5.1, 7])
    annotated(source, tmp_path / "b.mp4")
    assert duration_s(tmp_path / "b.mp4") == pytest.approx(duration_s(source), abs=0.01)


def test_rotated_films_come_out_upright(make_film, tmp_path, annotated):
    annotated(make_film(tmp_path / "a.mp4", rotation=-90), tmp_path / "b.mp4")
    with open_media(tmp_path / "b.mp4") as stream:
        assert (stream.media.width, stream.media.height) == (48, 64)
        # The red quarter moved from the top left to the top right.
        image = next(stream).image
    assert image[10, 40, 0] > 230
    assert image[10, 10, 0] < 30


def test_odd_sides_and_animations(tmp_path, annotated):
    stream = io.BytesIO()
    pictures = [PIL.Image.new("RGB", (33, 21), (60 * i, 0, 0)) for i in range(3)]
    pictures[0].save(
        stream, "GIF", save_all=True, append_images=pictures[1:], duration=[100, 300, 200]
    )
    annotated(stream.getvalue(), tmp_path / "b.mp4")
    with open_media(tmp_path / "b.mp4") as clip:
        assert (clip.media.width, clip.media.height) == (34, 22)
        assert [frame.time_s for frame in clip] == pytest.approx([0, 0.1, 0.4], abs=1e-3)


def test_changing_sizes_and_repeated_times(tmp_path):
    media = Media("camera", MediaKind.CAMERA, 64, 48)
    with ClipWriter(tmp_path / "b.mp4", media) as clip:
        for time_s, shape in [(0, (48, 64)), (0, (48, 64)), (0.1, (96, 128))]:
            image = np.full((*shape, 3), 99, np.uint8)
            clip.write(Frame(image, 0, time_s), FrameReading(0, time_s, ()))
    frames = list(open_media(tmp_path / "b.mp4"))
    assert [frame.image.shape for frame in frames] == [(48, 64, 3)] * 3


def test_readable_part_of_a_cut_film_is_kept(make_film, tmp_path):
    source = make_film(
        tmp_path / "a.mp4",
        [i / 10 for i in range(100)],
        sound="aac",
        options={"movflags": "faststart"},
    )
    source.write_bytes(source.read_bytes()[: source.stat().st_size * 6 // 10])
    count = 0
    with (
        open_media(source) as stream,
        ClipWriter(tmp_path / "b.mp4", stream.media) as clip,
        pytest.raises(TruncatedError),
    ):
        for frame in stream:
            clip.write(frame, FrameReading(frame.index, frame.time_s, ()))
            count += 1
    assert count > 10
    with av.open(str(tmp_path / "b.mp4")) as clip:
        assert sum(1 for _ in clip.decode(video=0)) == count


def test_failure_leaves_no_file(make_film, tmp_path):
    source = make_film(tmp_path / "a.mp4")
    with (
        pytest.raises(ZeroDivisionError),
        open_media(source) as stream,
        ClipWriter(tmp_path / "b.mp4", stream.media) as clip,
    ):
        for frame in stream:
            clip.write(frame, FrameReading(0, frame.time_s, ()))
        raise ZeroDivisionError
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


def test_sides_that_no_clip_can_have_are_refused_with_what_to_do(tmp_path):
    media = Media("a.png", MediaKind.ANIMATION, 17_000, 16)
    with (
        pytest.raises(OutputError, match="a side has more than 16384 pixels; make it smaller"),
        ClipWriter(tmp_path / "b.mp4", media) as clip,
    ):
        clip.write(Frame(np.zeros((16, 17_000, 3), np.uint8)), FrameReading(0, 0.0, ()))
    assert list(tmp_path.iterdir()) == []


def test_a_stall_that_no_clip_can_hold_is_refused_with_what_to_do(make_film, tmp_path, annotated):
    source = make_film(tmp_path / "a.mkv", [0, 0.1, 25_000])
    with pytest.raises(OutputError, match=r"hours after 0\.10 s.*; cut the film there"):
        annotated(source, tmp_path / "b.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["a.mkv"]


def test_no_frames_no_file(tmp_path):
    with ClipWriter(tmp_path / "b.mp4", Media("x", MediaKind.VIDEO, 4, 4)):
        pass
    assert list(tmp_path.iterdir()) == []


def test_full_disk_leaves_no_half_clip(tmp_path, small_disk):
    media = Media("camera", MediaKind.CAMERA, 320, 240)
    noise = np.random.default_rng(0)
    with (
        pytest.raises(OutputError, match="cannot be written"),
        small_disk(30_000),
        ClipWriter(tmp_path / "b.mp4", media) as clip,
    ):
        for index in range(60):
            image = noise.integers(0, 255, (240, 320, 3), dtype=np.uint8)
            clip.write(Frame(image, index, index / 25), FrameReading(index, index / 25, ()))
    assert list(tmp_path.iterdir()) == []


def test_missing_folder_is_said(tmp_path):
    media = Media("camera", MediaKind.CAMERA, 64, 48)
    image = np.zeros((48, 64, 3), np.uint8)
    with (
        pytest.raises(OutputError, match="folder does not exist"),
        ClipWriter(tmp_path / "none" / "b.mp4", media) as clip,
    ):
        clip.write(Frame(image), FrameReading(0, 0, ()))


def test_without_x264_the_clip_is_mpeg4(make_film, tmp_path, monkeypatch, annotated):
    monkeypatch.setattr("av.codec.codecs_available", {"mpeg4"})
    source = make_film(tmp_path / "a.mp4", UNEVEN)
    annotated(source, tmp_path / "b.mp4")
    with av.open(str(tmp_path / "b.mp4")) as container:
        assert container.streams.video[0].codec_context.name == "mpeg4"
    with open_media(tmp_path / "b.mp4") as stream:
        assert [frame.time_s for frame in stream] == pytest.approx(UNEVEN, abs=1e-3)


@pytest.mark.parametrize("every", [1, 3])
def test_animations_stay_until_their_end(tmp_path, every, annotated, duration_s):
    pictures = [PIL.Image.new("L", (32, 32), grey) for grey in (0, 100, 200)]
    path = tmp_path / "a.gif"
    # The last stays much longer than those before.
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=[40, 40, 2000])
    annotated(path, tmp_path / "b.mp4", every=every)
    assert duration_s(tmp_path / "b.mp4") == pytest.approx(2.08, abs=0.01)
