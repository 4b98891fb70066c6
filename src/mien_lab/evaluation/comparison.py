"""Comparison of two readers on the same cases: prediction files and McNemar's exact test."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest

from mien.core.errors import InputError
from mien.core.labels import Emotion, parse_emotion
from mien_lab.data.tables import numbered_rows, write_table
from mien_lab.evaluation.cases import Cases
from mien_lab.evaluation.intervals import Bootstrap

__all__ = [
    "compare",
    "mcnemar",
    "read_predictions",
    "refuse_strangers",
    "write_labels",
    "write_predictions",
]


def write_predictions(path: Path, parts: Sequence[Cases]) -> None:
    """Write a CSV with a row per case: name, label (the prediction), truth, class probabilities.

    The label is empty where no face was found. `read_predictions` reads the file.

    Raises:
        OutputError: if the file cannot be written; nothing is left under its name.
    """
    labels = list(dict.fromkeys(label for cases in parts for label in cases.labels))
    rows = (row for cases in parts for row in _rows(cases, labels))
    write_table(path, ["name", "label", "truth", *labels], rows)


def _rows(cases: Cases, labels: Sequence[str]) -> Iterator[list[str]]:
    columns = [cases.labels.index(label) if label in cases.labels else -1 for label in labels]
    for name, best, truth, row in zip(
        cases.names, cases.predicted, cases.truth, cases.probabilities, strict=True
    ):
        chances = ["" if column < 0 else f"{row[column]:.6f}" for column in columns]
        yield [name, cases.labels[best] if best >= 0 else "", cases.labels[truth], *chances]


def write_labels(
    path: Path, names: Sequence[str], predicted: Sequence[Emotion | None], truth: Sequence[Emotion]
) -> None:
    """Write a file like `write_predictions`, without probabilities."""
    rows = zip(names, (label or "" for label in predicted), truth, strict=True)
    write_table(path, ["name", "label", "truth"], rows)


def read_predictions(path: Path) -> dict[str, Emotion | None]:
    """Read predicted labels by name of the case; None where no face was found.

    Args:
        path: a CSV with the columns name (or image) and label; others are ignored.

    Raises:
        InputError: if the file has another format, a label is unknown, or a name occurs twice.
    """
    found: dict[str, Emotion | None] = {}
    for line, row in numbered_rows(path, ("name", "image"), ("label",)):
        name = row.get("name") or row.get("image", "")
        if name in found:
            raise InputError(f"{path} names {name!r} twice; keep one row of it")
        try:
            found[name] = parse_emotion(row["label"]) if row["label"] else None
        except ValueError as error:
            raise InputError(f"line {line} of {path}: {error}") from None
    return found


def mcnemar(ours: npt.NDArray[np.bool_], theirs: npt.NDArray[np.bool_]) -> float:
    """Two-sided p-value of McNemar's exact test (Psychometrika 12, 1947).

    Under the null hypothesis, each reader is right in half of the discordant cases.

    Args:
        ours: (n,) whether the first reader is right.
        theirs: (n,) whether the second reader is right.
    """
    first, second = int((ours & ~theirs).sum()), int((theirs & ~ours).sum())
    count = first + second
    return float(binomtest(first, count).pvalue) if count else 1.0


def refuse_strangers(names: Sequence[str], others: Collection[str]) -> None:
    """Check that another reader's predictions share at least one name with the cases.

    Raises:
        InputError: if they share none.
    """
    if set(names).isdisjoint(others):
        raise InputError(
            "the predictions to compare with name none of the cases; names must be written as "
            f"--predictions writes them, such as {names[0] if names else 'none'}"
        )


def compare(
    cases: Cases, others: Mapping[str, Emotion | None], bootstrap: Bootstrap | None = None
) -> dict[str, Any]:
    """Accuracy of both readers on common cases, their difference, and McNemar's exact test.

    Args:
        cases: cases with this model's predictions.
        others: predictions of the other reader by name; None counts as wrong.
        bootstrap: bootstrap for the interval of the difference.

    Raises:
        InputError: if there are no common cases.
    """
    refuse_strangers(cases.names, others)
    rows = [row for row, name in enumerate(cases.names) if name in others]
    truth = cases.truth[rows]
    ours = cases.predicted[rows] == truth
    theirs = np.array(
        [others[cases.names[row]] == cases.labels[cases.truth[row]] for row in rows], np.bool_
    )
    gain = ours.astype(np.float64) - theirs
    drawn = (bootstrap or Bootstrap()).intervals(
        lambda weights: {"difference": float(weights @ gain / weights.sum())},
        truth,
        None if cases.subjects is None else np.unique(cases.subjects[rows], return_inverse=True)[1],
    )
    return {
        "n": len(rows),
        "accuracy": float(ours.mean()),
        "other_accuracy": float(theirs.mean()),
        "difference": float(gain.mean()),
        "difference_interval": drawn.to_dict()["values"]["difference"],
        "both_right": int((ours & theirs).sum()),
        "only_ours_right": int((ours & ~theirs).sum()),
        "only_other_right": int((theirs & ~ours).sum()),
        "both_wrong": int((~ours & ~theirs).sum()),
        "mcnemar_exact_p": mcnemar(ours, theirs),
        "people": None if cases.subjects is None else len(np.unique(cases.subjects[rows])),
        "not_in_the_other": [name for name in cases.names if name not in others],
        "only_in_the_other": len(set(others) - set(cases.names)),
    }
