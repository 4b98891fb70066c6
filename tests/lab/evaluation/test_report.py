"""The page of an evaluation."""

import html.parser
import re
import shutil

import numpy as np
import PIL.Image
import pytest

pytest.importorskip("sklearn")

from mien_lab.evaluation.intervals import Bootstrap
from mien_lab.evaluation.protocols import Request, evaluate_collection
from mien_lab.evaluation.report import render_report

FEW = Bootstrap(20)


class Page(html.parser.HTMLParser):
    """Which elements a page has, and whether each that is opened is closed."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.addresses = set(), [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.addresses += [value for name, value in attributes if name in ("src", "href")]
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_report_is_one_file_and_escapes_names(tmp_path):
    name = "<script>alert('x')</script>.png"
    (tmp_path / "manifest.csv").write_text(f'image,label\n"{name}",sad\nwall.png,sad\n')
    PIL.Image.fromarray(np.full((48, 48), 90, np.uint8)).save(tmp_path / "wall.png")
    text = render_report(evaluate_collection(Request(tmp_path, bootstrap=FEW)))
    page = Page(text)
    assert not page.open
    assert "script" not in page.tags
    assert page.addresses == ["#unread"]
    assert "&lt;script&gt;" in text
    assert "<p>1 case.</p>" in text
    assert "prefers-color-scheme: dark" in text
    assert not re.search(r"https?://|@import|url\(|NaN|nan\b", text)


def test_the_report_says_at_its_top_what_could_not_be_read(tmp_path, portrait_file):
    shutil.copyfile(portrait_file, tmp_path / "a.jpg")
    (tmp_path / "manifest.csv").write_text("image,label\na.jpg,happiness\n")
    assert "unread" not in render_report(evaluate_collection(Request(tmp_path, bootstrap=FEW)))
    (tmp_path / "manifest.csv").write_text("image,label\na.jpg,happiness\ngone.jpg,sad\n")
    text = render_report(evaluate_collection(Request(tmp_path, bootstrap=FEW)))
    link = text.index('<a href="#unread">1 picture could not be read</a>')
    assert link < text.index("1 case.") < text.index('<h2 id="unread">')
