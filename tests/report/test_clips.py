# ruff: noqa: PT012 (that the whole block fails is what is tested)
import io
import os
import sys
from fractions import Fraction

import av
import numpy as np
import PIL.Image
import pytest

from mien.core.errors import OutputError, TruncatedError
from mien.core.media import Frame, Media, MediaKind
from mien.core.types import FrameReading
from mien.report.annotations import AnnotationFolder
from mien.report.clips import ClipWriter
from mien.vision.media import open_media

UNEVEN = [0, 0.1, 0.15, 0.4, 0.45, 1.2, 1.3]


def annotated(source, target, readings=(), every=1):
    with open_media(source, every=every) as stream, ClipWriter(target, stream.media) as clip:
        for frame in stream:
            clip.write(frame, FrameReading(frame.index, frame.time_s, tuple(readings)))


def sound_packets(path):
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]


def duration_s(path):
    with av.open(str(path)) as container:
        return container.duration / 1_000_000


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_sound_is_copied_from_a_file_whose_name_is_no_utf8(make_film, tmp_path):
    source = tmp_path / os.fsdecode(b"\xff.mp4")
    make_film(tmp_path / "a.mp4", sound="aac").rename(source)
    folder = AnnotationFolder(tmp_path / "out", [source])
    with open_media(source) as stream, folder.open(stream.media) as clip:
        for frame in stream:
            clip.write(frame, FrameReading(frame.index, frame.time_s, ()))
    (clip,) = (tmp_path / "out").iterdir()
    assert sound_packets(clip) == sound_packets(source)


def test_times_duration_and_picture_are_kept(make_film, make_reading, tmp_path):
    source = make_film(tmp_path / "a.mp4", UNEVEN, size=(320, 240))
    annotated(source, tmp_path / "b.mp4", [make_reading((180, 100, 60, 80))])
    with open_media(tmp_path / "b.mp4") as stream:
        frames = list(stream)
    assert [frame.time_s for frame in frames] == pytest.approx(UNEVEN, abs=1e-4)
    assert duration_s(tmp_path / "b.mp4") == pytest.approx(duration_s(source), abs=0.01)
    # Above the face nothing is drawn; at its box, the colour of happiness.
    assert frames[0].image[5, 5, 0] > 230
    assert frames[0].image[140, 180].astype(int).sum() > 300


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.mp4", "aac"), ("a.mkv", "libopus"), ("a.mov", "pcm_s16le"), ("a.ts", "aac")],
)
def test_sound_is_copied(make_film, tmp_path, name, codec):
    source = make_film(tmp_path / name, sound=codec)
    annotated(source, tmp_path / "b.mp4")
    original = sound_packets(source)
    copied = sound_packets(tmp_path / "b.mp4")
    if name == "a.ts":
        # A transport stream has a header before each packet that MP4 keeps elsewhere.
        assert len(copied) == len(original) > 10
    else:
        assert b"".join(copied) == b"".join(original)
    assert len(original) > 0
    assert duration_s(tmp_path / "b.mp4") == pytest.approx(duration_s(source), abs=0.15)


def test_sound_that_mp4_cannot_hold_is_encoded(make_film, tmp_path):
    source = make_film(tmp_path / "a.avi", sound="pcm_mulaw", codec="mpeg4", clock=Fraction(1, 10))
    annotated(source, tmp_path / "b.mp4")
    with av.open(str(tmp_path / "b.mp4")) as container:
        assert container.streams.audio[0].codec_context.name == "aac"
        samples = np.concatenate([f.to_ndarray()[0] for f in container.decode(audio=0)])
    assert len(samples) / 8000 == pytest.approx(2.0, abs=0.2)
    assert samples.std() > 0.1


@pytest.mark.parametrize(
    ("name", "codec", "layout"), [("a.mkv", "mp3", "mono"), ("a.avi", "pcm_s16le", "stereo")]
)
def test_sound_that_mp4_refuses_though_it_knows_it_is_encoded(
    make_film, tmp_path, name, codec, layout
):
    options = {"codec": "mpeg4", "clock": Fraction(1, 10)}
    source = make_film(tmp_path / name, sound=codec, layout=layout, **options)
    annotated(source, tmp_path / "b.mp4")
    with av.open(str(tmp_path / "b.mp4")) as container:
        (sound,) = container.streams.audio
        assert (sound.codec_context.name, sound.layout.name) == ("aac", layout)
        assert float(sound.duration * sound.time_base) == pytest.approx(2, abs=0.3)


def test_sound_that_no_decoder_knows_is_left_out(make_film, tmp_path):
    source = make_film(tmp_path / "a.mkv", sound="aac")
    source.write_bytes(source.read_bytes().replace(b"A_AAC", b"A_XYZ"))
    annotated(source, tmp_path / "b.mp4")
    with av.open(str(tmp_path / "b.mp4")) as container:
        assert [stream.type for stream in container.streams] == ["video"]
        assert container.streams.video[0].frames == 20


