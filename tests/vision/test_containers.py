import io
from fractions import Fraction
from types import SimpleNamespace

import av
import numpy as np
import pytest
from av.stream import Disposition

from mien.core.errors import MediaError, TruncatedError
from mien.core.media import MediaKind
from mien.vision.containers import video_stream
from mien.vision.media import open_media


@pytest.mark.parametrize("name", ["a.mkv", "a.mov", "a.ts", "a.avi", "no_extension", "wrong.jpg"])
def test_containers(make_film, tmp_path, name):
    options = {
        "no_extension": {"form": "mp4"},
        "wrong.jpg": {"form": "matroska"},
        "a.avi": {"codec": "mpeg4", "clock": Fraction(1, 10)},
    }
    times = [i / 10 for i in range(12)]
    path = make_film(tmp_path / name, times, **options.get(name, {}))
    with open_media(path) as stream:
        assert [frame.time_s for frame in stream] == pytest.approx(times, abs=2e-3)


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.txt", "a"])
def test_films_are_read_whatever_their_name(make_film, tmp_path, name):
    film = make_film(tmp_path / "a.mpg").rename(tmp_path / name)
    with open_media(film) as stream:
        assert stream.media.kind is MediaKind.VIDEO
        assert len(list(stream)) > 1


def test_film_cut_before_its_index(make_film, tmp_path):
    path = make_film(tmp_path / "a.mp4")
    path.write_bytes(path.read_bytes()[:600])
    with pytest.raises(TruncatedError, match="index"):
        open_media(path)


def test_a_film_that_no_decoder_knows_is_refused_with_what_to_do(
    make_film, tmp_path, is_one_sentence
):
    path = make_film(tmp_path / "a.avi", codec="mpeg4", clock=Fraction(1, 10))
    path.write_bytes(path.read_bytes().replace(b"FMP4", b"ZZZZ"))
    with pytest.raises(MediaError, match="cannot be decoded; convert it to MP4") as caught:
        open_media(path)
    assert is_one_sentence(caught.value)


def test_sound_alone_is_no_film(tmp_path):
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.int16), "s16", "mono")
        frame.sample_rate = 8000
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    with pytest.raises(MediaError, match="no video stream"):
        open_media(path)


class Streams(list):
    """Streams of a container, all of them video."""

    @property
    def video(self):
        return self


def chosen(*streams):
    return video_stream(SimpleNamespace(streams=Streams(streams)), io.BytesIO(b"film"), "a.mp4")


def test_a_cover_is_not_the_film():
    cover = SimpleNamespace(disposition=Disposition.attached_pic, codec_context=object())
    film = SimpleNamespace(disposition=Disposition.default, codec_context=object())
    assert chosen(cover, film) is film
    with pytest.raises(MediaError, match=r"a\.mp4 has no video stream"):
        chosen(cover)


def test_of_several_streams_the_first_that_can_be_decoded_is_the_film():
    unknown, film, other = (
        SimpleNamespace(disposition=Disposition.default, codec_context=context)
        for context in (None, object(), object())
    )
    assert chosen(unknown, film, other) is film
    with pytest.raises(MediaError, match="in a form that cannot be decoded"):
        chosen(unknown)


def test_a_container_without_streams_is_no_film():
    with pytest.raises(MediaError, match="neither a picture nor a film"):
        chosen()
