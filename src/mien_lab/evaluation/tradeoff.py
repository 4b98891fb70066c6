"""Effect of balancing the training faces by group on gaps between groups, and its cost.

The last layer of the network is refitted on the embeddings of its training faces, without balancing
and with each way of balancing, and evaluated on PublicTest. Nothing is selected on PublicTest: the
strengths are fixed, and the weight decay is that of the network's training. Since the embeddings
are fixed and were trained on these same faces, balancing a whole training may have a larger effect.
"""

import itertools
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
from mien_lab.evaluation.embedded_faces import SPLIT, EmbeddedFaces, columns_of, embed
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
"""Weight decay, as in `mien-lab train`."""
EPOCHS = 50
"""Number of epochs whose draws are pooled for a fit by sampling, as in `mien-lab train`."""
_UNBALANCED = 1
"""Index of the unbalanced reading, the baseline of changes; index 0 is the shipped network."""
_COMPARED = (
    "accuracy",
    "macro_recall",
    "worst_accuracy",
    "accuracy_gap",
    "equalised_odds_mean",
    "equalised_odds_largest",
)
"""Figures whose changes are reported."""
_LARGEST = frozenset({"accuracy_gap", "equalised_odds_mean", "equalised_odds_largest"})
"""Figures that are largest differences between groups."""

Floats = npt.NDArray[np.float64]
Names = npt.NDArray[np.str_]


@dataclass(frozen=True)
class _Way:
    """A way of balancing, with the resulting weights of the training faces.

    Attributes:
        balancing: one of `BALANCINGS`.
        strength: its strength, 0 to 1.
        times: (n,) weight of each face, with mean 1.
        effective_share: effective sample size relative to the number of faces.
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

    The baseline of changes is the refitted last layer without balancing; their 95 % intervals are
    paired by face. Largest differences between groups are above 0 by chance alone, and their
    intervals are not tests (`not_tests` lists them). The finding is that of `audit` for the
    baseline; its `closing` gives the remaining gap for each way of balancing at full strength. The
    shipped network is also reported: its heads blend two heads and were fitted on PublicTest.

    Args:
        folder: FER2013 with FER+'s votes.
        groups: a CSV in the format of `mien-lab train --groups`, with one or more columns, for
            training and PublicTest faces; None for terciles of image conditions.
        precision: fp32 or int8.
        weights: folder with weights; the shipped ones if None.
        minimum: minimum number of test faces of a group to report it, and of training faces to
            balance it.
        threads: threads of the network; all cores if None.
        seed: seed of sampling and bootstrap.
        draws: number of bootstrap resamples.

    Raises:
        InputError: if there are no faces to fit or to measure on, or none of them has a group.
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
    """Number of training and test faces of each group."""
    trained, tested = names[: faces.fitted], names[faces.fitted :]
    return {
        name: {"training": int((trained == name).sum()), "test": int((tested == name).sum())}
        for name in sorted(set(names.tolist()) - {""})
    }


def _ways(faces: EmbeddedFaces, names: Names, minimum: int, seed: int) -> list[_Way]:
    """All ways of balancing by the groups `names` (fitted,) of the training faces."""
    labels = faces.labels[: faces.fitted]
    listed, sizes = np.unique(names, return_counts=True)
    groups = np.where(np.isin(names, listed[sizes < minimum]), "", names)
    ways = []
    for balancing, strength in itertools.product(BALANCINGS, STRENGTHS):
        if balancing == "sampling":
            chances = sampling_chances(groups, labels, strength=strength)
            count = len(chances)
            drawn = [drawn_order(chances, count, seed + epoch) for epoch in range(EPOCHS)]
            times = np.bincount(np.concatenate(drawn), minlength=count) / EPOCHS
            share = effective_share(chances)
        else:
            times = balancing_weights(groups, labels, strength=strength)
            share = effective_share(times)
        ways.append(_Way(balancing, strength, times, share))
    return ways


def _rows(ways: list[_Way], figures: Mapping[str, Floats]) -> list[dict[str, Any]]:
    """The rows of a table: shipped network, refitted last layer, and each way of balancing."""
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
    """The remaining gap and the cost in accuracy of each way of balancing at full strength.

    Without a significant gap, the largest difference in accuracy of any column is used.
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
    """A figure and its interval from values (1 + draws,): of the sample, then of each draw.

    The interval is that of `difference_interval` for a largest difference between groups, and of
    `smallest_interval` for the smallest share of a group.
    """
    value = float(values[0])
    if largest:
        bounds = difference_interval(values[1:], value)
    elif smallest:
        bounds = smallest_interval(values[1:], value)
    else:
        bounds = percentile_interval(values[1:])
    return {"value": round(value, 4), "interval": rounded(bounds)}
