"""Readers of published face collections in their original layouts.

mien cannot download these collections; users point at the unpacked folder. Readers do not check
that pictures exist; missing ones raise an error when they are loaded.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mien.core.errors import InputError
from mien.core.labels import Emotion, parse_emotion
from mien.core.types import Box
from mien_lab.data.codes import (
    AFFECTNET_CODES,
    AFFECTNET_NAMES,
    EXPW_CODES,
    LETTER_CODES,
    RAF_CODES,
    box_between,
    cells,
    decoded,
    finite,
)
from mien_lab.data.face_labels import five_points
from mien_lab.data.manifests import (
    files_below,
    name_below,
    numbered_lines,
    pictures_below,
    read_folders,
)
from mien_lab.data.recordings import labelled_sequences
from mien_lab.data.samples import Sample
from mien_lab.data.tables import numbered_rows

__all__ = [
    "JAFFE_NAME",
    "KDEF_NAME",
    "affectnet_tables",
    "expw_table",
    "is_raf_folders",
    "raf_table",
    "read_affectnet",
    "read_ck_plus",
    "read_expw",
    "read_jaffe",
    "read_kdef",
    "read_raf_db",
]

_AFFECTNET_BOX = ("face_x", "face_y", "face_width", "face_height")
_AFFECTNET_COLUMNS = [
    "subdirectory_filepath", *_AFFECTNET_BOX, "facial_landmarks", "expression", "valence", "arousal"
]  # fmt: skip
JAFFE_NAME = re.compile(r"([A-Z]{2})\.(AN|DI|FE|HA|NE|SA|SU)\d+\.\d+", re.IGNORECASE)
_RAF_NAME = re.compile(r"(train|test)_\d+_aligned", re.IGNORECASE)
KDEF_NAME = re.compile(r"[AB]([FM]\d{2})(AF|AN|DI|HA|NE|SA|SU)(?:FL|HL|S|HR|FR)", re.IGNORECASE)


def raf_table(folder: Path) -> Path | None:
    """The path of RAF-DB's table of labels, or None."""
    places = ("", "EmoLabel", "basic/EmoLabel")
    return _first([folder / place / "list_patition_label.txt" for place in places])


def is_raf_folders(folder: Path) -> bool:
    """Whether a folder holds RAF-DB's aligned faces in folders named by label code."""
    return any(_RAF_NAME.fullmatch(path.stem) for path in folder.glob("**/[1-7]/*"))


def read_raf_db(folder: Path, *, whole: bool = False) -> Iterator[Sample]:
    """RAF-DB (Li, Deng, Du, CVPR 2017), as published or sorted into folders.

    The published form has `list_patition_label.txt`, with rows such as `train_00001.jpg 5`, and
    the pictures. A common repackaging has aligned faces in folders, as in
    `train/5/train_00001_aligned.jpg`. The labelled face of a photograph is given by
    `Annotation/boundingbox/train_00001_boundingbox.txt`.

    Args:
        folder: holds the table, or `EmoLabel/` with it and `Image/`, or the folders.
        whole: read the original photographs instead of the aligned faces.

    Raises:
        InputError: if there is no table, or a line, folder or box file is invalid.
    """
    table = raf_table(folder)
    if table is None and not whole and is_raf_folders(folder):
        for sample in read_folders(folder, _raf_folder):
            name = sample.name.rpartition("/")[2]
            split = name.partition("_")[0].lower()
            yield Sample(sample.name, sample.label, split, path=sample.path, cropped=True)
        return
    if table is None:
        raise InputError(f"{folder} holds no list_patition_label.txt, RAF-DB's table of labels")
    root = table.parent.parent if table.parent.name == "EmoLabel" else table.parent
    kind = "original" if whole else "aligned"
    pictures = _first([root / "Image" / kind, root / kind]) or root
    for number, line in numbered_lines(table):
        place = f"row {number} of {table}"
        name, code = cells(line, 2, place)
        stem, dot, extension = name.rpartition(".")
        file = name if whole else f"{stem}_aligned{dot}{extension}"
        yield Sample(
            name,
            decoded(code, RAF_CODES, place),
            split=name.partition("_")[0],
            path=pictures / file,
            cropped=not whole,
            box=_raf_box(root / "Annotation" / "boundingbox", stem) if whole else None,
        )


