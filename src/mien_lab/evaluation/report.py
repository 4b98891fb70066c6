"""The figures as one self-contained HTML page without scripts, in light and dark."""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from mien import __version__
from mien.report.files import write_text
from mien_lab.evaluation.charts import (
    class_chart,
    confusion_chart,
    reliability_chart,
    risk_chart,
)
from mien_lab.evaluation.protocols import Evaluation

__all__ = ["render_report", "write_report"]

Section = Mapping[str, Any]

HEADLINES = {
    "accuracy": "Accuracy",
    "accuracy_single": "Accuracy at one size",
    "accuracy_flip": "Accuracy at one size, mean with mirror image",
    "macro_precision": "Precision, macro",
    "macro_recall": "Recall, macro",
    "macro_f1": "F1, macro",
    "weighted_precision": "Precision, weighted",
    "weighted_recall": "Recall, weighted",
    "weighted_f1": "F1, weighted",
    "roc_auc_macro": "ROC-AUC, one against the rest, macro",
    "expected_calibration_error": "Expected calibration error",
    "conformal_coverage": "Prediction sets that hold the label (nominal 0.9)",
    "conformal_mean_size": "Labels in a prediction set, mean",
    "aurc": "Area under the risk-coverage curve",
}
FACTS = ("layout", "split", "read", "precision", "sha256", "samples", "unlabelled", "failed")

# Accent colours have a contrast of at least 4.5 to 1 with their background in both schemes.
STYLE = """
:root { color-scheme: light dark; --page: #fff; --ink: #1a1f27; --muted: #5a6472;
  --line: #d5dae1; --accent: #1f4f8f; --dot: #1f4f8f; --cell: #000; }
@media (prefers-color-scheme: dark) { :root { --page: #11151c; --ink: #f0f3f6;
  --muted: #a0aab6; --line: #333b47; --accent: #2f6fbe; --dot: #7fb3f5;
  --cell: var(--ink); } }
body { background: var(--page); color: var(--ink); margin: 0 auto; max-width: 62rem;
  padding: 2rem 1rem; font: 1rem/1.5 system-ui, sans-serif; }
h1, h2, h3 { line-height: 1.2; }
h2 { border-top: 1px solid var(--line); padding-top: 1.5rem; margin-top: 2.5rem; }
.wide { overflow-x: auto; margin: 1.5rem 0; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--muted); padding-bottom: .4rem; }
th, td { padding: .25rem .8rem .25rem 0; border-bottom: 1px solid var(--line); text-align: left; }
figure { margin: 1.5rem 0; overflow-x: auto; }
figcaption, .muted { color: var(--muted); font-size: .9rem; }
.pair { display: flex; flex-wrap: wrap; gap: 0 2rem; }
.pair figure { flex: 1 1 26rem; margin: 0; }
code { overflow-wrap: anywhere; }
svg text { font: 12px system-ui, sans-serif; fill: var(--ink); }
svg .muted { fill: var(--muted); font-size: 12px; } svg .on-cell { fill: #fff; }
svg .in-cell { fill: var(--cell); }
svg .cell, svg .bar { fill: var(--accent); } svg .bar { fill-opacity: .45; }
svg .dot { fill: var(--dot); } svg polyline { fill: none; }
svg .grid { stroke: var(--line); } svg .guide { stroke: var(--muted); stroke-dasharray: 4 4; }
svg .curve { stroke: var(--dot); stroke-width: 2; }
svg .whisker { stroke: var(--dot); stroke-width: 2; }
"""


def write_report(path: Path, evaluation: Evaluation) -> None:
    """Write the page to a file.

    Raises:
        OutputError: if the file cannot be written; nothing is left under its name.
    """
    write_text(path, render_report(evaluation))


def render_report(evaluation: Evaluation) -> str:
    """The page as text."""
    facts = {name: evaluation.figures[name] for name in FACTS if name in evaluation.figures}
    failures = evaluation.figures.get("failures", [])
    parts = [
        "<h1>How far mien agrees with the labels</h1>",
        "<p>Figures of apparent expressions: how often mien reads a face as the people did who "
        "labelled the pictures. They do not say what anybody felt, and hold for pictures like "
        "these.</p>",
        _table("What was measured", ["", ""], [["mien", __version__], *_facts(facts)]),
        _unread(len(failures)),
    ]
    for title, section in evaluation.sections.items():
        parts.append(f"<h2>{escape(title)}</h2>{_section(section)}")
    parts.append(_failures(failures))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>mien: evaluation</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(part for part in parts if part)
        + "\n</body>\n</html>\n"
    )


