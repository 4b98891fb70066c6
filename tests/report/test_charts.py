import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from mien.core.labels import EMOTIONS, Emotion
from mien.report.charts import clock, expression_chart, percent, sentiment_chart, share_bar
from mien.report.summaries import Share, VisibleSpan


def span(times, probabilities, valence=0.0, end_s=0.0):
    shares = np.broadcast_to(np.asarray(probabilities, float), (len(times), 8))
    end_s = end_s or times[-1] + 0.5
    return VisibleSpan(np.asarray(times, float), end_s, shares, np.full(len(times), valence))


def numbers(path):
    values = [float(value) for value in re.findall(r"-?\d+\.\d", path)]
    return np.array(values).reshape(-1, 2)


def paths(svg):
    return {path.get("class"): numbers(path.get("d")) for path in ET.fromstring(svg).iter("path")}


def test_expressions_fill_the_height_in_their_order():
    shares = np.arange(1, 9) / 36
    found = paths(expression_chart([span([0.5, 1.5], shares)], 1.0, 0.0, 2.0, "a <b>"))
    assert list(found) == [emotion.value for emotion in EMOTIONS]
    heights = {name: np.ptp(points[:, 1]) for name, points in found.items()}
    assert heights == pytest.approx(dict(zip(EMOTIONS, 100 * shares, strict=True)), abs=0.11)
    assert found["neutral"][:, 1].max() == 100
    assert found["contempt"][:, 1].min() == 0
    assert (found["neutral"][:, 0].min(), found["neutral"][:, 0].max()) == (0, 1000)


def test_a_face_that_was_away_leaves_a_gap():
    even = np.full(8, 1 / 8)
    svg = expression_chart([span([0.5], even), span([8.5], even)], 1.0, 0.0, 10.0, "faces")
    spans = [numbers(path.get("d"))[:, 0] for path in ET.fromstring(svg).iter("path")][::8]
    assert [(span.min(), span.max()) for span in spans] == [(0, 100), (800, 900)]


def test_the_last_reading_counts_to_its_end():
    even = np.full(8, 1 / 8)
    found = paths(expression_chart([span([0.5], even, end_s=7.0)], 1.0, 0.0, 10.0, "faces"))
    assert found["neutral"][:, 0].max() == 700


@pytest.mark.parametrize(("valence", "level"), [(0.8, 10), (0, 50), (-0.5, 75)])
def test_sentiment_lies_above_or_below_the_middle(valence, level):
    even = np.full(8, 1 / 8)
    found = paths(sentiment_chart([span([0.5, 1.5], even, valence)], 1.0, 0.0, 2.0, "sentiment"))
    assert found["line"][:, 1] == pytest.approx(level)
    tinted = {name: np.ptp(points[:, 1]) for name, points in found.items() if "tint" in name}
    assert tinted == pytest.approx(
        {"positive tint": max(50 - level, 0), "negative tint": max(level - 50, 0)}
    )


@pytest.mark.parametrize("end_s", [0.04, 4, 61, 7200, 1e9])
def test_times_are_few_and_told_apart(end_s):
    svg = ET.fromstring(sentiment_chart([], 1.0, 0.0, end_s, "sentiment"))
    texts = [text.text for text in svg.iter("text")]
    assert 1 <= len(texts) <= 7
    if end_s >= 1:
        assert len(set(texts)) == len(texts)


def test_bars():
    svg = ET.fromstring(share_bar(Share(Emotion.FEAR, 0.3, 0.1), 0.6))
    whole, sure = svg.iter("rect")
    assert (whole.get("class"), whole.get("width")) == ("fear pale", "50.00%")
    assert float(sure.get("width")[:-1]) == pytest.approx(100 / 3, abs=0.01)


def test_words():
    assert [clock(t) for t in (0, 4.25, 59.96, 3725.5)] == [
        "0:00.0",
        "0:04.2",
        "1:00.0",
        "1:02:05.5",
    ]
    assert [clock(t, 2) for t in (4.25, 59.996, 3725.5)] == ["0:04.25", "1:00.00", "1:02:05.50"]
    assert [percent(s) for s in (0, 0.004, 0.254, 1)] == [
        "0\u00a0%",
        "&lt;1\u00a0%",
        "25\u00a0%",
        "100\u00a0%",
    ]