def _raf_box(folder: Path, stem: str) -> Box | None:
    file = folder / f"{stem}_boundingbox.txt"
    if not file.is_file():
        return None
    box = box_between(cells(file.read_text("utf-8-sig", "replace"), 4, str(file)), str(file))
    if box.shorter_side <= 0:
        raise InputError(f"{file} has a box without a face; get it again")
    return box


def _raf_folder(name: str) -> Emotion | None:
    if name not in RAF_CODES:
        raise ValueError(f"{name!r} is not one of RAF-DB's numbers, {', '.join(RAF_CODES)}")
    return RAF_CODES[name]


def read_affectnet(folder: Path) -> Iterator[Sample]:
    """All editions of AffectNet (Mollahosseini, Hasani, Mahoor, IEEE TAC 10, 2019).

    The first has photographs in `Manually_Annotated_Images/`, with face boxes in `training.csv`
    and `validation.csv`; the latter is published without a header. Later editions have crops, with
    `val_set/annotations/0_exp.npy` beside `images/`, or in folders by code or name of the label.
    Landmarks are taken from `0_lnd.npy`, if present; see `five_points`.

    Raises:
        InputError: if a table, folder or array is invalid.
    """
    if tables := affectnet_tables(folder):
        for table in tables:
            yield from _affectnet_rows(folder, table)
        return
    annotations = [folder / "annotations", *sorted(folder.glob("*/annotations"))]
    if not any(path.is_dir() for path in annotations):
        for sample in read_folders(folder, _affectnet_folder):
            yield Sample(sample.name, sample.label, sample.split, path=sample.path, cropped=True)
        return
    for place in annotations:
        files = files_below(place, "*_exp.npy")
        for file in sorted(files, key=lambda path: (len(path.name), path.name)):
            stem = file.name.removesuffix("_exp.npy")
            images = [place.parent / "images" / f"{stem}{end}" for end in (".jpg", ".png", ".jpeg")]
            path = _first(images) or images[0]
            code = " ".join(str(value) for value in _array(file).reshape(-1))
            yield Sample(
                name_below(folder, path),
                decoded(code, AFFECTNET_CODES, str(file)),
                split=place.parent.name if place.parent != folder else "",
                path=path,
                landmarks=_five_points(place / f"{stem}_lnd.npy"),
                cropped=True,
            )


def affectnet_tables(folder: Path) -> list[Path]:
    """The existing tables of AffectNet's first edition."""
    lists = _first([folder / f"Manually_{word}_file_lists" for word in ("annotated", "Annotated")])
    places = [folder] if lists is None else [folder, lists]
    tables = [place / f"{name}.csv" for place in places for name in ("training", "validation")]
    return [table for table in tables if table.is_file() and _is_of_affectnet(_first_cells(table))]


def _first_cells(table: Path) -> list[str]:
    with table.open(encoding="utf-8-sig", errors="replace") as stream:
        return stream.readline().strip().lower().split(",")


def _is_of_affectnet(first: list[str]) -> bool:
    """Whether the first line is AffectNet's header or one of its rows: `2/c.jpg`, box, ..."""
    row = len(first) == len(_AFFECTNET_COLUMNS) and "/" in first[0] and first[6].isdecimal()
    return first[0] == _AFFECTNET_COLUMNS[0] or row


