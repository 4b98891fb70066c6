import pytest

from mien.apps.web.video_reading import VideoReader
from mien.vision.media import open_media


@pytest.fixture
def shares(analyzer, make_film, tmp_path):
    """The share of a film that is read, before each step and at the end."""

    def read(name, every):
        path = make_film(tmp_path / name, times=[100 + i / 10 for i in range(8)])
        with open_media(path) as stream:
            media = stream.media
        reader = VideoReader(analyzer, path, media, tmp_path, 10, every, annotate=False)
        found = [reader.share]
        while reader.step():
            found.append(reader.share)
        reader.close()
        return media.frame_count, found

    return read


def test_progress_is_of_frames_where_they_are_counted(shares):
    assert shares("clip.mp4", 2) == (8, [0, *(n / 4 for n in (1, 1, 2, 2, 3, 3, 4, 4))])


def test_progress_is_of_seconds_where_only_the_length_is_known(shares):
    count, found = shares("clip.mkv", 2)
    assert count is None
    assert found == pytest.approx([0, *(n / 8 for n in range(8))], abs=0.08)


def test_progress_ends_at_one_where_a_film_goes_on_beyond_its_length(shares, monkeypatch):
    monkeypatch.setattr("mien.vision.video._Decoder.duration_s", lambda *_: 0.3)
    assert shares("clip.mkv", 1)[1][-4:] == [1, 1, 1, 1]