def test_damaged_sound_does_not_cost_the_clip(make_film, tmp_path):
    source = make_film(tmp_path / "a.ts", sound="aac")
    data = source.read_bytes()
    place = data.rindex(b"\xff\xf1")
    source.write_bytes(data[:place] + b"\0\0" + data[place + 2 :])
    annotated(source, tmp_path / "b.mp4")
    with av.open(str(tmp_path / "b.mp4")) as container:
        assert container.streams.video[0].frames == 20
        assert container.streams.audio[0].frames > 5


def test_a_still_is_not_shown_for_longer_than_mp4_can_hold(tmp_path):
    media = Media("none.mp4", MediaKind.VIDEO, 64, 48, duration_s=30_000)
    with ClipWriter(tmp_path / "b.mp4", media) as clip:
        clip.write(Frame(np.zeros((48, 64, 3), np.uint8)), FrameReading(0, 0.0, ()))
    assert duration_s(tmp_path / "b.mp4") == pytest.approx(23_860, abs=1)


def test_left_out_frames_lengthen_those_before(make_film, tmp_path):
    source = make_film(tmp_path / "a.mp4", sound="aac")
    annotated(source, tmp_path / "b.mp4", every=6)
    with open_media(tmp_path / "b.mp4") as stream:
        assert [frame.time_s for frame in stream] == pytest.approx([0, 0.6, 1.2, 1.8], abs=1e-3)
        assert stream.media.duration_s == pytest.approx(open_media(source).media.duration_s)


def test_the_last_picture_of_a_film_that_begins_late_ends_with_it(make_film, tmp_path):
    source = make_film(tmp_path / "a.mp4", [5, 5.1, 7])
    annotated(source, tmp_path / "b.mp4")
    assert duration_s(tmp_path / "b.mp4") == pytest.approx(duration_s(source), abs=0.01)


def test_rotated_films_come_out_upright(make_film, tmp_path):
    annotated(make_film(tmp_path / "a.mp4", rotation=-90), tmp_path / "b.mp4")
    with open_media(tmp_path / "b.mp4") as stream:
        assert (stream.media.width, stream.media.height) == (48, 64)
        # The red quarter moved from the top left to the top right.
        image = next(stream).image
    assert image[10, 40, 0] > 230
    assert image[10, 10, 0] < 30


def test_odd_sides_and_animations(tmp_path):
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


def test_a_stall_that_no_clip_can_hold_is_refused_with_what_to_do(make_film, tmp_path):
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


def test_without_x264_the_clip_is_mpeg4(make_film, tmp_path, monkeypatch):
    monkeypatch.setattr("av.codec.codecs_available", {"mpeg4"})
    source = make_film(tmp_path / "a.mp4", UNEVEN)
    annotated(source, tmp_path / "b.mp4")
    with av.open(str(tmp_path / "b.mp4")) as container:
        assert container.streams.video[0].codec_context.name == "mpeg4"
    with open_media(tmp_path / "b.mp4") as stream:
        assert [frame.time_s for frame in stream] == pytest.approx(UNEVEN, abs=1e-3)


def test_folder_of_annotations(make_film, make_reading, tmp_path):
    folder = AnnotationFolder(tmp_path / "out" / "deep")
    image = np.full((200, 300, 3), 90, np.uint8)
    sources = ["one/face.jpg", "two/face.jpeg", "three/face.png", "<array>"]
    for source in sources:
        with folder.open(Media(source, MediaKind.IMAGE, 300, 200)) as annotator:
            annotator.write(Frame(image), FrameReading(0, 0.0, (make_reading(),)))
    film = make_film(tmp_path / "film.mkv")
    with open_media(film) as stream, folder.open(stream.media) as annotator:
        for frame in stream:
            annotator.write(frame, FrameReading(frame.index, frame.time_s, ()))
    large = np.zeros((1, 70_000, 3), np.uint8)
    with folder.open(Media("large.tif", MediaKind.IMAGE, 70_000, 1)) as annotator:
        annotator.write(Frame(large), FrameReading(0, 0.0, ()))
    assert sorted(path.name for path in folder.folder.iterdir()) == [
        "array.annotated.jpg",
        "face-2.annotated.jpg",
        "face.annotated.jpg",
        "face.annotated.png",
        "film.annotated.mp4",
        "large.annotated.png",
    ]


@pytest.mark.parametrize("every", [1, 3])
def test_animations_stay_until_their_end(tmp_path, every):
    pictures = [PIL.Image.new("L", (32, 32), grey) for grey in (0, 100, 200)]
    path = tmp_path / "a.gif"
    # The last stays much longer than those before.
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=[40, 40, 2000])
    annotated(path, tmp_path / "b.mp4", every=every)
    assert duration_s(tmp_path / "b.mp4") == pytest.approx(2.08, abs=0.01)
