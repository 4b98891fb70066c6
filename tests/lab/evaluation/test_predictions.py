"""Labelled samples in, one table of what the pipeline says out."""

import numpy as np
import pytest

pytest.importorskip("torch")

import PIL.Image

from mien.core.labels import EMOTIONS, Emotion
from mien.core.types import Box
from mien.pipeline.analyzer import Analyzer
from mien_lab.data.samples import Sample
from mien_lab.evaluation.predictions import predict


def test_predict(picture, tmp_path):
    wall = np.full((120, 160, 3), 90, np.uint8)
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    table = predict(
        [
            Sample("crop", Emotion.FEAR, pixels=picture(1), cropped=True),
            Sample("wall", Emotion.ANGER, pixels=wall),
            Sample("broken", Emotion.ANGER, path=broken),
            Sample("unlabelled", None, pixels=wall),
        ]
    )
    assert table.names == ("crop", "wall")
    assert table.found.tolist() == [True, False]
    assert table.predicted[1] == -1
    assert table.probabilities[0].sum() == pytest.approx(1)
    ((name, sentence),) = table.failures
    assert name == "broken"
    assert "broken.jpg" in sentence


def test_the_face_in_the_box_is_the_one_meant(portrait):
    height, width = portrait.shape[:2]
    small = np.asarray(PIL.Image.fromarray(portrait).resize((width // 2, height // 2)))
    canvas = np.full((height, width + width // 2, 3), 127, np.uint8)
    canvas[:, :width] = portrait
    canvas[: height // 2, width:] = small
    with Analyzer() as analyzer:
        large, little = analyzer.analyze(canvas).faces[:2]
    boxes = (None, large.face.box, little.face.box, Box(0, height - 9, 9, 9))
    table = predict(
        [
            Sample(f"{number}", EMOTIONS[0], pixels=canvas, box=box)
            for number, box in enumerate(boxes)
        ]
    )
    assert table.probabilities[0] == pytest.approx(table.probabilities[1])
    assert table.probabilities[2] == pytest.approx(np.array(little.scores.probabilities))
    assert table.found.tolist() == [True, True, True, False]
