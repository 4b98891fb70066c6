import io
import time
from dataclasses import replace

import numpy as np
from rich.console import Console

from mien.apps.cli.display import LiveView
from mien.core.labels import EMOTIONS, Emotion
from mien.core.media import Frame, Media, MediaKind
from mien.core.scores import Scores
from mien.core.types import FrameReading
from mien.pipeline.live import LiveReading


def test_the_view_shows_bars_sentiment_rate_and_drops(make_reading):
    view, console = LiveView(), Console(width=100, record=True, file=io.StringIO())
    console.print(view)
    reading = FrameReading(0, 0.0, tuple(make_reading(track_id=i) for i in range(1, 7)))
    media = Media("camera 0", MediaKind.CAMERA, 64, 48)
    frame = Frame(np.zeros((48, 64, 3), np.uint8))
    for _ in range(2):
        view.take(LiveReading(media, frame, reading, 0.02, 10, 3))
        time.sleep(0.01)
    view.say("camera 0 was lost")
    console.print(view)
    text = console.export_text()
    for part in ("waiting", "happiness", "90%", "positive", "frames per second", "3 dropped (30%)"):
        assert part in text
    assert "and 2 more faces" in text
    assert "was lost" in text


def test_the_view_writes_no_minus_before_nothing(make_reading):
    shares = {Emotion.NEUTRAL: 0.998, Emotion.SADNESS: 0.002}
    scores = Scores(tuple(shares.get(emotion, 0.0) for emotion in EMOTIONS))
    view, console = LiveView(), Console(width=100, record=True, file=io.StringIO())
    media = Media("camera 0", MediaKind.CAMERA, 64, 48)
    frame = Frame(np.zeros((48, 64, 3), np.uint8))
    reading = FrameReading(0, 0.0, (replace(make_reading(track_id=1), scores=scores),))
    view.take(LiveReading(media, frame, reading, 0.02, 10, 3))
    console.print(view)
    assert "neutral +0.00" in console.export_text()
