"""Accuracy of the expression network as tables and sentences for documents, with the goals."""

from collections.abc import Mapping
from typing import Any

from mien.core.labels import EMOTIONS
from mien_lab.evaluation.markdown import share, table

__all__ = [
    "BEYOND",
    "GOALS",
    "accuracy_table",
    "calibration_text",
    "class_table",
    "copies_text",
    "precision_text",
    "sizes_text",
    "verdict_text",
]

Figures = Mapping[str, Any]

GOALS = {"fer2013": 0.70, "ferplus": 0.86, "photographs": 0.76}
"""Minimum accuracy that mien aims for."""
BEYOND = {"fer2013": 0.74, "ferplus": 0.89, "photographs": 0.80}
"""Accuracy beyond those, near or above what is published of single networks on these data alone."""
OTHER_WAYS = {
    "at one size": "single",
    "at one size, mean with mirror image": "flip",
}
"""Further ways to crop a face, with the suffix of their figures' names."""


def accuracy_table(figures: Figures) -> str:
    """Accuracy, macro F1 and macro recall of mien and its peers on each test set."""
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
    ]
    for title, way in OTHER_WAYS.items():
        cells = (_otherwise(private["int8"][name], way) for name in ("fer2013", "ferplus"))
        rows.append([f"mien, int8, {title}", *cells, "-"])
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
        f"{share(crops[name]['macro_recall'])}"
        for name in ("fer2013", "ferplus")
    ]
    return [title, *cells, _photographs(wild, bold)]


def _otherwise(crops: Figures, way: str) -> str:
    names = (f"accuracy_{way}", f"macro_f1_{way}", f"macro_recall_{way}")
    return " / ".join(share(crops[name]) for name in names if name in crops)


def _photographs(wild: Figures | None, bold: bool = False) -> str:
    if wild is None:
        return "-"
    return (
        f"{share(wild['accuracy'], bold)} / {share(wild['macro_f1'])} / "
        f"{share(wild['macro_recall'])} ({wild['missed']} missed)"
    )


def verdict_text(figures: Figures) -> str:
    """Which accuracy goals are reached, and the intervals of accuracy."""
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
        f"Goals: {'; '.join(parts)}.\nThe goals beyond them, "
        f"{share(BEYOND['fer2013'])}, {share(BEYOND['ferplus'])} and "
        f"{share(BEYOND['photographs'])}, are {'' if _beyond(crops, wild) else 'not '}reached. "
        f"The 95 % intervals: {', '.join(intervals)}."
    )


def _beyond(crops: Figures, wild: Figures) -> bool:
    values = crops["fer2013"]["accuracy"], crops["ferplus"]["accuracy"], wild["accuracy"]
    return all(value >= goal for value, goal in zip(values, BEYOND.values(), strict=True))


def copies_text(figures: Figures) -> str:
    """Accuracy on test pictures with training copies, and what memorising them would gain."""
    found = figures["copies"]["PrivateTest"]
    return (
        f"{found['copied']:,} of PrivateTest's {found['n']:,} pictures also occur in the training "
        "part. mien was trained on hardly any of these copies: its accuracy is "
        f"{share(found['accuracy_copied'])} on these pictures\nand "
        f"{share(found['accuracy_others'])} on the others. The majority label of the copies is "
        f"correct for {share(found['remembered'])} of them:\nthe same network with memorised "
        "labels of the copies would reach an accuracy of "
        f"**{share(found['accuracy_remembering'])}** instead of {share(found['accuracy'])}. The "
        "label predicted\nfrom the votes of FER+'s ten annotators, by a regression on the kept "
        f"training rows, is FER2013's label for {share(found['accuracy_voters'])} of PrivateTest."
    )


def class_table(figures: Figures) -> str:
    """Precision, recall, F1 and support of each label on FER+."""
    classes = figures["crops"]["int8"]["PrivateTest"]["ferplus"]["per_class"]
    names = [str(emotion) for emotion in EMOTIONS]
    rows = [["", *names]]
    for figure in ("precision", "recall", "f1"):
        rows.append([figure, *(f"{classes[name][figure]:.2f}" for name in names)])
    rows.append(["support", *(str(classes[name]["support"]) for name in names)])
    return table(rows)


def calibration_text(figures: Figures) -> str:
    """Calibration error, coverage and size of prediction sets, and what `uncertain` tells."""
    crops = figures["crops"]["int8"]["PrivateTest"]["ferplus"]
    wild = figures["photographs"]["int8"]
    marked = wild["uncertain"]
    others = wild["n"] - wild["missed"] - marked["n"]
    return (
        "Calibration, int8, on FER+ PrivateTest: expected calibration error "
        f"{crops['expected_calibration_error']:.3f} (15 bins);\nprediction sets (nominal 90 %) "
        f"contain the label in {share(crops['conformal_coverage'])} of cases, with "
        f"{crops['conformal_mean_size']:.2f} labels on average.\nOn whole photographs "
        f"(n = {wild['n']}), which differ from the data that both were fitted on, the calibration "
        f"error is {wild['expected_calibration_error']:.3f} and the sets contain the label in "
        f"{share(wild['conformal_coverage'])}.\n{marked['n']} of these readings are marked "
        f"uncertain, {marked['wrong']} of them wrong; of the other {others}, "
        f"{marked['wrong_others']} are wrong."
    )


def sizes_text(figures: Figures) -> str:
    """Gain in accuracy from test-time augmentation by several sizes."""
    found = figures["crops"]["int8"]["PublicTest"]
    gained = (
        f"{name} {100 * (found[key]['accuracy'] - found[key]['accuracy_single']):+.1f} points"
        for name, key in (("FER+", "ferplus"), ("FER2013", "fer2013"))
    )
    return (
        "Gain over a single crop on PublicTest, on which the sizes were chosen: "
        f"{', '.join(gained)}."
    )


def precision_text(figures: Figures) -> str:
    """Difference in accuracy between int8 and fp32."""
    both = {name: part["PublicTest"] for name, part in figures["crops"].items()}
    lost = [
        100 * (both["fp32"][name]["accuracy"] - both["int8"][name]["accuracy"])
        for name in ("fer2013", "ferplus")
    ]
    told = [f"{'loses' if points >= 0 else 'gains'} {abs(points):.2f}" for points in lost]
    return (
        f"On PublicTest, on which the default was chosen, int8 {told[0]} points of accuracy on "
        f"FER2013 and {told[1]} on FER+."
    )
