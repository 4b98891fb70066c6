from fractions import Fraction

import av
import numpy as np
import pytest

from mien.vision.media import open_media


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.mp4", "aac"), ("a.mkv", "libopus"), ("a.mov", "pcm_s16le"), ("a.ts", "aac")],
)
def test_sound_is_copied(make_film, tmp_path, name, codec, annotated, sound_packets, duration_s):
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


def test_sound_that_mp4_cannot_hold_is_encoded(make_film, tmp_path, annotated):
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
    make_film, tmp_path, name, codec, layout, annotated
):
    options = {"codec": "mpeg4", "clock": Fraction(1, 10)}
    source = make_film(tmp_path / name, sound=codec, layout=layout, **options)
    annotated(source, tmp_path / "b.mp4")
    with av.open(str(tmp_path / "b.mp4")) as container:
        (sound,) = container.streams.audio
        assert (sound.codec_context.name, sound.layout.name) == ("aac", layout)
        assert float(sound.duration * sound.time_base) == pytest.approx(2, abs=0.3)


def test_sound_that_no_decoder_knows_is_left_out(make_film, tmp_path, annotated):
    source = make_film(tmp_path / "a.mkv", sound="aac")
    source.write_bytes(source.read_bytes().replace(b"A_AAC", b"A_XYZ"))
    annotated(source, tmp_path / "b.mp4")
    with av.open(str(tmp_path / "b.mp4")) as container:
        assert [stream.type for stream in container.streams] == ["video"]
        assert container.streams.video[0].frames == 20


def test_sound_goes_on_where_recordings_were_joined(make_film, tmp_path, annotated, sound_packets):
    parts = [make_film(tmp_path / f"{n}.ts", sound="aac") for n in range(2)]
    source = tmp_path / "joined.ts"
    source.write_bytes(b"".join(part.read_bytes() for part in parts))
    # The jump of the packet counters at the joint looks like damage.
    annotated(source, tmp_path / "b.mp4", broken=True)
    with av.open(str(tmp_path / "b.mp4")) as container:
        last = max(
            packet.pts * packet.time_base for packet in container.demux(audio=0) if packet.size
        )
    assert float(last) == pytest.approx(4, abs=0.3)
    assert len(sound_packets(tmp_path / "b.mp4")) == sum(len(sound_packets(part)) for part in parts)
    with open_media(tmp_path / "b.mp4") as stream:
        assert list(stream)[-1].time_s == pytest.approx(3.9, abs=0.2)


def test_damaged_sound_does_not_cost_the_clip(make_film, tmp_path, annotated):
    source = make_film(tmp_path / "a.ts", sound="aac")
    data = source.read_bytes()
    place = data.rindex(b"\xff\xf1")
    source.write_bytes(data[:place] + b"\0\0" + data[place + 2 :])
    annotated(source, tmp_path / "b.mp4")
    with av.open(str(tmp_path / "b.mp4")) as container:
        assert container.streams.video[0].frames == 20
        assert container.streams.audio[0].frames > 5


@pytest.mark.parametrize(("rate", "kept"), [(8000, True), (100, False)])
def test_sound_far_beyond_the_frames_is_left_out(
    tmp_path, annotated, duration_s, monkeypatch, rate, kept
):
    """A short file may hold days of sound, as of 100 samples per second."""
    monkeypatch.setattr("mien.report.clips._TAIL_S", 1.0)
    source = tmp_path / "a.avi"
    with av.open(str(source), "w") as output:
        video = output.add_stream("mjpeg", rate=25)
        video.width, video.height, video.pix_fmt = 64, 48, "yuvj420p"
        sound = output.add_stream("pcm_u8", rate=rate)
        sound.layout = "mono"
        for _ in range(10):
            frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")
            output.mux(video.encode(frame))
        output.mux(video.encode(None))
        for start in range(0, 60 * rate, rate):
            samples = np.full((1, rate), 128, np.uint8)
            frame = av.AudioFrame.from_ndarray(samples, format="u8", layout="mono")
            frame.rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
            output.mux(sound.encode(frame))
    annotated(source, tmp_path / "b.mp4")
    assert duration_s(tmp_path / "b.mp4") < 3
    with av.open(str(tmp_path / "b.mp4")) as container:
        assert bool(container.streams.audio) is kept
