"""Short display names of sources."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

__all__ = ["short_names"]


def short_names(sources: Iterable[str]) -> dict[str, str]:
    """The shortest unique tail of each path: a/1.jpg beside b/1.jpg, but 2.jpg."""
    parts = {source: Path(source).parts for source in sources}
    depths = dict.fromkeys(parts, 1)
    while True:
        ends = {source: parts[source][-depth:] for source, depth in depths.items()}
        names = {source: str(Path(*end)) if end else source for source, end in ends.items()}
        counts = Counter(names.values())
        alike = [s for s in parts if counts[names[s]] > 1 and depths[s] < len(parts[s])]
        if not alike:
            return names
        for source in alike:
            depths[source] += 1