def _facts(facts: Mapping[str, Any]) -> list[list[str]]:
    return [[name, "all" if value is None else str(value)] for name, value in facts.items()]


def _section(section: Section) -> str:
    intervals = section["intervals"]
    method = (
        f"Intervals of {intervals['level']:.0%}: {intervals['method']}, "
        f"{intervals['resamples']} resamples, seed {intervals['seed']}."
    )
    missed = f", in {section['missed']} of them no face was found" if section["missed"] else ""
    headlines = [
        [title, _number(section[name]), _interval(intervals["values"].get(name))]
        for name, title in HEADLINES.items()
        if name in section
    ]
    parts = [
        f"<p>{section['n']} {'case' if section['n'] == 1 else 'cases'}{missed}.</p>",
        _table(method, ["", "figure", "interval"], headlines),
        _per_class(section),
        _figure(class_chart(section), "Recall of each label, with its interval."),
        _figure(
            confusion_chart(section),
            "Rows: the label. Columns: the reading. Fuller colour: a larger share of the row.",
        ),
        '<div class="pair">',
        _figure(
            reliability_chart(section),
            "Accuracy by confidence; on the dashed line they are equal.",
        ),
        _figure(
            risk_chart(section),
            "Errors among the cases answered, if the least confident are left out.",
        ),
        "</div>",
        _comparison(section.get("comparison")),
        _not_computed(section["not_computed"]),
    ]
    return "\n".join(part for part in parts if part)


def _per_class(section: Section) -> str:
    rows = [
        [
            label,
            *(_number(figures[name]) for name in ("precision", "recall", "f1")),
            _number(section["roc_auc"][label]),
            str(figures["support"]),
        ]
        for label, figures in section["per_class"].items()
    ]
    header = ["label", "precision", "recall", "F1", "ROC-AUC", "cases"]
    return _table("Each label", header, rows)


def _comparison(found: Section | None) -> str:
    if found is None:
        return ""
    # The interval is clustered by person; the test is not.
    alone = ", as if each picture showed another person" if found["people"] else ""
    rows = [
        ["cases that both read", str(found["n"])],
        ["accuracy of mien", _number(found["accuracy"])],
        ["accuracy of the other", _number(found["other_accuracy"])],
        ["difference", f"{found['difference']:+.3f} {_interval(found['difference_interval'])}"],
        ["only mien right", str(found["only_ours_right"])],
        ["only the other right", str(found["only_other_right"])],
        [f"p, McNemar's exact test{alone}", f"{found['mcnemar_exact_p']:.3g}"],
    ]
    return "<h3>Comparison with another reader</h3>" + _table(
        "On the same cases", ["", "figure"], rows
    )


def _not_computed(found: Sequence[Mapping[str, str]]) -> str:
    if not found:
        return ""
    rows = [[entry["figure"], entry["reason"]] for entry in found]
    return "<h3>Not computed</h3>" + _table("Figures that have no value", ["figure", "why"], rows)


def _unread(count: int) -> str:
    if not count:
        return ""
    told = "1 picture" if count == 1 else f"{count} pictures"
    return f'<p><a href="#unread">{told} could not be read</a>: in no figure, named at the end.</p>'


def _failures(failures: Sequence[Mapping[str, str]]) -> str:
    if not failures:
        return ""
    rows = [[entry["name"], entry["reason"]] for entry in failures]
    title = f'<h2 id="unread">Pictures that could not be read: {len(failures)}</h2>'
    return title + _table("They are in no figure", ["picture", "why"], rows)


def _figure(svg: str, caption: str) -> str:
    return f"<figure>{svg}<figcaption>{escape(caption)}</figcaption></figure>"


def _table(caption: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in header)
    lines = []
    for first, *cells in rows:
        others = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        lines.append(f'<tr><th scope="row">{escape(first)}</th>{others}</tr>')
    top = f"<thead><tr>{head}</tr></thead>" if any(header) else ""
    return (
        f'<div class="wide"><table><caption>{escape(caption)}</caption>{top}'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def _number(value: float | None) -> str:
    return "not computed" if value is None else f"{value:.3f}"


def _interval(pair: Sequence[float] | None) -> str:
    return "" if pair is None else f"{pair[0]:.3f} to {pair[1]:.3f}"
