"""Figures of groups as functions of sums over samples, so that a bootstrap is a matrix product."""

import numpy as np
import numpy.typing as npt

from mien.core.labels import EMOTIONS
from mien_lab.evaluation.confidence import BINS
from mien_lab.evaluation.predictions import Predictions

__all__ = [
    "LEAST_CASES",
    "LEAST_PEOPLE",
    "cases_of",
    "common_mix",
    "figures_of",
    "lacks_label",
    "rate_name",
    "same_mix",
    "same_mix_cases",
    "sample_sums",
]

Floats = npt.NDArray[np.float64]

LEAST_CASES = 10
"""Minimum number of cases of a rate to be compared; each of ten cases moves it by ten points."""

LEAST_PEOPLE = 8
"""Minimum number of people of a rate to be compared, and of a group to report figures for it.

Fewer people do not represent a group. Each sample without a subject counts as a separate person.
"""

_CLASSES = len(EMOTIONS)
_COUNT, _HITS, _FOUND, _CONFIDENCE, _HITS_FOUND = range(5)
_TRUTH = slice(5, 5 + _CLASSES)
_PREDICTED = slice(_TRUTH.stop, _TRUTH.stop + _CLASSES)
_TRUE = slice(_PREDICTED.stop, _PREDICTED.stop + _CLASSES)
_GAPS = slice(_TRUE.stop, _TRUE.stop + BINS)


def rate_name(rate: str, emotion: str) -> str:
    """The key of a rate of one emotion, such as `false_positive_rate/anger`."""
    return f"{rate}/{emotion}"


def sample_sums(predictions: Predictions) -> Floats:
    """The summands (n, columns) of each sample, for `figures_of`."""
    truth, predicted, found = predictions.truth, predictions.predicted, predictions.found
    hit = truth == predicted
    confidence = predictions.probabilities.max(axis=1, initial=0.0)
    # A missed face has the label -1, which is in no column.
    truths = np.eye(_CLASSES)[truth]
    chosen = np.eye(_CLASSES + 1)[predicted][:, :_CLASSES]
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = np.eye(BINS)[bins] * ((hit - confidence) * found)[:, None]
    head = np.stack([np.ones(len(truth)), hit, found, confidence * found, hit & found], axis=1)
    return np.hstack([head, truths, chosen, truths * chosen, gaps])


def figures_of(sums: Floats) -> dict[str, Floats]:
    """Figures by name, each (...), of sums (..., columns); NaN where undefined.

    Accuracy counts missed faces as errors; confidence is over detected faces. Macro F1 is over the
    labels that occur.
    """
    truth, predicted, true = sums[..., _TRUTH], sums[..., _PREDICTED], sums[..., _TRUE]
    count, found = sums[..., _COUNT], sums[..., _FOUND]
    present = truth > 0
    f1 = np.where(present, 2 * true / np.maximum(truth + predicted, 1), 0).sum(axis=-1)
    figures = {
        "accuracy": _share(sums[..., _HITS], count),
        "macro_f1": _share(f1, present.sum(axis=-1)),
        "missed": _share(count - found, count),
        "confidence_minus_accuracy": _share(sums[..., _CONFIDENCE] - sums[..., _HITS_FOUND], found),
        "expected_calibration_error": _share(np.abs(sums[..., _GAPS]).sum(axis=-1), found),
    }
    for index, emotion in enumerate(EMOTIONS):
        chosen, right, cases = predicted[..., index], true[..., index], truth[..., index]
        figures[rate_name("false_positive_rate", emotion)] = _share(chosen - right, count - cases)
        figures[rate_name("recall", emotion)] = _share(right, cases)
        figures[rate_name("selection_rate", emotion)] = _share(chosen, count)
    return figures


def cases_of(sums: Floats) -> dict[str, Floats]:
    """The denominator of each share of `figures_of`, by name."""
    count, truth = sums[..., _COUNT], sums[..., _TRUTH]
    cases = {"accuracy": count, "missed": count, "confidence_minus_accuracy": sums[..., _FOUND]}
    for index, emotion in enumerate(EMOTIONS):
        cases[rate_name("false_positive_rate", emotion)] = count - truth[..., index]
        cases[rate_name("recall", emotion)] = truth[..., index]
        cases[rate_name("selection_rate", emotion)] = count
    return cases


def common_mix(totals: Floats, people: npt.NDArray[np.integer] | None = None) -> Floats:
    """The label distribution over all groups, (8,), restricted to labels with enough cases.

    A label is left out, with share 0, if some group has too few cases or people of it.

    Args:
        totals: (groups, columns) sums.
        people: (groups, 8) number of people by label; None if each case is another person.
    """
    support = totals[:, _TRUTH]
    enough = (support >= LEAST_CASES) & ((support if people is None else people) >= LEAST_PEOPLE)
    pooled = support.sum(axis=0) * enough.all(axis=0)
    return np.asarray(pooled / max(pooled.sum(), 1.0))


def lacks_label(sums: Floats) -> npt.NDArray[np.bool_]:
    """Which rows of sums (1 + draws, columns) lack a label that the first row has, (1 + draws,).

    Their macro figures would be over other labels.
    """
    truth = sums[:, _TRUTH]
    return np.asarray(((truth == 0) & (truth[:1] > 0)).any(axis=1))


def same_mix(sums: Floats, mix: Floats) -> Floats:
    """Accuracy (...) standardised to the label distribution `mix` (8,), from sums (..., columns).

    Direct standardisation: without it, groups with different label distributions differ in
    accuracy even with equal recalls. NaN if the mix is empty.
    """
    recall = _share(sums[..., _TRUE], sums[..., _TRUTH])
    used = mix > 0
    if not used.any():
        return np.full(recall.shape[:-1], np.nan)
    return np.asarray((recall[..., used] * mix[used]).sum(axis=-1))


def same_mix_cases(cases: Floats, mix: Floats) -> float:
    """Effective sample size of `same_mix`: 1 / sum(mix^2 / cases); 0 if the mix is empty.

    See Kish, "Survey Sampling", 1965. A label that is common in the mix and rare in the group
    dominates it.

    Args:
        cases: (8,) number of cases of each label, or of people who show it.
        mix: (8,) label distribution.
    """
    used = mix > 0
    return float(1 / (mix[used] ** 2 / cases[used]).sum()) if used.any() else 0.0


def _share(part: Floats, whole: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(whole > 0, part / whole, np.nan), dtype=np.float64)
