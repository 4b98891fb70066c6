"""Table and verdict of the recurrent network for documents, with the goals."""

from collections.abc import Mapping
from typing import Any

from mien_lab.evaluation.markdown import met, plain, share, table

__all__ = ["temporal_table", "temporal_verdict"]

Figures = Mapping[str, Any]


def temporal_table(figures: Figures) -> str:
    """Accuracy, label changes and delay of each method on clips."""
    found = figures["PrivateTest"]
    truth = found["clean"]["single frames"]["true_changes_per_s"]
    rows = [
        [
            "",
            "accuracy per frame / macro recall",
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
            delays = [_whole(values[name]) for name in ("delay_ms_median", "delay_ms_mean")]
            rows.append(
                [
                    f"{quality}: {name}",
                    f"{share(values['accuracy'])} / {share(values['macro_recall'])}",
                    plain(values["changes_per_s"]),
                    f"{delays[0]} / {delays[1]} ms",
                    _per_cent(values["recognised"]),
                ]
            )
    return table(rows)


def temporal_verdict(figures: Figures) -> str:
    """Which goals the recurrent network reaches, and its calibration."""
    poor, clean, both = (figures["PrivateTest"][name] for name in ("poor", "clean", "all"))
    single, own = poor["single frames"], poor["recurrent"]
    # Equal counts of right frames may differ by the rounding of their means.
    gained, kept = (
        round(100 * part["gained"]["single frames"]["mean"], 6) for part in (poor, clean)
    )
    delay = own["delay_ms_median"]
    in_time = delay is not None and delay <= 300
    fewer = single["changes_per_s"] / max(own["changes_per_s"], 1e-9)
    return (
        f"Goals: 5 points above single frames when poor ({met(gained >= 5)}: {_gained(poor)}), not "
        f"below them when clean ({_word(clean, 'single frames', kept >= 0)}: {_gained(clean)} "
        "here;\non PublicTest clips, by which the network was chosen, "
        f"{_gained(figures['PublicTest']['clean'])}; standard errors over clips, some of which "
        "share stills), a third of the changes when poor "
        f"({met(fewer >= 3)}: {fewer:.1f} times fewer),\na median delay of at most 300 ms "
        f"({met(in_time)}), better than the best moving average in accuracy "
        f"and delay\nover all clips ({_beside_average(both)}), when poor\n"
        f"({_beside_average(poor)}) and when clean\n({_beside_average(clean)})."
        f"\n\nExpected calibration error of the recurrent network and share of its prediction sets "
        f"(nominal 90 %) that contain the label:\n{_trust(clean)} when clean, {_trust(poor)} "
        "when poor."
    )


def _gained(ways: Figures) -> str:
    found = ways["gained"]["single frames"]
    error = found["standard_error"]
    return f"{100 * found['mean']:+.1f}" + ("" if error is None else f" ± {100 * error:.1f}")


def _beside_average(ways: Figures) -> str:
    own, mean = ways["recurrent"], ways["best moving average"]
    better = own["accuracy"] > mean["accuracy"] and all(
        own[name] is not None and (mean[name] is None or own[name] <= mean[name])
        for name in ("delay_ms_median", "delay_ms_mean")
    )
    return (
        f"{_word(ways, 'best moving average', better)}: {share(own['accuracy'])} against "
        f"{share(mean['accuracy'])}, mean delay "
        f"{_whole(own['delay_ms_mean'])} against {_whole(mean['delay_ms_mean'])} ms"
        f"{_as_early(ways)}"
    )


def _word(ways: Figures, other: str, better: bool) -> str:
    """Whether a goal is met; a deficit within the standard error is called even."""
    gained = ways["gained"][other]
    even = not better and abs(gained["mean"]) <= (gained["standard_error"] or 0)
    return "even, within the standard error of the accuracy" if even else met(better)


def _as_early(ways: Figures) -> str:
    """The most accurate moving average whose mean delay is at most that of the network."""
    own = ways["recurrent"]["delay_ms_mean"]
    early = {
        seconds: one["accuracy"]
        for seconds, one in ways["moving averages"].items()
        if own is not None and one["delay_ms_mean"] is not None and one["delay_ms_mean"] <= own
    }
    if not early:
        return "; no average is as early"
    best = max(early, key=lambda seconds: early[seconds])
    return f"; of averages as early, that of {float(best):.2f} s is the best: {share(early[best])}"


def _whole(delay: float | None) -> str:
    return "-" if delay is None else f"{delay:.0f}"


def _per_cent(part: float | None) -> str:
    return "-" if part is None else f"{100 * part:.0f} %"


def _trust(ways: Figures) -> str:
    own = ways["recurrent"]
    return f"{own['expected_calibration_error']:.3f} and {share(own['conformal_coverage'])}"
