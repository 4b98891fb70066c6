import importlib
import itertools
import threading
import time
from pathlib import Path

import pytest

from mien.pipeline.analyzer import Analyzer
from mien.vision.stream import MediaStream


@pytest.fixture
def decoded(monkeypatch):
    """Set once the first frame of b.png was decoded."""
    happened = threading.Event()
    decode = MediaStream.decode_first

    def decode_first(stream):
        decode(stream)
        if stream.media.source.endswith("b.png"):
            happened.set()

    monkeypatch.setattr(MediaStream, "decode_first", decode_first)
    return happened


def test_the_next_source_is_decoded_while_one_is_read(
    mien, tmp_path, monkeypatch, decoded, empty_picture
):
    paths = [empty_picture(tmp_path / name) for name in ("a.png", "b.png", "c.png")]
    read = Analyzer.read_stream

    def read_stream(self, stream):
        assert decoded.wait(30)
        return read(self, stream)

    monkeypatch.setattr(Analyzer, "read_stream", read_stream)
    done = mien("analyze", *paths, "--format", "csv", "--threads", 2)
    assert (done.code, done.err) == (0, "")


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("place", ["mien.apps.cli.opening.open_media", "mien.vision.images.to_rgb"])
@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError, "needs more memory than there is; make it smaller"),
        (ZeroDivisionError, "cannot be read (ZeroDivisionError); please report this"),
    ],
)
def test_an_error_ends_one_source_alone(
    mien, tmp_path, monkeypatch, empty_picture, threads, place, error, words
):
    paths = [empty_picture(tmp_path / name) for name in ("a.png", "b.png", "c.png")]
    module, name = place.rsplit(".", 1)
    before = getattr(importlib.import_module(module), name)
    calls = itertools.count()

    def scarce(*args, **named):
        if next(calls) == 1:
            raise error
        return before(*args, **named)

    monkeypatch.setattr(place, scarce)
    done = mien("analyze", *paths, "--format", "csv", "--threads", threads)
    assert done.code == 1
    (line,) = done.err.splitlines()
    assert line == f"mien: {paths[1]} {words}"


def test_what_was_opened_ahead_is_closed(mien, tmp_path, monkeypatch, decoded, empty_picture):
    paths = [empty_picture(tmp_path / name) for name in ("a.png", "b.png", "c.png")]
    closed = set()
    close = MediaStream.close
    monkeypatch.setattr(
        MediaStream, "close", lambda self: (closed.add(Path(self.media.source).name), close(self))
    )

    def read_stream(self, stream):
        assert decoded.wait(30)
        raise KeyboardInterrupt

    monkeypatch.setattr(Analyzer, "read_stream", read_stream)
    assert mien("analyze", *paths, "--threads", 2).code != 0
    assert closed == {"a.png", "b.png"}


def test_a_source_that_stalls_does_not_hold_up_an_interruption(
    mien, tmp_path, monkeypatch, empty_picture
):
    def read_stream(self, stream):
        raise KeyboardInterrupt

    def decode_first(stream):
        if stream.media.source.endswith("b.png"):
            gate.wait(60)

    gate = threading.Event()
    monkeypatch.setattr("mien.apps.cli.opening.PATIENCE_S", 0.1)
    monkeypatch.setattr(MediaStream, "decode_first", decode_first)
    monkeypatch.setattr(Analyzer, "read_stream", read_stream)
    begun = time.monotonic()
    try:
        done = mien("analyze", *map(empty_picture, (tmp_path / "a.png", tmp_path / "b.png")))
    finally:
        gate.set()
    assert done.code != 0
    assert time.monotonic() - begun < 30
