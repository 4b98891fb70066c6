import hashlib
import json

import numpy as np
import pytest

from mien.core.errors import ArtifactError, InputError
from mien.core.labels import EMOTIONS
from mien.core.types import Quality
from mien.models.temporal import CONTEXT_SIZE, TemporalReader, context
from mien.runtime.artifact import Card

QUALITY = Quality(60.0, 0.4, 120.0, 40.0, 0.1, None)


class Counting:
    """A session whose state counts the steps and whose logits grow with them."""

    def __init__(self, **changes):
        extra = {
            "reads": "x",
            "embedding_size": 5,
            "state_size": 3,
            "temperature": 2.0,
            "conformal_quantile": 0.5,
        }
        self.card = Card(
            **{
                "name": "temporal",
                "file": "temporal.onnx",
                "sha256": "",
                "version": "1",
                "kind": "",
                "precision": "fp32",
                "input": {},
                "labels": [emotion.value for emotion in EMOTIONS],
                "extra": extra,
            }
            | changes
        )

    def run(self, inputs):
        assert set(inputs) == {"embedding", "context", "state"}
        following = inputs["state"] + 1
        logits = np.zeros((len(following), 8), np.float32)
        logits[:, 1] = following[:, 0]
        return {"logits": logits, "next_state": following}


def test_the_state_is_in_the_callers_hands():
    reader = TemporalReader(Counting())
    embedding, seen = np.zeros((2, 5), np.float32), np.stack([context(QUALITY, None)] * 2)
    first, state = reader.step(embedding, seen, reader.start(2))
    second, after = reader.step(embedding, seen, state)
    assert state.tolist() == [[1.0] * 3] * 2
    assert after.tolist() == [[2.0] * 3] * 2
    assert (second[:, 1] > first[:, 1]).all()
    assert np.allclose(first.sum(axis=1), 1)
    again, _ = reader.step(embedding, seen, reader.start(2))
    assert np.array_equal(first, again)


def test_no_track_at_all():
    reader = TemporalReader(Counting())
    probabilities, state = reader.step(
        np.zeros((0, 5), np.float32), np.zeros((0, CONTEXT_SIZE), np.float32), reader.start(0)
    )
    assert probabilities.shape == (0, 8)
    assert state.shape == (0, 3)


@pytest.mark.parametrize("shapes", [((1, 4), (1, 6), (1, 3)), ((1, 5), (1, 6), (2, 3))])
def test_other_shapes_are_refused(shapes):
    with pytest.raises(InputError, match="must have shape"):
        TemporalReader(Counting()).step(*(np.zeros(shape, np.float32) for shape in shapes))


@pytest.mark.parametrize("changes", [{"labels": ["happy"]}, {"extra": {"state_size": 3}}])
def test_other_weights_are_refused(changes):
    with pytest.raises(ArtifactError):
        TemporalReader(Counting(**changes))


def test_the_prediction_set_begins_with_the_most_probable():
    probabilities = np.array([0.55, 0.3, 0.15, 0, 0, 0, 0, 0])
    assert TemporalReader(Counting()).prediction_set(probabilities) == (EMOTIONS[0],)


@pytest.mark.parametrize("elapsed", [None, 0.0, -3.0, 1 / 240, 0.04, 1.0, 1e9, float("nan")])
def test_context_is_of_unit_size_for_any_time(elapsed):
    seen = context(QUALITY, elapsed)
    assert seen.shape == (CONTEXT_SIZE,)
    assert seen.dtype == np.float32
    assert np.isfinite(seen).all()
    assert np.abs(seen).max() < 4


def test_context_is_what_the_weights_were_trained_with():
    assert context(QUALITY, 0.04).tolist() == pytest.approx(
        [np.log(61) / 4, np.log10(0.4) / 2, 120 / 255, 40 / 64, 0.1, 0.0]
    )
    assert context(QUALITY, 0.0)[-1] == pytest.approx(np.log(25 / 240) / 2)
    assert context(QUALITY, None)[-1] == context(QUALITY, 9.0)[-1] == np.float32(np.log(50) / 2)


def test_context_of_a_black_crop():
    assert np.isfinite(context(Quality(0.0, 0.0, 0.0, 0.0, 1.0, None), 0.0)).all()


def test_shipped_weights_fit_each_other(shipped_weights):
    cards = {path.stem: json.loads(path.read_text()) for path in shipped_weights.glob("*.json")}
    if "temporal" not in cards:
        pytest.skip("no recurrent network is shipped")
    expression = (shipped_weights / "expression.onnx").read_bytes()
    assert cards["temporal"]["extra"]["reads"] == hashlib.sha256(expression).hexdigest(), (
        "the recurrent network reads other embeddings than the shipped; train it again"
    )


@pytest.fixture
def shipped_weights():
    from mien.runtime.artifact import weights_folder

    return weights_folder()
