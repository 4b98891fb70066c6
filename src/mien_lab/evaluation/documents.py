"""Figures into documents: what stands between two markers is written from the measurements.

A block begins with ``<!-- figures: name -->`` and ends with ``<!-- end -->``, each on a line.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from mien.core.errors import InputError
from mien.core.labels import EMOTIONS
from mien_lab.evaluation.markdown import MISSED, met, plain, share, table
from mien_lab.evaluation.performance import films_table, speed_table, tracking_table

__all__ = ["ADDED", "GOALS", "fill", "measured"]

Figures = Mapping[str, Any]

GOALS = {
    "fer2013": 0.70,
    "ferplus": 0.86,
    "photographs": 0.76,
    "portraits": 0.99,
    "landmarks": 0.05,
    "false_faces": 1.0,
    "scenes": 0.95,
    "generated": 0.90,
    "wild_faces": 0.995,
}
"""What a release of mien promises; a figure that misses its goal says so in every table."""

BEYOND = {"fer2013": 0.74, "ferplus": 0.89, "photographs": 0.80}
"""Better than any published single network trained on these data alone."""
ADDED = {
    "peers": "mien-lab peers",
    "robustness": "mien-lab robustness",
    "audit": "mien-lab audit",
    "speed": "mien bench",
    "films": "mien bench --video",
    "tracking": "mien-lab tracking evaluate",
}
"""What `mien-lab figures add` brings, with the command that measures it."""
BLOCK = re.compile(r"(<!-- figures: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def fill(document: str, figures: Figures) -> str:
    """The document with every block written anew.

    Raises:
        InputError: if a block has an unknown name, or needs figures that are not there.
    """
    there = _Parts(figures)

    def written(match: re.Match[str]) -> str:
        if match[2] not in _BLOCKS:
            known = ", ".join(_BLOCKS)
            raise InputError(f"there is no block of figures named {match[2]!r}; choose of: {known}")
        return f"{match[1]}{_BLOCKS[match[2]](there)}\n{match[3]}"

    return BLOCK.sub(written, document)


class _Parts(dict[str, Any]):
    """Figures whose missing parts are errors that say what makes them."""

    def __missing__(self, part: str) -> Any:
        if part not in ADDED:
            raise InputError(f"there are no figures of {part}; run `mien-lab figures measure`")
        raise InputError(
            f"there are no figures of {part}; run `{ADDED[part]} --json`, then `mien-lab figures "
            "add` with the file it wrote"
        )


def measured(figures: Figures, precision: str) -> dict[str, Any]:
    """What the card of the expression network says of itself, in PrivateTest and photographs."""
    crops, wild = figures["crops"][precision]["PrivateTest"], figures["photographs"][precision]
    sets = {"fer2013": crops["fer2013"], "ferplus": crops["ferplus"], "photographs": wild}
    classes = crops["ferplus"]["per_class"]
    return {
        name: {"n": found["n"], "accuracy": round(found["accuracy"], 4)}
        for name, found in sets.items()
    } | {"recall": {name: round(one["recall"], 4) for name, one in classes.items()}}


def _accuracy(figures: Figures) -> str:
    private = {name: part["PrivateTest"] for name, part in figures["crops"].items()}
    wild = figures["photographs"]
    rows = [
        [
            "",
            f"FER2013, 7 classes, n = {private['int8']['fer2013']['n']:,}",
            f"FER+, 8 classes, n = {private['int8']['ferplus']['n']:,}",
            f"whole photographs, n = {wild['int8']['n']}",
        ],
        _reader("**mien, int8 (default)**", private["int8"], wild["int8"], bold=True),
        _reader("mien, fp32", private["fp32"], wild["fp32"]),
        [
            "mien, int8, mean with mirror image",
            *(_mirrored(private["int8"][name]) for name in ("fer2013", "ferplus")),
            "-",
        ],
    ]
    for name, peer in figures["peers"].items():
        places = peer["wild"]
        title = f"{name} {peer['version']}"
        rows.append(_reader(title, peer, places["own_detector"]))
        if places.get("mien_detector"):
            found = _photographs(places["mien_detector"])
            rows.append([f"{title}, mien's detector", "", "", found])
    return table(rows)


def _reader(title: str, crops: Figures, wild: Figures, *, bold: bool = False) -> list[str]:
    cells = [
        f"{share(crops[name]['accuracy'], bold)} / {share(crops[name]['macro_f1'])} / "
        f"{share(crops[name]['mean_recall'])}"
        for name in ("fer2013", "ferplus")
    ]
    return [title, *cells, _photographs(wild, bold)]


def _mirrored(crops: Figures) -> str:
    names = ("accuracy_flip", "macro_f1_flip", "mean_recall_flip")
    return " / ".join(share(crops[name]) for name in names if name in crops)


def _photographs(wild: Figures, bold: bool = False) -> str:
    return (
        f"{share(wild['accuracy'], bold)} / {share(wild['macro_f1'])} / "
        f"{share(wild['mean_recall'])} ({wild['missed']} missed)"
    )


def _verdict(figures: Figures) -> str:
    crops, wild = figures["crops"]["int8"]["PrivateTest"], figures["photographs"]["int8"]
    reached = {
        "FER2013": (crops["fer2013"]["accuracy"], GOALS["fer2013"]),
        "FER+": (crops["ferplus"]["accuracy"], GOALS["ferplus"]),
        "photographs": (wild["accuracy"], GOALS["photographs"]),
    }
    parts = [
        f"{name} {share(goal)} ({'reached' if value >= goal else f'**missed**: {share(value)}'})"
        for name, (value, goal) in reached.items()
    ]
    intervals = []
    for name, found in zip(reached, (crops["fer2013"], crops["ferplus"], wild), strict=True):
        if bounds := found.get("accuracy_interval"):
            intervals.append(f"{share(bounds[0])} to {share(bounds[1])} on {name}")
    return (
        f"Goals of this release: {'; '.join(parts)}.\nThe goals beyond it, "
        f"{share(BEYOND['fer2013'])}, {share(BEYOND['ferplus'])} and "
        f"{share(BEYOND['photographs'])}, are {'' if _beyond(crops, wild) else 'not '}reached. "
        f"The 95 % intervals: {', '.join(intervals)}."
    )


def _beyond(crops: Figures, wild: Figures) -> bool:
    values = crops["fer2013"]["accuracy"], crops["ferplus"]["accuracy"], wild["accuracy"]
    return all(value >= goal for value, goal in zip(values, BEYOND.values(), strict=True))


def _copies(figures: Figures) -> str:
    found = figures["copies"]["PrivateTest"]
    return (
        f"Of PrivateTest's {found['n']:,} pictures {found['copied']:,} are in the training part "
        f"too. mien, which never saw those copies, reads {share(found['accuracy_copied'])} of "
        f"these pictures\nas labelled and {share(found['accuracy_others'])} of the others. The "
        f"label most of its copies have is the right one for {share(found['remembered'])} of "
        "them:\nthe same network, if it only remembered the copies' labels, would have "
        f"**{share(found['accuracy_remembering'])}** instead of {share(found['accuracy'])}."
    )


def _per_class(figures: Figures) -> str:
    classes = figures["crops"]["int8"]["PrivateTest"]["ferplus"]["per_class"]
    names = [str(emotion) for emotion in EMOTIONS]
    rows = [["", *names]]
    for figure in ("precision", "recall", "f1"):
        rows.append([figure, *(f"{classes[name][figure]:.2f}" for name in names)])
    rows.append(["support", *(str(classes[name]["support"]) for name in names)])
    return table(rows)


def _calibration(figures: Figures) -> str:
    crops = figures["crops"]["int8"]["PrivateTest"]["ferplus"]
    wild = figures["photographs"]["int8"]
    return (
        "Calibration, int8, on FER+ PrivateTest: expected calibration error "
        f"{crops['expected_calibration_error']:.3f} (15 bins);\nprediction sets (nominal 90 %) "
        f"hold the label in {share(crops['conformal_coverage'])} of cases, with "
        f"{crops['conformal_mean_size']:.2f} labels in the mean;\non whole photographs, which "
        "differ from what the sets were fitted on, they hold it in "
        f"{share(wild['conformal_coverage'])}."
    )


def _precision(figures: Figures) -> str:
    both = {name: part["PublicTest"] for name, part in figures["crops"].items()}
    lost = [
        100 * (both["fp32"][name]["accuracy"] - both["int8"][name]["accuracy"])
        for name in ("fer2013", "ferplus")
    ]
    return (
        "On PublicTest, by which the default was chosen, int8 loses "
        f"{lost[0]:.2f} points of FER2013 and {lost[1]:.2f} of FER+."
    )


def _detector(figures: Figures) -> str:
    mien, peer = figures["detector"]["mien"], figures["detector"].get("centerface")
    rows = [["", "n", "goal", "mien", "CenterFace"]]
    for title, part, count, name, goal in _DETECTOR_ROWS:
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
            "groups of 15 at 1920 px found whole",
            str(groups["n"]),
            str(groups["n"]),
            str(groups["exactly_right"]) + MISSED * (groups["exactly_right"] < groups["n"]),
            str(others["exactly_right"]) if others else "-",
        ]
    )
    own_time = mien["ms_640x480_one_thread"]
    ratio = "" if peer is None else f"{own_time / peer['ms_640x480_one_thread']:.2f}"
    rows.append(["time at 640x480, one thread, relative", "40", "", ratio, "1"])
    return table(rows)


_DETECTOR_ROWS = (
    ("portraits found (IoU 0.5), people held out", "portraits", "n", "recall", GOALS["portraits"]),
    (
        "mean landmark error, share of eye distance",
        *("portraits", "n", "landmark_error_mean", GOALS["landmarks"]),
    ),
    (
        "false faces per 100 face-free photographs",
        "face_free",
        "n",
        "per_100",
        GOALS["false_faces"],
    ),
    ("human faces in everyday photographs found", "scenes", "n", "recall", GOALS["scenes"]),
    (
        "faces of 20 px and more in generated scenes",
        *("generated", "n_20px", "recall_20px", GOALS["generated"]),
    ),
    ("`data/wild`: at least one face", "wild", "n", "at_least_one", GOALS["wild_faces"]),
)
"""Title, part of the figures, its count and its figure, goal."""


def _temporal(figures: Figures) -> str:
    found = figures["temporal"]["PrivateTest"]
    truth = found["clean"]["single frames"]["true_changes_per_s"]
    rows = [
        [
            "",
            "accuracy per frame",
            f"label changes per second (truth {truth:.2f})",
            "delay of true changes, median / mean",
            "true changes recognised",
        ]
    ]
    for quality, ways in found.items():
        for way in ("single frames", "recurrent", "best moving average"):
            values = ways[way]
            name = f"**{way}**" if way == "recurrent" else way
            if way == "best moving average":
                name += f" ({values['time_constant_s']:.2f} s)"
            delays = values["delay_ms_median"], values["delay_ms_mean"]
            rows.append(
                [
                    f"{quality}: {name}",
                    share(values["accuracy"]),
                    plain(values["changes_per_s"]),
                    f"{delays[0]:.0f} / {delays[1]:.0f} ms",
                    f"{100 * values['recognised']:.0f} %",
                ]
            )
    return table(rows)


def _temporal_verdict(figures: Figures) -> str:
    both = figures["temporal"]
    poor, clean = both["PrivateTest"]["poor"], both["PrivateTest"]["clean"]
    single, own = poor["single frames"], poor["recurrent"]
    gained = 100 * (own["accuracy"] - single["accuracy"])
    kept, chosen = (
        100 * (part["recurrent"]["accuracy"] - part["single frames"]["accuracy"])
        for part in (clean, both["PublicTest"]["clean"])
    )
    fewer = single["changes_per_s"] / max(own["changes_per_s"], 1e-9)
    return (
        f"Goals: 5 points above single frames when poor ({met(gained >= 5)}: {gained:+.1f}), not "
        f"below them when clean ({met(kept >= 0)}: {kept:+.1f} here;\non PublicTest clips, by "
        f"which the network was chosen, {chosen:+.1f}), a third of the changes when poor "
        f"({met(fewer >= 3)}: {fewer:.1f} times fewer),\na median delay of at most 300 ms "
        f"({met(own['delay_ms_median'] <= 300)}), better than the best moving average in accuracy "
        f"and delay\nwhen poor ({_beside_average(poor)}) and when clean ({_beside_average(clean)})."
        f"\n\nExpected calibration error of the recurrent network and share of its prediction sets "
        f"(nominal 90 %) that hold the label:\n{_steadied(clean)} when clean, {_steadied(poor)} "
        "when poor."
    )


def _beside_average(ways: Figures) -> str:
    own, mean = ways["recurrent"], ways["best moving average"]
    better = own["accuracy"] > mean["accuracy"] and all(
        own[name] <= mean[name] for name in ("delay_ms_median", "delay_ms_mean")
    )
    return (
        f"{met(better)}: {share(own['accuracy'])} against {share(mean['accuracy'])}, mean delay "
        f"{own['delay_ms_mean']:.0f} against {mean['delay_ms_mean']:.0f} ms"
    )


def _steadied(ways: Figures) -> str:
    own = ways["recurrent"]
    return f"{own['expected_calibration_error']:.3f} and {share(own['conformal_coverage'])}"


def _robustness(figures: Figures) -> str:
    found = figures["robustness"]
    readers = found["readers"]
    rows = [["", *readers]]
    kept = []
    for one in readers.values():
        low, high = one["relative_accuracy_interval"]
        kept.append(f"**{share(one['relative_accuracy'])}** ({share(low)} to {share(high)})")
    rows.append(["all kinds", *kept])
    for kind in readers["mien"]["relative_accuracy_by_corruption"]:
        shares = [one["relative_accuracy_by_corruption"][kind] for one in readers.values()]
        rows.append([kind, *map(share, shares)])
    return table(rows)


def _audit(figures: Figures) -> str:
    text = figures["audit"]["finding"]["text"].replace(
        "gaps below", "gaps are listed by the command"
    )
    return f"{text} (n = {figures['audit']['n']:,})"


_BLOCKS: dict[str, Callable[[Figures], str]] = {
    "accuracy": _accuracy,
    "verdict": _verdict,
    "copies": _copies,
    "per_class": _per_class,
    "calibration": _calibration,
    "precision": _precision,
    "detector": _detector,
    "temporal": _temporal,
    "temporal_verdict": _temporal_verdict,
    "robustness": _robustness,
    "audit": _audit,
    "speed": lambda figures: speed_table(figures["speed"]),
    "films": lambda figures: films_table(figures["films"]),
    "tracking": lambda figures: tracking_table(figures["tracking"]),
}
