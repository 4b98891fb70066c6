"""Labels that folders or a table give: one folder per label, and a CSV of names and labels."""

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath

from mien.core.errors import InputError
from mien.core.labels import EMOTIONS, Emotion, parse_emotion
from mien.vision.sources import IMAGE_EXTENSIONS, display_name
from mien_lab.data.samples import Sample
from mien_lab.data.tables import numbered_rows, read_table

__all__ = [
    "MANIFESTS",
    "files_below",
    "find_manifest",
    "name_below",
    "numbered_lines",
    "pictures_below",
    "read_folders",
    "read_manifest",
    "tells_cropped",
]

MANIFESTS = ("manifest.csv", "labels.csv")
"""What a manifest is called where only its folder is given."""

_ANSWERS = {
    **dict.fromkeys(("yes", "y", "true", "1"), True),
    **dict.fromkeys(("no", "n", "false", "0", ""), False),
}

_FER_NAME = re.compile(r"(Training|PublicTest|PrivateTest)_\d+")
"""Of the pictures of FER2013 in folders, whose `test` holds both of its tests."""


def files_below(folder: Path, pattern: str = "**/*") -> list[Path]:
    """What matches in a folder, in order, without what is hidden.

    That is also what macOS leaves beside a file on other systems' disks: `._a.jpg` beside `a.jpg`.
    """
    return sorted(
        path
        for path in folder.glob(pattern)
        if not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def pictures_below(folder: Path) -> list[Path]:
    """All pictures in a folder and below, by extension and in order; hidden ones are left out."""
    return [path for path in files_below(folder) if path.suffix.lower() in IMAGE_EXTENSIONS]


def name_below(folder: Path, path: Path) -> str:
    """The path from the folder on, with /; bytes that are not UTF-8 are escaped."""
    return display_name(path.relative_to(folder).as_posix())


def read_folders(
    folder: Path, parse: Callable[[str], Emotion | None] = parse_emotion
) -> Iterator[Sample]:
    """Pictures in `label/` or `split/label/`; one that lies beside the folders has no label.

    The name of one of FER2013, `PublicTest_16131911.jpg`, says its split, whatever the folder.

    Args:
        folder: holds the folders.
        parse: from a folder's name to its label.

    Raises:
        InputError: if a folder with pictures is named by none of the labels.
    """
    for path in pictures_below(folder):
        name = name_below(folder, path)
        *above, _ = name.split("/")
        try:
            label = parse(above[-1]) if above else None
        except ValueError as error:
            raise InputError(
                f"{display_name(path.parent)} is not named by a label: {error}"
            ) from None
        part = _FER_NAME.match(path.name)
        yield Sample(name, label, split=part[1] if part else "/".join(above[:-1]), path=path)


def find_manifest(folder: Path, *, sure: bool = True) -> Path | None:
    """The manifest: the path itself if it is a file, otherwise the one in the folder, or None.

    In a folder it is one that has the column image, as others write a `labels.csv` of their own;
    unless that must be `sure`, it is otherwise one that is only called so.
    """
    if folder.is_file():
        return folder
    called = [folder / name for name in MANIFESTS if (folder / name).is_file()]
    return next(filter(_has_images, called), None if sure or not called else called[0])


def read_manifest(folder: Path) -> Iterator[Sample]:
    """Rows of a CSV with the columns image, label and, if it has them, others of a `Sample`.

    These are split, subject and, with yes or no, cropped and framed. Images are named relative to
    the manifest or to `images/` beside it; `emotion` is taken for label as well. A row with an
    empty label has none; an empty answer is no. Whether the images exist is not looked at: one
    that is missing fails by name where it is read.

    Args:
        folder: of `manifest.csv` or `labels.csv`, or the file itself.

    Raises:
        InputError: if there is no manifest, it lacks a column, or a label or answer is unknown.
    """
    path = find_manifest(folder, sure=False)
    if path is None:
        raise InputError(f"{folder} holds none of: {', '.join(MANIFESTS)}; name the file itself")
    rows = list(numbered_rows(path, ("image",), ("label", "emotion")))
    texts = [(line, row["label"] if "label" in row else row["emotion"]) for line, row in rows]
    labels = _parsed(texts, path)
    for (line, row), (_, text) in zip(rows, texts, strict=True):
        image = row["image"].replace("\\", "/")
        if not image or any(kind(image).is_absolute() for kind in (PurePosixPath, PureWindowsPath)):
            raise InputError(
                f"line {line} of {path} names the image {image!r}; give a path relative to it"
            )
        name = posixpath.normpath(image)
        places = (path.parent / name, path.parent / "images" / name)
        yield Sample(
            name,
            labels[text],
            split=row.get("split", ""),
            subject=row.get("subject", ""),
            framed=_answer("framed", row, line, path),
            cropped=_answer("cropped", row, line, path),
            path=next((place for place in places if place.exists()), places[0]),
        )


def tells_cropped(folder: Path) -> bool:
    """Whether a manifest says of any of its pictures if it is cropped; as for `read_manifest`."""
    path = find_manifest(folder, sure=False)
    return path is not None and any(row.get("cropped") for row in read_table(path))


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a text file that are not blank, each with its number from 1."""
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    return ((number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip())


def _has_images(path: Path) -> bool:
    """Whether the header has the column image, whatever stands between the columns."""
    with path.open(encoding="utf-8-sig", errors="replace") as stream:
        header = next((line for line in stream if line.strip()), "")
    return "image" in (name.strip(' "\r\n') for name in re.split("[,;\t]", header.lower()))


def _answer(column: str, row: Mapping[str, str], line: int, path: Path) -> bool:
    text = row.get(column, "")
    if text.lower() not in _ANSWERS:
        raise InputError(f"line {line} of {path} says {column} {text!r}; write yes or no")
    return _ANSWERS[text.lower()]


def _parsed(texts: Sequence[tuple[int, str]], path: Path) -> dict[str, Emotion | None]:
    labels: dict[str, Emotion | None] = {"": None}
    unknown = []
    for line, text in texts:
        if text in labels:
            continue
        try:
            labels[text] = parse_emotion(text)
        except ValueError:
            labels[text] = None
            unknown.append(f"{text!r} (line {line})")
    if unknown:
        raise InputError(
            f"{path} has unknown labels: {', '.join(unknown)}; use one of "
            f"{', '.join(EMOTIONS)}, or a common alias such as happy or angry"
        )
    return labels
