import dataclasses

import numpy as np
import pytest
import skimage.transform

from mien.core.errors import ArtifactError, InputError
from mien.core.labels import EMOTIONS
from mien.models.calibration import softmax
from mien.models.expression import ExpressionClassifier
from mien.runtime.session import Session, open_session
from mien.vision.alignment import CANONICAL, CROP_SIZE, alignment_matrix, crop_face

EYES_AND_MOUTH = np.array(
    [[125.2, 101], [166.4, 105.2], [143.5, 126.8], [123.9, 143.4], [158.8, 147]]
)
"""The astronaut's landmarks in the portrait."""


@pytest.fixture(scope="module", params=["fp32", "int8"])
def classifier(request):
    return ExpressionClassifier(open_session("expression", precision=request.param, threads=1))


@pytest.fixture(scope="module")
def crops(portrait):
    """The astronaut's face 40 times: turned, moved, scaled, mirrored, lit and blurred."""
    rng = np.random.default_rng(0)
    found = []
    for number in range(40):
        angle, size = rng.uniform(-0.25, 0.25), rng.uniform(0.85, 1.15)
        turn = skimage.transform.SimilarityTransform(
            scale=size, rotation=angle, translation=rng.uniform(-3, 3, 2)
        ).params[:2]
        centre = (CROP_SIZE - 1) / 2
        turn[:, 2] += centre - turn[:, :2] @ np.array([centre, centre])
        matrix = turn @ np.vstack([alignment_matrix(EYES_AND_MOUTH), [0, 0, 1]])
        crop = crop_face(portrait, matrix).astype(np.float64)
        crop = 255 * (crop / 255) ** np.exp(rng.uniform(-0.5, 0.5))
        crop += rng.normal(size=crop.shape) * rng.uniform(0, 12)
        found.append(crop[:, :: 1 if number % 2 else -1])
    return np.clip(found, 0, 255).astype(np.uint8)


def with_card(session, **fields):
    return Session(dataclasses.replace(session.card, **fields), session._session)


def test_shapes(classifier, crops):
    found = classifier.classify(crops[:3])
    assert found.probabilities.shape == (3, 8)
    assert found.probabilities.dtype == np.float32
    assert np.allclose(found.probabilities.sum(axis=1), 1, atol=1e-5)
    assert found.embedding.shape[0] == 3
    assert found.activation.shape[:2] == (3, 8)
    assert found.activation.shape[2] == found.activation.shape[3] > 1


def test_a_face_behind_a_mask_is_occluded(classifier, crops):
    upright = crops[:12]
    masked = upright.copy()
    masked[:, 27:, 6:42] = 220
    bare, covered = (classifier.classify(faces).occluded for faces in (upright, masked))
    assert bare.dtype == np.bool_
    assert bare.mean() <= 0.1
    assert covered.mean() >= 0.9


def test_no_crops(classifier):
    found = classifier.classify(np.zeros((0, CROP_SIZE, CROP_SIZE), np.uint8))
    assert found.probabilities.shape == (0, 8)
    assert found.embedding.shape[0] == found.activation.shape[0] == 0
    assert found.occluded.shape == (0,)
    assert found.embedding.ndim == 2
    assert found.activation.ndim == 4


def test_probabilities_are_those_of_the_card(classifier, crops):
    temperature = classifier._session.card.extra["temperature"]
    logits = classifier.raw(crops)["logits"]
    expected = softmax(logits, temperature)
    np.testing.assert_allclose(classifier.classify(crops).probabilities, expected, atol=1e-6)


def test_the_mean_of_the_activation_map_is_the_logit(classifier, crops):
    outputs = classifier.raw(crops)
    mean = outputs["activation"].mean(axis=(2, 3))
    # In int8 the pooled features are rounded once more than those of the map.
    tolerance = 1e-3 if classifier._session.card.precision == "fp32" else 0.2
    np.testing.assert_allclose(mean, outputs["logits"], atol=tolerance)


def test_the_batch_does_not_matter(classifier, crops):
    session = classifier._session
    whole = ExpressionClassifier(session, batch=64).raw(crops)
    for batch in (1, 7):
        parts = ExpressionClassifier(session, batch=batch).raw(crops)
        assert whole.keys() == parts.keys()
        for name, values in whole.items():
            np.testing.assert_allclose(parts[name], values, rtol=1e-3, atol=1e-3)


