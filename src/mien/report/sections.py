"""The sections of the HTML report as HTML strings; file names are escaped."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from mien.core.labels import EMOTIONS
from mien.core.types import Reading
from mien.report.charts import clock, expression_chart, percent, sentiment_chart, share_bar
from mien.report.events import ONSET_THRESHOLD, PEAK_THRESHOLD, Event
from mien.report.summaries import FaceSummary, ImageSummary, Tally, VideoSummary

__all__ = ["LEAD", "failures", "images", "limits", "networks", "title", "video"]

MOST_FACES = 12
"""Maximum number of faces of a video that get charts; the totals count all faces."""
LEAD = (
    "How the expressions of faces appear. An expression is not a feeling; mind the "
    '<a href="#limits">limits</a>.'
)

_LIMITS = (
    "“Appears” means: to the people who named the training pictures. What somebody feels, thinks "
    "or intends cannot be read from a face.",
    "Readings are often wrong; most often those of disgust, fear and contempt, and those of small, "
    "dark, turned or covered faces. “Uncertain” says which readings not to rely on.",
    "Differences between ages, genders, skin tones and cultures have not been measured yet. Expect "
    "them.",
    "Do not use this to judge people: not for hiring, schooling, policing, border control, "
    "insurance, credit, or medical or legal decisions; nor on people who have not agreed.",
    "A face keeps its number while it is in view. Nobody is recognised: a face that was away and "
    "comes back has a new number, and so has nearly every face after a cut.",
)
_DOUBT_HINT = "Pale: the part in which the reading was uncertain."


Names = Mapping[str, str]
"""Display name of each source; see `short_names`."""


def title(image_count: int, video_count: int) -> str:
    """The number of images and videos that were read, in words."""
    counts = [(image_count, "photograph"), (video_count, "film")]
    return " and ".join(_count(n, word) for n, word in counts if n) or "Nothing was read"


def video(summary: VideoSummary, names: Names, *, alone: bool) -> str:
    """A video: facts, shares, charts of its faces, events; no heading if it is `alone`."""
    media, tally = summary.media, summary.tally
    facts = {
        "Picture": f"{media.width} × {media.height}",
        "Length": clock(summary.end_s - summary.start_s),
        "Frames read": f"{summary.frames:,}",
        "Faces": f"{len(summary.faces):,}",
        **_sentiments(tally),
    }
    head = "" if alone else f"<h2>{escape(names[media.source])}</h2>"
    parts = [head, _facts(facts)]
    if summary.error:
        parts.append(f'<p class="alert">{escape(summary.error)}</p>')
    if not summary.faces:
        parts.append('<p class="lead">No face was found in this film.</p>')
        return _section(*parts)
    parts.append(_shares(tally, "Share of time", "Of the time in which a face was in view."))
    parts += [_faces(summary), _events(summary.events)]
    return _section(*parts)


def images(summary: ImageSummary, names: Names, *, alone: bool) -> str:
    """All images: facts, shares, and a row per face; no heading if there is only one source."""
    found = [len(readings) for _, readings in summary.readings]
    facts = {
        "Photographs": f"{len(found):,}",
        "Faces": f"{sum(found):,}",
        "Without a face": f"{found.count(0):,}",
        **_sentiments(summary.tally),
    }
    shares = ""
    if sum(found):
        shares = _shares(summary.tally, "Share of faces", "Of all faces in the photographs.")
    columns = ("Photograph", "Face", "Expression appears", "Sentiment", "Note")
    rows = [row for source, readings in summary.readings for row in _rows(names[source], readings)]
    table = _section("<h3>Each face</h3>", _table("Each face", columns, rows, numbers=()))
    head = "" if alone else "<h2>Photographs</h2>"
    return _section(head, _facts(facts), shares, table)


def failures(found: Iterable[tuple[str, str]], names: Names) -> str:
    """The sources that could not be read, and why; empty if there are none."""
    rows = [
        [f"<th scope='row' class='name'>{escape(names[source])}</th>", escape(why)]
        for source, why in found
    ]
    if not rows:
        return ""
    return _section("<h2>Not read</h2>", _table("Not read", ("File", "Why"), rows, numbers=()))


def limits() -> str:
    """The limits of the readings."""
    items = "".join(f"<li>{line}</li>" for line in _LIMITS)
    return f'<section class="limits" id="limits"><h2>Limits</h2><ul>{items}</ul></section>'


def networks(model: Mapping[str, Mapping[str, Any]]) -> str:
    """The networks that made the readings."""
    rows = [
        [
            f"<th scope='row'>{escape(name)}</th>",
            escape(str(card.get("version", ""))),
            escape(str(card.get("precision", ""))),
            f"<code>{escape(str(card.get('sha256', ''))[:12])}</code>",
        ]
        for name, card in model.items()
    ]
    names = ("Network", "Version", "Precision", "SHA-256 begins with")
    return _section("<h2>Read with</h2>", _table("Networks", names, rows, numbers=()))


def _sentiments(tally: Tally) -> dict[str, str]:
    shares = {name.value: share for name, share in tally.sentiments()}
    names = ("positive", "negative")
    return {f"Appears {n}": percent(shares[n]) for n in names if n in shares}


def _shares(tally: Tally, head: str, hint: str) -> str:
    shares = tally.shares()
    longest = max(share.share for share in shares)
    rows = [
        [
            f"<th scope='row'>{share.expression}</th>",
            share_bar(share, longest),
            percent(share.share),
            percent(share.uncertain_share),
        ]
        for share in shares
    ]
    names = ("Appears", "", "Share", "Uncertain")
    return _section(
        f"<h3>{head}</h3><p class='hint'>{hint} {_DOUBT_HINT}</p>",
        f'<div class="shares">{_table(head, names, rows, numbers=(2, 3))}</div>',
    )


def _faces(summary: VideoSummary) -> str:
    shown = summary.longest(MOST_FACES)
    rest = len(summary.faces) - len(shown)
    figures = "".join(_face(face, summary) for face in shown)
    if rest:
        figures += f"<p class='hint'>{_count(rest, 'face')} more, in view for less, not shown.</p>"
    return _section("<h3>Over time</h3>", figures)


def _face(face: FaceSummary, summary: VideoSummary) -> str:
    spans = face.series.spans(summary.gap_s)
    name = f"Face {face.track_id}"
    most = max(face.tally.shares(), key=lambda share: share.share)
    said = f"in view {clock(face.first_s)} to {clock(face.last_s)}"
    said += f"; mostly {most.expression}, {percent(most.share)} of it"
    place = (spans, face.series.width_s, summary.start_s, summary.end_s)
    chart = expression_chart(*place, f"{name}: expressions over time, {said}")
    return (
        f'<figure class="panel"><figcaption><strong>{name}</strong> <span>{said}</span>'
        f"</figcaption><p class='hint'>Probability of each expression</p>"
        f"{chart}{_legend()}"
        "<p class='hint'>Sentiment: positive above the middle, negative below</p>"
        f"{sentiment_chart(*place, f'{name}: sentiment over time')}</figure>"
    )


def _legend() -> str:
    swatch = '<svg width="12" height="12" aria-hidden="true"><rect class="{0}" width="12" '
    swatch += 'height="12" rx="3"/></svg>{0}'
    items = "".join(f"<li>{swatch.format(emotion.value)}</li>" for emotion in EMOTIONS)
    return f'<ul class="legend">{items}</ul>'


def _events(events: Sequence[Event]) -> str:
    hint = (
        "An event is an expression other than neutral that reaches "
        f"{percent(PEAK_THRESHOLD)}. Its onset is where it last rose above "
        f"{percent(ONSET_THRESHOLD)}, its offset where it falls below."
    )
    head = f"<h3>Events</h3><p class='hint'>{hint}</p>"
    if not events:
        return _section(head, "<p class='hint'>There were no events.</p>")
    names = ("Face", "Appears", "Onset", "Apex", "Offset", "Duration", "Peak")
    rows = [
        [
            str(event.track_id),
            event.expression.value,
            # At the same resolution as the duration.
            *(clock(at, 2) for at in (event.onset_s, event.apex_s, event.offset_s)),
            f"{event.duration_s:.2f} s",
            percent(event.peak),
        ]
        for event in events
    ]
    return _section(head, _table("Events", names, rows, numbers=(2, 3, 4, 5, 6)))


def _rows(name: str, readings: Sequence[Reading]) -> list[list[str]]:
    first = f"<th scope='row' class='name'>{escape(name)}</th>"
    if not readings:
        return [[first, "", "no face found", "", ""]]
    return [
        [
            first if number == 0 else "",
            str(number),
            f"{reading.top} {percent(reading.scores[reading.top])}",
            reading.sentiment.value,
            f"uncertain: {reading.doubt}" if reading.doubt else "",
        ]
        for number, reading in enumerate(readings)
    ]


def _facts(facts: Mapping[str, str]) -> str:
    items = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in facts.items())
    return f'<dl class="facts">{items}</dl>'


def _table(
    label: str, names: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[int]
) -> str:
    """A table that scrolls horizontally if too wide; cells that begin with <th are kept as such."""
    kinds = [' class="number"' if place in numbers else "" for place in range(len(names))]
    head = "".join(
        f'<th scope="col"{kind}>{name}</th>' if name else "<td></td>"
        for name, kind in zip(names, kinds, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(
            cell if cell.startswith("<th") else f"<td{kind}>{cell}</td>"
            for cell, kind in zip(row, kinds, strict=True)
        )
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="scroll" role="region" aria-label="{label}" tabindex="0"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _section(*parts: str) -> str:
    return f"<section>{''.join(parts)}</section>\n"


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"
