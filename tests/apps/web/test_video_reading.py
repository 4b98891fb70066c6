import json
from contextlib import ExitStack

import pytest

from mien.apps.web.video_reading import VideoReader
from mien.core.errors import TooLargeError
from mien.vision.media import open_media


@pytest.fixture
def opened(analyzer, make_film, tmp_path):
    """Readers of a film of eight frames."""
    with ExitStack() as stack:

        def read(name, every=1):
            path = make_film(tmp_path / name, times=[100 + i / 10 for i in range(8)])
            with open_media(path, name=name) as stream:
                media = stream.media
            reader = VideoReader(analyzer, path, media, tmp_path, 10, every, annotate=False)
            stack.callback(reader.close)
            return reader

        yield read


@pytest.fixture
def shares(opened):
    """The share of a film that is read, before each step and at the end."""

    def read(name, every):
        reader = opened(name, every)
        found = [reader.share]
        while reader.step():
            found.append(reader.share)
        return reader.frame_count, found

    return read


def test_progress_is_of_frames_where_they_are_counted(shares):
    assert shares("clip.mp4", 2) == (4, [0, *(n / 4 for n in (1, 1, 2, 2, 3, 3, 4, 4))])


def test_progress_is_of_seconds_where_only_the_length_is_known(shares):
    count, found = shares("clip.mkv", 2)
    assert count is None
    assert found == pytest.approx([0, *(n / 8 for n in range(8))], abs=0.08)


def test_progress_ends_at_one_where_a_film_goes_on_beyond_its_length(shares, monkeypatch):
    monkeypatch.setattr("mien.vision.video._Decoder.duration_s", lambda *_: 0.3)
    assert shares("clip.mkv", 1)[1][-4:] == [1, 1, 1, 1]


def test_what_was_read_before_memory_ran_out_is_kept(opened, monkeypatch):
    reader = opened("clip.mp4")
    assert reader.step()
    assert reader.step()
    monkeypatch.setattr(reader._reader, "read", exhausted)
    assert not reader.step()
    results = reader.finish()
    assert reader.frames_read == 2
    assert reader.warning == "clip.mp4 needs more memory than there is; make it smaller"
    [item] = json.loads(results["json"].read_text())["items"]
    assert len(item["frames"]) == 2


def test_frames_are_limited_with_the_length(opened, monkeypatch):
    """A film of 90,000 frames per second would take days within an hour of its own time."""
    reader = opened("clip.mp4")
    monkeypatch.setattr("mien.apps.web.video_reading.SHORTEST_STEP_S", 3.0)
    while reader.step():
        pass
    assert reader.frames_read == 4
    assert "takes more than 10 seconds" in reader.warning


def test_a_film_whose_first_frame_needs_too_much_memory_is_named(opened, monkeypatch):
    reader = opened("clip.mp4")
    monkeypatch.setattr(reader._reader, "read", exhausted)
    with pytest.raises(TooLargeError, match=r"^clip.mp4 needs more memory"):
        reader.step()


def exhausted(_):
    raise MemoryError