def test_several_crops_of_a_face_count_by_their_mean(classifier, crops):
    faces = crops[:6].reshape(2, 3, CROP_SIZE, CROP_SIZE)
    each, together = classifier.raw(crops[:6]), classifier.raw(faces)
    for name, values in each.items():
        expected = values.reshape(2, 3, *values.shape[1:]).mean(axis=1)
        np.testing.assert_allclose(together[name], expected, rtol=1e-3, atol=1e-3)
    none = classifier.classify(faces[:0])
    assert none.probabilities.shape == (0, 8)
    assert none.activation.ndim == 4


def test_int8_agrees_with_fp32(crops):
    full, small = (
        ExpressionClassifier(open_session("expression", precision=precision, threads=1)).raw(crops)
        for precision in ("fp32", "int8")
    )
    same = full["logits"].argmax(axis=1) == small["logits"].argmax(axis=1)
    assert same.mean() >= 0.9
    for one, other in zip(full["embedding"], small["embedding"], strict=True):
        assert np.corrcoef(one, other)[0, 1] > 0.95


def test_light_and_contrast_do_not_matter_to_fp32(crops):
    classifier = ExpressionClassifier(open_session("expression", threads=1))
    crop = np.clip(crops[:4], 60, 200)
    dim = (crop * 0.5 + 20).round().astype(np.uint8)
    one, other = (classifier.classify(each).probabilities for each in (crop, dim))
    np.testing.assert_allclose(one, other, atol=0.05)


@pytest.mark.parametrize("value", [0, 128, 255])
def test_flat_crops_are_read_without_a_fault(classifier, value):
    crop = np.full((1, CROP_SIZE, CROP_SIZE), value, np.uint8)
    assert np.isfinite(classifier.classify(crop).probabilities).all()


@pytest.mark.parametrize(
    "crops",
    [
        np.zeros((48, 48), np.uint8),
        np.zeros((1, 47, 48), np.uint8),
        np.zeros((1, 1, 1, 48, 48), np.uint8),
        np.zeros((2, 48, 48, 3), np.uint8),
        np.zeros((1, 48, 48), np.float32),
    ],
)
def test_other_crops_are_refused(classifier, crops):
    with pytest.raises(InputError, match=r"crops must be uint8 of shape \(n, 48, 48\)"):
        classifier.raw(crops)


def test_the_prediction_set_starts_with_the_top(classifier, crops):
    for row in classifier.classify(crops).probabilities:
        members = classifier.prediction_set(row)
        assert members[0] is EMOTIONS[row.argmax()]
        shares = [row[EMOTIONS.index(member)] for member in members]
        assert shares == sorted(shares, reverse=True)


def test_the_prediction_set_of_extremes(classifier):
    flat = classifier.prediction_set(np.full(8, 0.125, np.float32))
    assert flat[0] is EMOTIONS[0]
    assert len(flat) >= 7
    assert classifier.prediction_set(np.eye(8, dtype=np.float32)[3])[0] is EMOTIONS[3]


def test_weights_with_other_labels_are_refused(classifier):
    session = with_card(classifier._session, labels=["happy", "sad"])
    with pytest.raises(ArtifactError, match="happy"):
        ExpressionClassifier(session)


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"extra": {"conformal_quantile": 0.9}}, "temperature"),
        ({"extra": {"temperature": 1.0}}, "conformal_quantile"),
        ({"extra": {"temperature": "1", "conformal_quantile": 0.9}}, "temperature"),
        ({"extra": {"temperature": 1.0, "conformal_quantile": 0.9}}, "occlusion_threshold"),
        ({"input": {}}, "no crop size"),
        ({"input": {"shape": []}}, "no crop size"),
        ({"input": {"shape": ["N", 1, "H", "W"]}}, "no crop size"),
    ],
)
def test_a_card_without_the_calibration_is_refused(classifier, fields, word):
    with pytest.raises(ArtifactError, match=word):
        ExpressionClassifier(with_card(classifier._session, **fields))


def test_canonical_landmarks_are_within_the_crop():
    assert ((CANONICAL > 0) & (CANONICAL < CROP_SIZE)).all()
