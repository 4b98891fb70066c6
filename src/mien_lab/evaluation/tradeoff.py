"""What balancing the training faces by group does to gaps between groups, and what it costs.

The network's last layer is fitted anew on the embeddings of its training faces, once as they come
and once for each way of balancing them, and read on PublicTest. Nothing is chosen by that: the
strengths are given, and the decay is that of the network's own training. The network has been
fitted to these very faces, so that its last layer has less to mend than on faces held out, and
what it sees of a face stays as it was: balancing a whole training may do more.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core.labels import EMOTIONS
from mien_lab.data.balancing import (
    BALANCINGS,
    balancing_weights,
    drawn_order,
    effective_share,
    sampling_chances,
)
from mien_lab.evaluation.audit import MINIMUM, audit
from mien_lab.evaluation.embedded_faces import (
    SPLIT,
    EmbeddedFaces,
    columns_of,
    embed,
)
from mien_lab.evaluation.group_sums import rate_name
from mien_lab.evaluation.intervals import (
    difference_interval,
    percentile_interval,
    smallest_interval,
)
from mien_lab.evaluation.paired_groups import PairedGroups, pair
from mien_lab.evaluation.resampling import rounded
from mien_lab.evaluation.tradeoff_text import closing_sentence

__all__ = ["STRENGTHS", "measure_tradeoff"]

log = logging.getLogger(__name__)

STRENGTHS = (0.5, 1.0)
DECAY = 5e-4
"""As `mien-lab train` has it."""
EPOCHS = 50
"""Whose draws a fit by sampling is made of; `mien-lab train` has as many by itself."""
_UNBALANCED = 1
"""The reading that changes are from; the one before it is what ships."""
_COMPARED = (
    "accuracy",
    "macro_recall",
    "worst_accuracy",
    "accuracy_gap",
    "equalised_odds_mean",
    "equalised_odds_largest",
)
"""Of a reading's figures those whose changes are told."""
_LARGEST = frozenset({"accuracy_gap", "equalised_odds_mean", "equalised_odds_largest"})
"""Those that are largest differences between groups."""

Floats = npt.NDArray[np.float64]
Names = npt.NDArray[np.str_]


@dataclass(frozen=True)
class _Way:
    """A way of balancing, with what it makes of the training faces.

    Attributes:
        balancing: one of `BALANCINGS`.
        strength: of it.
        times: (n,) for how many faces each counts; the mean is 1.
        effective_share: of the faces, what all are worth.
    """

    balancing: str
    strength: float
    times: Floats
    effective_share: float


def measure_tradeoff(
    folder: Path,
    groups: Path | None = None,
    *,
    precision: str,
    weights: Path | None = None,
    minimum: int = MINIMUM,
    threads: int | None = None,
    seed: int = 0,
    draws: int = 1000,
) -> dict[str, Any]:
    """Figures of each way of balancing by each column of groups; the finding comes first.

    Changes are from the last layer fitted anew without balancing, and their intervals of 95 % are
    of differences on the same faces; those of largest differences between groups are no tests
    (`not_tests` names them). The finding is `audit`'s of that layer; its `closing` follows
    the gap under each way of balancing at full strength. The largest difference between groups is
    above 0 by chance alone. What ships is read besides: it blends two
    heads, and some of its constants were fitted on PublicTest.

    Args:
        folder: FER2013 with FER+'s votes.
        groups: a CSV as `mien-lab train --groups` takes, of training and of PublicTest faces, with
            one or more columns; None takes conditions of the pictures in thirds.
        precision: fp32 or int8.
        weights: folder with weights, if not the shipped.
        minimum: faces below which a group is not judged; nor is it balanced where fewer are trained
            on.
        threads: of the network; all cores if None.
        seed: of the draws.
        draws: of the bootstrap.

    Raises:
        InputError: if there are no faces to fit or to measure on, or groups of none of these.
    """
    faces = embed(folder, precision=precision, weights=weights, threads=threads)
    columns = columns_of(faces, groups)
    plain = faces.fit(np.ones(faces.fitted), DECAY)
    tested = {name: tuple(of[faces.fitted :].tolist()) for name, of in columns.values.items()}
    found = audit(
        faces.read(plain), tested, intersections=False, minimum=minimum, seed=seed, draws=draws
    )
    tables: dict[str, Any] = {}
    pairs: dict[str, PairedGroups] = {}
    figures: dict[str, dict[str, Floats]] = {}
    for column, names in columns.values.items():
        judged = list(found["columns"][column]["groups"])
        tables[column] = {"groups": _sizes(faces, names), "judged": judged, "ways": []}
        if len(judged) < 2:
            continue
        ways = _ways(faces, names[: faces.fitted], minimum, seed)
        readings = [faces.read(), faces.read(plain)]
        readings += [faces.read(faces.fit(way.times, DECAY, plain)) for way in ways]
        paired = pair(readings, names[faces.fitted :], judged, draws=draws, seed=seed)
        figures[column] = paired.figures()
        tables[column]["ways"] = _rows(ways, figures[column])
        pairs[column] = paired
        log.info("balanced by %s", column)
    finding = found["finding"] | _closing(found["finding"], tables, pairs, figures)
    finding["text"] = f"{finding['text']} {closing_sentence(finding)}".strip()
    return {
        "finding": finding,
        **columns.about,
        "data": folder.name,
        "split": SPLIT,
        "precision": precision,
        "sha256": faces.checksum,
        "fitted_on": faces.fitted,
        "n": len(faces.names) - faces.fitted,
        "minimum": minimum,
        "decay": DECAY,
        "epochs": EPOCHS,
        "seed": seed,
        "not_tests": [*sorted(_LARGEST), "equalised_odds"],
        "tradeoff": tables,
        "audit": found,
    }


