import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from mien.core.errors import InputError, MediaError, OutputError, TruncatedError
from mien.core.labels import EMOTIONS, Emotion
from mien.core.media import Media, MediaKind
from mien.core.types import Doubt, FrameReading
from mien.report.html import HtmlWriter, check_html, open_html, page_policy
from mien.report.sections import MOST_FACES

MODEL = {"expression": {"version": "2", "precision": "int8", "sha256": "ab" * 32}}
FILM = Media("films/a <b> & c.mp4", MediaKind.VIDEO, 640, 480)
PHOTO = Media("photos/one.jpg", MediaKind.IMAGE, 64, 48)
VOID = {"meta", "br", "link"}


class Reader(HTMLParser):
    """Checks that elements close in order, and collects texts, tags and attributes."""

    def __init__(self, page):
        super().__init__()
        self.open, self.tags, self.attributes, self.texts = [], [], [], []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.texts).replace("\u00a0", " ").split())


def filmed(make_reading, faces=1, frames=20, media=FILM, error=None):
    writer = HtmlWriter(MODEL)
    writer.begin(media)
    for index in range(frames):
        readings = [make_reading(track_id=n + 1) for n in range(faces) if index >= n]
        writer.write(FrameReading(index, media.start_s + index / 10, tuple(readings)))
    writer.end(error)
    return writer


def test_a_film(make_reading):
    page = Reader(filmed(make_reading).page())
    assert "a <b> & c.mp4" in page.text
    for words in ("640 × 480", "Frames read 20", "happiness 100 % 0 %", "Face 1", "limits"):
        assert words in page.text
    assert "1 happiness 0:00.00 0:00.00 0:01.90 1.90 s 90 %" in page.text
    assert "expression 2 int8 abababababab" in page.text
    assert set(EMOTIONS) <= {value for key, value in page.attributes if key == "class"}


def test_it_needs_nothing_and_runs_nothing(make_reading):
    page = filmed(make_reading).page()
    read = Reader(page)
    assert not {"script", "img", "iframe", "link", "image"} & set(read.tags)
    names = {name for name, _ in read.attributes}
    assert not {name for name in names if name.startswith("on")} | {"src", "style"} & names
    assert "http" not in page.replace("http-equiv", "")
    assert [value for name, value in read.attributes if name == "href"] == ["#limits"]


def test_the_policy_allows_its_style_alone(make_reading):
    page = filmed(make_reading).page()
    style = re.search("<style>(.*)</style>", page, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in page_policy()
    assert f'content="{page_policy()}"' in page


def test_photographs(make_reading):
    writer = HtmlWriter(MODEL)
    for name, readings in (
        ("a.jpg", (make_reading(), make_reading(top=Emotion.FEAR, doubt=Doubt.SMALL))),
        ("b.jpg", ()),
    ):
        writer.begin(Media(name, MediaKind.IMAGE, 64, 48))
        writer.write(FrameReading(0, 0.0, readings))
        writer.end()
    text = Reader(writer.page()).text
    assert "2 photographs" in text
    assert "a.jpg 0 happiness 90 % positive 1 fear 90 % negative uncertain: small" in text
    assert "b.jpg no face found" in text
    assert "fear 50 % 50 %" in text


def test_files_of_one_name_are_told_apart(make_reading):
    writer = filmed(make_reading, media=Media("one/a.mp4", MediaKind.VIDEO, 64, 48))
    for name in ("one/a.jpg", "two/a.jpg", "two/b.jpg"):
        writer.begin(Media(name, MediaKind.IMAGE, 64, 48))
        writer.write(FrameReading(0, 0.0, ()))
        writer.end()
    writer.fail("two/a.mp4", MediaError("two/a.mp4 is no film"))
    page = writer.page()
    assert "<h2>one/a.mp4</h2>" in page
    for name in ("one/a.jpg", "two/a.jpg", "b.jpg", "two/a.mp4"):
        assert f"class='name'>{name}</th>" in page


def test_photographs_and_films_and_what_failed(make_reading):
    writer = filmed(make_reading, error=TruncatedError("it broke <off>"))
    writer.begin(PHOTO)
    writer.write(FrameReading(0, 0.0, ()))
    writer.end()
    writer.fail("bad.jpg", MediaError("bad.jpg is no picture"))
    page = writer.page()
    text = Reader(page).text
    assert "1 photograph and 1 film" in text
    assert "<h2>Photographs</h2>" in page
    assert "it broke <off>" in text
    assert "bad.jpg is no picture" in text


def test_nothing_at_all():
    assert "Nothing was read" in Reader(HtmlWriter(MODEL).page()).text


def test_a_film_without_a_face(make_reading):
    assert "No face was found" in Reader(filmed(make_reading, faces=0).page()).text


def test_a_crowd_is_summed_and_a_long_film_is_no_longer_page(make_reading):
    crowd = filmed(make_reading, faces=MOST_FACES + 3, frames=30)
    assert "3 faces more" in Reader(crowd.page()).text
    short, long = (len(filmed(make_reading, frames=n).page()) for n in (400, 4000))
    assert long < 2 * short


def test_charts_have_a_gap_where_a_face_was_out_of_sight_wherever_the_clock_begins(make_reading):
    areas = {}
    for start_s in (0, 60):
        writer = HtmlWriter(MODEL)
        writer.begin(FILM)
        for index in range(40):
            seen = not 15 <= index < 25
            readings = (make_reading(track_id=1),) if seen else ()
            writer.write(FrameReading(index, start_s + index / 10, readings))
        writer.end()
        areas[start_s] = writer.page().count('<path class="neutral"')
    assert areas == {0: 2, 60: 2}


def test_it_appears_whole_or_not_at_all(make_reading, tmp_path):
    target = tmp_path / "report.html"
    with open_html(target, MODEL) as writer:
        writer.begin(PHOTO)
        writer.write(FrameReading(0, 0.0, (make_reading(),)))
        writer.end()
        assert not target.exists()
    assert target.read_text(encoding="utf-8").startswith("<!doctype html>")
    with pytest.raises(ZeroDivisionError), open_html(target, MODEL):
        raise ZeroDivisionError
    assert "one.jpg" in target.read_text(encoding="utf-8")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_a_full_disk(tmp_path, small_disk):
    with (
        pytest.raises(OutputError, match=r"report\.html cannot be written"),
        small_disk(1000),
        open_html(tmp_path / "report.html", MODEL),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_other_names_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"must end in one of: \.html"):
        check_html(tmp_path / "report.pdf")


def test_a_film_that_begins_late_has_its_own_length_and_axis(make_reading):
    page = filmed(make_reading, media=replace(FILM, start_s=36_000)).page()
    assert "Length 0:02.0" in Reader(page).text
    assert "in view 10:00:00.0 to 10:00:02.0" in Reader(page).text
    assert [float(x) for x in re.findall(r'd="M([\d.]+) ', page)] == pytest.approx([0] * 11)
    assert "10:00:01.0" in Reader(page).texts
