"""Evaluation of a labelled collection: predictions, figures, and comparison with another reader."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mien import __version__
from mien.core.labels import EMOTIONS, Emotion
from mien.models.calibration import prediction_sets
from mien.pipeline.build import DEFAULT_PRECISION
from mien.runtime.artifact import load_artifact
from mien.vision.sources import display_name
from mien_lab.data.collections import Layout, find_layout, parse_layout, read_measured
from mien_lab.data.samples import Sample, failure_rows, require_labelled
from mien_lab.evaluation.cases import Cases, all_figures
from mien_lab.evaluation.comparison import compare, refuse_strangers
from mien_lab.evaluation.crops import read_crops
from mien_lab.evaluation.intervals import Bootstrap
from mien_lab.evaluation.predictions import predict
from mien_lab.evaluation.resampling import clusters_of

__all__ = ["Evaluation", "Request", "evaluate_collection"]

TITLES = {"fer2013": "FER2013, 7 classes", "ferplus": "FER+, 8 classes"}
Answers = Mapping[str, Emotion | None]


@dataclass(frozen=True)
class Request:
    """Options of an evaluation.

    Attributes:
        folder: folder of the collection.
        layout: layout of the collection, or "auto".
        split: the split to measure on; None for that of `read_measured`.
        whole: as for `read_collection`.
        precision: fp32 or int8.
        weights: folder with weights; the shipped ones if None.
        against: predictions of another reader by name, to compare with; for FER2013 one protocol
            is enough.
        bootstrap: bootstrap of the intervals.
    """

    folder: Path
    layout: str = "auto"
    split: str | None = None
    whole: bool | None = None
    precision: str = DEFAULT_PRECISION
    weights: Path | None = None
    against: Answers | None = None
    bootstrap: Bootstrap = field(default_factory=Bootstrap)


@dataclass(frozen=True)
class Evaluation:
    """The result of an evaluation.

    Attributes:
        figures: plain values for JSON.
        cases: the cases behind the figures, by title.
        sections: the parts of `figures` for one set of cases, by the same titles.
    """

    figures: dict[str, Any]
    cases: dict[str, Cases]
    sections: dict[str, dict[str, Any]]


def evaluate_collection(request: Request) -> Evaluation:
    """Evaluate the shipped weights on a collection.

    FER2013 is evaluated by its seven classes and, if FER+'s votes are present, by its eight; other
    collections by their own labels, with the pipeline.

    Raises:
        InputError: if the collection cannot be read or has no labelled sample.
    """
    if not request.whole and _layout(request) is Layout.FER2013:
        return _evaluate_fer(request)
    samples, split = read_measured(
        request.folder, request.layout, request.split, whole=request.whole
    )
    return _evaluate_samples(samples, replace(request, split=split))


def _layout(request: Request) -> Layout | None:
    """The layout of the collection; None if the folder does not exist."""
    if not request.folder.exists():
        return None
    return parse_layout(request.layout) or find_layout(request.folder)


def _evaluate_fer(request: Request) -> Evaluation:
    reading = read_crops(
        request.folder,
        precision=request.precision,
        weights=request.weights,
        split=request.split or "PrivateTest",
        voted=False,
        bootstrap=request.bootstrap,
    )
    names = {protocol: set(cases.names) for protocol, cases in reading.cases.items()}
    others = set(request.against or ())
    compared = {protocol for protocol, own in names.items() if own & others}
    sections = {}
    for name, cases in reading.cases.items():
        against = request.against
        # If no protocol is compared, `compare` raises an error about the names.
        if against is not None and compared:
            elsewhere = set().union(*(names[other] for other in names if other != name))
            own = {key: label for key, label in against.items() if key not in elsewhere}
            against = own if name in compared else None
        found = _measured(cases, replace(request, against=against))
        otherwise = reading.figures[name]["intervals"]["values"]
        found["intervals"]["values"] = otherwise | found["intervals"]["values"]
        found["accuracy_interval"] = found["intervals"]["values"].get("accuracy")
        sections[name] = {**reading.figures[name], **found}
    left = sorted(set(names) - compared) if request.against is not None else []
    return Evaluation(
        _source(request) | reading.figures | sections | ({"not_compared": left} if left else {}),
        {TITLES[name]: cases for name, cases in reading.cases.items()},
        {TITLES[name]: section for name, section in sections.items()},
    )


def _evaluate_samples(samples: Sequence[Sample], request: Request) -> Evaluation:
    labelled = require_labelled(samples, request.folder)
    if request.against is not None:
        refuse_strangers([sample.name for sample in labelled], request.against)
    card = load_artifact("expression", request.precision, request.weights).card
    read = predict(labelled, precision=request.precision, weights=request.weights)
    who = {sample.name: sample.subject for sample in labelled}
    subjects = [who[name] for name in read.names]
    cases = Cases(
        read.names,
        read.truth,
        read.probabilities,
        tuple(str(emotion) for emotion in EMOTIONS),
        prediction_sets(read.probabilities, card.number("conformal_quantile")),
        clusters_of(subjects) if any(subjects) else None,
    )
    figures = {
        **_source(request),
        "layout": str(_layout(request)),
        "split": request.split,
        "splits": dict(Counter(sample.split for sample in labelled)),
        "read": _ways(labelled),
        "precision": request.precision,
        "sha256": card.sha256,
        "samples": len(samples),
        "unlabelled": len(samples) - len(labelled),
        "without_subject": subjects.count(""),
        "failed": len(read.failures),
        "failures": failure_rows(read.failures),
        **_measured(cases, request),
    }
    title = figures["data"]
    return Evaluation(figures, {title: cases}, {title: figures})


def _source(request: Request) -> dict[str, Any]:
    return {"data": display_name(request.folder.resolve().name), "mien": __version__}


def _measured(cases: Cases, request: Request) -> dict[str, Any]:
    figures = all_figures(cases, request.bootstrap)
    if request.against is None:
        return figures
    return figures | {"comparison": compare(cases, request.against, request.bootstrap)}


def _ways(samples: Sequence[Sample]) -> str:
    ways = {"crops" if sample.cropped else "photographs" for sample in samples}
    return " and ".join(sorted(ways))