def _sizes(faces: EmbeddedFaces, names: Names) -> dict[str, dict[str, int]]:
    """How many faces of each group are trained on and tested."""
    trained, tested = names[: faces.fitted], names[faces.fitted :]
    return {
        name: {"training": int((trained == name).sum()), "test": int((tested == name).sum())}
        for name in sorted(set(names.tolist()) - {""})
    }


def _ways(faces: EmbeddedFaces, names: Names, minimum: int, seed: int) -> list[_Way]:
    """Every way of balancing by the groups (fitted,) of the training faces."""
    labels = faces.labels[: faces.fitted]
    listed, sizes = np.unique(names, return_counts=True)
    groups = np.where(np.isin(names, listed[sizes < minimum]), "", names)
    ways = []
    for balancing in BALANCINGS:
        for strength in STRENGTHS:
            if balancing == "sampling":
                chances = sampling_chances(groups, labels, strength=strength)
                drawn = [
                    drawn_order(chances, len(chances), seed + epoch) for epoch in range(EPOCHS)
                ]
                times = np.bincount(np.concatenate(drawn), minlength=len(chances)) / EPOCHS
                share = effective_share(chances)
            else:
                times = balancing_weights(groups, labels, strength=strength)
                share = effective_share(times)
            ways.append(_Way(balancing, strength, times, share))
    return ways


def _rows(ways: list[_Way], figures: Mapping[str, Floats]) -> list[dict[str, Any]]:
    """What is said of each reading: what ships, the last layer as it is, and balanced."""
    heads: list[dict[str, Any]] = [
        {"balancing": "as shipped", "strength": None, "effective_share": None},
        {"balancing": "none", "strength": None, "effective_share": 1.0},
        *(
            {
                "balancing": way.balancing,
                "strength": way.strength,
                "effective_share": round(way.effective_share, 4),
            }
            for way in ways
        ),
    ]
    rows = []
    for index, head in enumerate(heads):
        row = head | {
            name: _figure(
                figures[name][:, index],
                largest=name in _LARGEST,
                smallest=name == "worst_accuracy",
            )
            for name in _COMPARED
            if name in figures
        }
        row["equalised_odds"] = {
            emotion.value: _figure(figures[name][:, index], largest=True)
            for emotion in EMOTIONS
            if (name := rate_name("equalised_odds", emotion)) in figures
        }
        if index > _UNBALANCED:
            row["change"] = {
                name: _figure(figures[name][:, index] - figures[name][:, _UNBALANCED])
                for name in _COMPARED
                if name in figures
            }
        rows.append(row)
    return rows


def _closing(
    finding: Mapping[str, Any],
    tables: Mapping[str, Any],
    pairs: Mapping[str, PairedGroups],
    figures: Mapping[str, Mapping[str, Floats]],
) -> dict[str, Any]:
    """What each way at full strength leaves of the gap, and what it costs.

    Without a gap that of accuracy is followed by the column where it is largest.
    """
    if not pairs:
        return {}
    if finding["gap"]:
        column = finding["column"]
        high, low = (group["group"] for group in finding["groups"])
        gap = pairs[column].difference(finding["measure"], high, low)
    else:
        gaps = {name: of["accuracy_gap"] for name, of in figures.items()}
        column = max(gaps, key=lambda name: gaps[name][0, _UNBALANCED])
        gap = gaps[column]
    return {
        "column": column,
        "unbalanced": _figure(gap[:, _UNBALANCED], largest=not finding["gap"]),
        "closing": [
            {
                "balancing": row["balancing"],
                "left": _figure(gap[:, index], largest=not finding["gap"]),
                "change": _figure(gap[:, index] - gap[:, _UNBALANCED]),
                "accuracy": row["change"]["accuracy"],
            }
            for index, row in enumerate(tables[column]["ways"])
            if row["strength"] == max(STRENGTHS)
        ],
    }


def _figure(values: Floats, *, largest: bool = False, smallest: bool = False) -> dict[str, Any]:
    """A figure and its interval, of (1 + draws,): as it is, then as it scatters.

    Of a largest difference between groups it is `difference_interval`'s, which is no test, and of
    the smallest share of a group `smallest_interval`'s.
    """
    value = float(values[0])
    if largest:
        bounds = difference_interval(values[1:], value)
    elif smallest:
        bounds = smallest_interval(values[1:], value)
    else:
        bounds = percentile_interval(values[1:])
    return {"value": round(value, 4), "interval": rounded(bounds)}