def _affectnet_rows(folder: Path, table: Path) -> Iterator[Sample]:
    pictures = _first([folder / "Manually_Annotated_Images"]) or folder
    needed = ("subdirectory_filepath", "expression", *_AFFECTNET_BOX)
    header = None if _first_cells(table)[0] == _AFFECTNET_COLUMNS[0] else _AFFECTNET_COLUMNS
    for line, row in numbered_rows(table, *((name,) for name in needed), header=header):
        place = f"line {line} of {table}"
        try:
            # NULL means that no face was found.
            box = Box(*(finite(row[name].replace("NULL", "0")) for name in _AFFECTNET_BOX))
        except ValueError:
            raise InputError(f"{place} has a box that is not of numbers; get it again") from None
        name = row["subdirectory_filepath"]
        yield Sample(
            name,
            decoded(row["expression"], AFFECTNET_CODES, place),
            split=table.stem,
            path=pictures / name,
            box=box if min(box.width, box.height) > 0 else None,
        )


def _affectnet_folder(name: str) -> Emotion | None:
    known = {**AFFECTNET_CODES, **AFFECTNET_NAMES}
    return known[name.lower()] if name.lower() in known else parse_emotion(name)


def _five_points(file: Path) -> npt.NDArray[np.float64] | None:
    return five_points(_array(file)) if file.exists() else None


def _array(file: Path) -> npt.NDArray[np.generic]:
    try:
        return np.asarray(np.load(file, allow_pickle=False))
    except (ValueError, EOFError) as error:
        raise InputError(f"{file} is not an array of numbers or text ({error})") from None


def expw_table(folder: Path) -> Path | None:
    """The path of ExpW's table of faces, or None."""
    return _first([folder / "label.lst", folder / "label" / "label.lst"])


def read_expw(folder: Path) -> Iterator[Sample]:
    """ExpW (Zhang et al., IJCV 126, 2018); each face of a photograph is a sample with its box.

    Rows of `label.lst` are: image, face, top, left, right, bottom, confidence, label.

    Raises:
        InputError: if there is no table, or a line is invalid.
    """
    table = expw_table(folder)
    if table is None:
        raise InputError(f"{folder} holds no label.lst, ExpW's table of faces")
    root = table.parent.parent if table.parent.name == "label" else table.parent
    places = [root / "image" / "origin", root / "origin", root / "image"]
    pictures = _first(places) or root
    for number, line in numbered_lines(table):
        place = f"row {number} of {table}"
        name, face, top, left, right, bottom, _, code = cells(line, 8, place)
        yield Sample(
            f"{name}#{face}",
            decoded(code, EXPW_CODES, place),
            path=pictures / name,
            box=box_between((left, top, right, bottom), place),
        )


def read_ck_plus(folder: Path) -> Iterator[Sample]:
    """CK+: the apex frame of each labelled sequence; see `labelled_sequences`.

    The label file is named after the last frame, which lies in `cohn-kanade-images/S005/001/`.
    """
    for file, label in labelled_sequences(folder):
        subject, sequence = file.parts[-3:-1]
        name = f"{subject}/{sequence}/{file.name.removesuffix('_emotion.txt')}.png"
        path = folder / "cohn-kanade-images" / name
        yield Sample(name, label, subject=subject, path=path)


def read_jaffe(folder: Path) -> Iterator[Sample]:
    """JAFFE (Lyons et al., FG 1998); `KA.AN1.39.tiff`: subject, expression, picture number."""
    return _named(folder, JAFFE_NAME)


def read_kdef(folder: Path) -> Iterator[Sample]:
    """KDEF (Lundqvist, Flykt, Öhman, 1998); `AF01ANS.JPG`: session, subject, expression, view.

    All five views are read; in full profiles mien seldom finds a face.
    """
    return _named(folder, KDEF_NAME)


def _named(folder: Path, pattern: re.Pattern[str]) -> Iterator[Sample]:
    """Pictures with subject and expression in their names; others have no label."""
    for path in pictures_below(folder):
        match = pattern.fullmatch(path.stem)
        yield Sample(
            name_below(folder, path),
            LETTER_CODES[match[2].upper()] if match else None,
            subject=match[1].upper() if match else "",
            path=path,
        )


def _first(places: list[Path]) -> Path | None:
    return next((place for place in places if place.exists()), None)
