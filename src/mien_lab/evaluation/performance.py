"""Tables of the figures of `mien bench` and `mien-lab tracking evaluate`, for documents."""

from collections.abc import Mapping
from typing import Any

from mien.core.errors import InputError
from mien_lab.evaluation.markdown import MISSED, share, table
from mien_lab.evaluation.tracking import LOCATED

__all__ = ["FILM_GOALS", "films_table", "speed_table", "tracking_table"]

Figures = Mapping[str, Any]

FILM_GOALS = {
    "one_face_times_real": 5.0,
    "four_faces_times_real": 2.0,
    "live_p50_ms": 25.0,
    "live_p95_ms": 50.0,
    "edge_rss_mb": 250.0,
}
"""Goals of a release on two cores: minima for the first two, maxima for the others."""

_SETTINGS = ((1, 1), (1, 2), (16, 2))
"""Number of faces and threads of each column."""


def speed_table(figures: Figures) -> str:
    """Times of detector and pipeline in milliseconds, and the ratio of int8 to fp32."""
    found = {
        (row["part"], row["precision"], row["faces"], row["threads"]): row["median_ms"]
        for row in figures["measurements"]
    }

    def time(part: str, precision: str, faces: int, threads: int) -> float:
        try:
            return float(found[part, precision, faces, threads])
        except KeyError:
            raise InputError(
                f"the figures of speed have no {precision} {part} with {faces} faces and "
                f"{threads} threads; run `mien bench --json` again and add what it writes"
            ) from None

    rows = [
        ["", *(f"{_count(faces, 'face')}, {_count(n, 'thread')}" for faces, n in _SETTINGS)],
        ["detector alone", *(f"{time('detector', '', 0, n):.0f}" for _, n in _SETTINGS)],
    ]
    for precision, title in (("int8", "whole, int8 (default)"), ("fp32", "whole, fp32")):
        times = (time("pipeline", precision, faces, n) for faces, n in _SETTINGS)
        rows.append([title, *(f"{value:.0f}" for value in times)])
    saved = time("expression", "int8", 1, 1) / time("expression", "fp32", 1, 1)
    return (
        f"{table(rows)}\n\n{_machine(figures)} For one face on one thread the int8 "
        f"network takes {saved:.2f} of the time of the fp32 network."
    )


def films_table(figures: Figures) -> str:
    """Speed on video, live latency and memory, with their goals."""
    found = figures["video"]
    rows = [["", "measured", "goal"]]
    for title, name in (("one face", "one_face"), ("four faces", "four_faces")):
        times, goal = found[f"{name}_times_real"], FILM_GOALS[f"{name}_times_real"]
        text = (
            f"{times:.1f} ({found[f'{name}_fps']:.0f} fps; "
            f"{found[f'{name}_ratio']:.1f} times as fast as frame by frame)"
        )
        rows.append([f"{title}, times real time", text + MISSED * (times < goal), f"{goal:g}"])
    names = "live_p50_ms", "live_p95_ms"
    late = any(found[name] > FILM_GOALS[name] for name in names)
    rows.append(
        [
            "live latency from frame to result, decoding included, median / 95 %",
            " / ".join(f"{found[name]:.0f}" for name in names)
            + f" ms ({found['live_p50_ratio']:.1f} times as fast as frame by frame)"
            + MISSED * late,
            " / ".join(f"{FILM_GOALS[name]:g}" for name in names) + " ms",
        ]
    )
    rows.append(["live frames dropped, at 25 per second", share(found["drop_rate"]), ""])
    edge, goal = found["edge_rss_mb"], FILM_GOALS["edge_rss_mb"]
    text = "unknown" if edge is None else f"{edge:.0f} MB" + MISSED * (edge > goal)
    rows.append(["edge profile, peak resident memory", text, f"{goal:g} MB"])
    if found["rss_mb"] is None or found["rss_slope_mb_per_hour"] is None:
        return f"{table(rows)}\n\n{_machine(figures)}"
    return (
        f"{table(rows)}\n\n{_machine(figures)} After {found['film_minutes']:g} minutes of "
        f"looped video, resident memory was {found['rss_mb']:.0f} MB; its slope in the second half "
        f"was {found['rss_slope_mb_per_hour']:.1f} MB per hour."
    )


def tracking_table(figures: Figures) -> str:
    """Identity errors of each tracker, that used for video in bold, and the size of the test."""
    trackers = {name: value for name, value in figures.items() if isinstance(value, Mapping)}
    kinds = [name for name in trackers["mien"] if name != "all"]
    rows = [["", "id switches", "of them swaps between two faces", "extra ids"]]
    for name, found in trackers.items():
        counts = [f"{found['all'][key]:,}" for key in ("switches", "swaps", "extra_ids")]
        if name == LOCATED:
            counts[0] = f"**{counts[0]}**"
        rows.append([name, *counts])
    return (
        f"{table(rows)}\n\n{figures['scenes'] * len(kinds)} scenes of {figures['seconds']:g} "
        f"seconds, {trackers['mien']['all']['sightings']:,} sightings; in the bold row "
        f"{trackers[LOCATED]['all']['sightings']:,}, since new faces are first seen at a search."
    )


def _machine(figures: Figures) -> str:
    return f"Measured on {figures['processor']}, {_count(figures['cores'], 'core')}."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"
