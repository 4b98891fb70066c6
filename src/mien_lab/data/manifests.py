"""Collections in generic layouts: one folder per label, or a CSV manifest."""

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
    "is_label_folders",
    "name_below",
    "numbered_lines",
    "pictures_below",
    "read_folders",
    "read_manifest",
    "tells_cropped",
]

MANIFESTS = ("manifest.csv", "labels.csv")
"""File names of a manifest in a folder."""

_ANSWERS = {
    **dict.fromkeys(("yes", "y", "true", "1"), True),
    **dict.fromkeys(("no", "n", "false", "0", ""), False),
}

_FER_NAME = re.compile(r"(Training|PublicTest|PrivateTest)_\d+")
"""Names of FER2013's pictures in folders; a folder `test` may hold both test splits."""


def files_below(folder: Path, pattern: str = "**/*") -> list[Path]:
    """Matching paths in a folder, sorted, without hidden ones such as macOS's `._a.jpg`."""
    return sorted(
        path
        for path in folder.glob(pattern)
        if not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def pictures_below(folder: Path) -> list[Path]:
    """All pictures in a folder and its subfolders, by extension, sorted, without hidden ones."""
    return [path for path in files_below(folder) if path.suffix.lower() in IMAGE_EXTENSIONS]


def name_below(folder: Path, path: Path) -> str:
    """The path relative to the folder, with forward slashes; bytes outside UTF-8 are escaped."""
    return display_name(path.relative_to(folder).as_posix())


def read_folders(
    folder: Path, parse: Callable[[str], Emotion | None] = parse_emotion
) -> Iterator[Sample]:
    """Pictures in `label/` or `split/label/`; pictures outside these folders have no label.

    File names of FER2013, such as `PublicTest_16131911.jpg`, override the split of the folder.

    Args:
        folder: holds the folders.
        parse: converts the name of a folder to a label; raises ValueError if it is not one.

    Raises:
        InputError: if a folder with pictures is not named by a label.
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


def is_label_folders(folder: Path) -> bool:
    """Whether a folder, at depth 1 or 2, is named by a label."""
    return any(
        _is_label(path.name)
        for pattern in ("*/", "*/*/")
        for path in folder.glob(pattern)
        if path.is_dir()
    )


def find_manifest(folder: Path, *, sure: bool = True) -> Path | None:
    """The path of the manifest: `folder` itself if it is a file, else one in it, or None.

    In a folder, a file of `MANIFESTS` with a column image is chosen, since other tools also write
    a `labels.csv`. If `sure` is false, the name alone is enough where no such file exists.
    """
    if folder.is_file():
        return folder
    called = [folder / name for name in MANIFESTS if (folder / name).is_file()]
    return next(filter(_has_images, called), None if sure or not called else called[0])


def read_manifest(folder: Path) -> Iterator[Sample]:
    """Samples of a CSV with the columns image and label (or emotion).

    Optional columns are split, subject and, with yes or no, cropped and framed. Images are named
    relative to the manifest or to `images/` beside it. An empty label means none, an empty yes/no
    cell means no. Missing images raise an error when they are loaded.

    Args:
        folder: folder of `manifest.csv` or `labels.csv`, or the file itself.

    Raises:
        InputError: if there is no manifest, it lacks a column, an image has no relative path, or
            a label or yes/no cell is invalid.
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
    """Whether the column `cropped` of a manifest is filled in for any row; see `read_manifest`."""
    path = find_manifest(folder, sure=False)
    return path is not None and any(row.get("cropped") for row in read_table(path))


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The non-blank lines of a text file with their line numbers, from 1."""
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    return ((number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip())


def _is_label(name: str) -> bool:
    try:
        parse_emotion(name)
    except ValueError:
        return False
    return True


def _has_images(path: Path) -> bool:
    """Whether the header has the column image, with any usual separator."""
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
