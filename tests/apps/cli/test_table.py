import io

import pytest
from rich.console import Console

from mien.apps.cli.table import TableWriter
from mien.core.labels import EMOTIONS, Emotion
from mien.core.media import Media, MediaKind
from mien.core.scores import Scores
from mien.core.types import FrameReading, Reading

FAST = ("--threads", 1)


def printed(kind, reading):
    out = io.StringIO()
    writer = TableWriter(Console(file=out, width=120))
    writer.begin(Media("a", kind, 64, 48))
    writer.write(FrameReading(0, 0.0, (reading,)))
    writer.end()
    writer.close()
    return out.getvalue()


def test_what_rounds_to_nothing_has_no_minus(make_reading):
    shares = {Emotion.NEUTRAL: 0.998, Emotion.SADNESS: 0.002}
    scores = Scores(tuple(shares.get(emotion, 0.0) for emotion in EMOTIONS))
    reading = Reading(make_reading((-0.3, -0.4, 30, 40)).face, scores, (Emotion.NEUTRAL,))
    assert -0.005 < reading.valence < 0
    for kind in (MediaKind.IMAGE, MediaKind.VIDEO):
        text = printed(kind, reading)
        assert "neutral +0.00" in text
        assert "-0" not in text


def test_a_film_of_one_frame(make_reading):
    assert "1 frame to 0.00 s" in printed(MediaKind.VIDEO, make_reading())


def test_sources_of_one_name_are_told_apart_and_named_once(make_reading):
    out = io.StringIO()
    writer = TableWriter(Console(file=out, width=120))
    for source in ("one/a.jpg", "two/a.jpg", "two/b.jpg"):
        writer.begin(Media(source, MediaKind.IMAGE, 64, 48))
        writer.write(FrameReading(0, 0.0, (make_reading(), make_reading())))
        writer.end()
    writer.close()
    firsts = [line.split()[0] for line in out.getvalue().splitlines()[1:]]
    assert firsts == ["one/a.jpg", "1", "two/a.jpg", "1", "b.jpg", "1"]


def test_table(mien, portrait_file, clip, tmp_path, empty_picture):
    nobody = empty_picture(tmp_path / "nobody.png")
    done = mien("analyze", portrait_file, nobody, clip, *FAST)
    assert (done.code, done.err) == (0, "")
    assert "expression appears" in done.out
    assert "no face found" in done.out
    assert "20 frames to 1.90 s" in done.out
    for emotion in ("happiness", "neutral", "surprise", "sadness"):
        if emotion in done.out:
            break
    else:
        pytest.fail(done.out)


def test_a_table_of_failures_alone_is_empty(mien, tmp_path):
    done = mien("analyze", tmp_path / "none.jpg", *FAST)
    assert (done.code, done.out) == (1, "")


def test_a_film_cut_off_in_the_table(mien, cut_clip):
    done = mien("analyze", cut_clip, *FAST)
    assert done.code == 1
    assert "broken off" in done.out
