from dataclasses import replace

import numpy as np
import pytest

from mien.apps.web.activation import activations
from mien.core.labels import EMOTIONS, Emotion
from mien.core.media import Frame
from mien.core.scores import Scores


@pytest.fixture
def reading(analyzer, portrait):
    (found,) = analyzer.parts.reader.read(Frame(portrait)).readings
    return found


def test_the_map_is_of_the_crop_whose_corners_are_given(analyzer, portrait, reading):
    reader = analyzer.parts.reader
    maps = reader.classifier.classify(reader.crops(portrait, [reading.face])).activation[0]
    (shown,) = activations(reader, portrait, [reading])
    assert np.allclose(shown["values"], maps[EMOTIONS.index(reading.top)].ravel(), atol=1e-3)


def test_the_expression_is_that_of_the_reading(analyzer, portrait, reading):
    fear = Scores(tuple(0.93 if one is Emotion.FEAR else 0.01 for one in EMOTIONS))
    (shown,) = activations(analyzer.parts.reader, portrait, [replace(reading, scores=fear)])
    assert shown["emotion"] == "fear"
