"""Table of the detector's figures for documents, with the goals."""

from collections.abc import Mapping
from typing import Any

from mien_lab.evaluation.markdown import MISSED, plain, share, table

__all__ = ["detector_table"]

Figures = Mapping[str, Any]

_ROWS = (
    ("portraits found (IoU 0.5), people held out", "portraits", "n", "recall", 0.99),
    ("mean landmark error, share of eye distance", "portraits", "n", "landmark_error_mean", 0.05),
    ("false faces per 100 face-free photographs", "face_free_seen", "n", "per_100", 1.0),
    ("the same, with three whose face the labels miss", "face_free", "n", "per_100", 1.0),
    ("human faces in everyday photographs found", "scenes", "n", "recall", 0.95),
    ("faces of 20 px and more in generated scenes", "generated", "n_20px", "recall_20px", 0.90),
    ("`data/wild`: at least one face", "wild", "n", "at_least_one", 0.995),
)
"""Title, part of the figures, names of its count and its figure, and the goal of a release."""


def detector_table(figures: Figures) -> str:
    """Figures of the detector with their goals, and of CenterFace if it was measured."""
    mien, peer = figures["mien"], figures.get("centerface")
    rows = [["", "n", "goal", "mien", "CenterFace"]]
    for title, part, count, name, goal in _ROWS:
        own = mien[part][name]
        few_are_good = name in ("landmark_error_mean", "per_100")
        missed = own > goal if few_are_good else own < goal
        show = plain if name == "per_100" else share
        rows.append(
            [
                title,
                f"{mien[part][count]:,}",
                show(goal),
                show(own) + MISSED * missed,
                "-" if peer is None else show(peer[part][name]),
            ]
        )
    groups, others = mien["groups"], peer and peer["groups"]
    rows.append(
        [
            "groups of 15 at 1920 px, exactly all faces found",
            str(groups["n"]),
            str(groups["n"]),
            str(groups["exactly_right"]) + MISSED * (groups["exactly_right"] < groups["n"]),
            str(others["exactly_right"]) if others else "-",
        ]
    )
    own_time = mien["ms_640x480_one_thread"]
    ratio = "" if peer is None else f"{own_time / peer['ms_640x480_one_thread']:.2f}"
    rows.append(["time at 640x480, one thread, relative", "3", "", ratio, "1"])
    return table(rows)
