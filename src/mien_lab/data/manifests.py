"""Labels that folders or a table give: one folder per label, and a CSV of names and labels."""

import csv
import posixpath
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from mien.core.errors import InputError
from mien.core.labels import EMOTIONS, Emotion, parse_emotion
from mien.vision.sources import IMAGE_EXTENSIONS
from mien_lab.data.samples import Sample

__all__ = [
    "MANIFESTS",
    "find_manifest",
    "pictures_below",
    "read_folders",
    "read_manifest",
    "read_table",
]

MANIFESTS = ("manifest.csv", "labels.csv")
"""What a manifest is called where only its folder is given."""


def pictures_below(folder: Path) -> list[Path]:
    """All pictures in a folder and below, by extension and in order; hidden ones are left out."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in IMAGE_EXTENSIONS
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def read_folders(
    folder: Path, parse: Callable[[str], Emotion | None] = parse_emotion
) -> Iterator[Sample]:
    """Pictures in `label/` or `split/label/`; one that lies beside the folders has no label.

    Args:
        folder: holds the folders.
        parse: from a folder's name to its label.

    Raises:
        InputError: if a folder with pictures is named by none of the labels.
    """
    for path in pictures_below(folder):
        *above, _ = path.relative_to(folder).parts
        try:
            label = parse(above[-1]) if above else None
        except ValueError as error:
            raise InputError(f"{path.parent} is not named by a label: {error}") from None
        name = path.relative_to(folder).as_posix()
        yield Sample(name, label, split="/".join(above[:-1]), path=path)


def find_manifest(folder: Path) -> Path | None:
    """The manifest: the path itself if it is a file, otherwise the one in the folder, or None."""
    if folder.is_file():
        return folder
    return next((folder / name for name in MANIFESTS if (folder / name).is_file()), None)


def read_manifest(folder: Path) -> Iterator[Sample]:
    """Rows of a CSV with the columns image, label and, if it has them, split and subject.

    Images are named relative to the manifest or to `images/` beside it; `emotion` is taken for
    label as well. A row with an empty label has none. Whether the images exist is not looked at:
    one that is missing fails by name where it is read.

    Args:
        folder: of `manifest.csv` or `labels.csv`, or the file itself.

    Raises:
        InputError: if there is no manifest, it lacks a column, or a label is unknown.
    """
    path = find_manifest(folder)
    if path is None:
        raise InputError(f"{folder} holds none of: {', '.join(MANIFESTS)}; name the file itself")
    rows = read_table(path, ("image",), ("label", "emotion"))
    texts = [row["label"] if "label" in row else row["emotion"] for row in rows]
    labels = _parsed(texts, path)
    for number, (row, text) in enumerate(zip(rows, texts, strict=True), 2):
        image = row["image"].replace("\\", "/")
        if not image or PurePosixPath(image).is_absolute():
            raise InputError(
                f"row {number} of {path} names the image {image!r}; give a path relative to it"
            )
        name = posixpath.normpath(image)
        places = (path.parent / name, path.parent / "images" / name)
        yield Sample(
            name,
            labels[text],
            split=row.get("split", ""),
            subject=row.get("subject", ""),
            path=next((place for place in places if place.exists()), places[0]),
        )


def read_table(path: Path, *columns: Sequence[str]) -> list[dict[str, str]]:
    """The rows of a CSV with a header, by lower-case column; cells are stripped.

    Args:
        path: of the file, in UTF-8.
        columns: what it must have; of each sequence one is enough.

    Raises:
        InputError: if it is missing, is no such file or lacks a column.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            header, *lines = [line for line in csv.reader(stream, strict=True) if line] or [[]]
    except FileNotFoundError:
        raise InputError(f"{path} is missing; check the path") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} is not a CSV file in UTF-8 ({error}); save it as one") from None
    names = [name.strip().lower() for name in header]
    for some in columns:
        if not set(some) & set(names):
            raise InputError(
                f"{path} has no column {' or '.join(some)}, but: {', '.join(names) or 'none'}; "
                "its first line must name the columns"
            )
    for number, line in enumerate(lines, 2):
        if len(line) != len(names):
            raise InputError(
                f"row {number} of {path} has {len(line)} cells, not {len(names)}; correct it"
            )
    return [dict(zip(names, (cell.strip() for cell in line), strict=True)) for line in lines]


def _parsed(texts: Sequence[str], path: Path) -> dict[str, Emotion | None]:
    labels: dict[str, Emotion | None] = {"": None}
    unknown = []
    for number, text in enumerate(texts, 2):
        if text in labels:
            continue
        try:
            labels[text] = parse_emotion(text)
        except ValueError:
            labels[text] = None
            unknown.append(f"{text!r} (row {number})")
    if unknown:
        raise InputError(
            f"{path} has unknown labels: {', '.join(unknown)}; use one of "
            f"{', '.join(EMOTIONS)}, or a common alias such as happy or angry"
        )
    return labels
