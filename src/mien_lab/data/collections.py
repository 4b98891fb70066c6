"""A single reader for labelled collections in any supported layout."""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from enum import StrEnum
from functools import partial
from pathlib import Path

import PIL.Image

from mien.core.errors import InputError
from mien_lab.data.fer_layouts import (
    FERPLUS_FOLDERS,
    is_fer2013,
    is_ferplus,
    read_fer2013,
    read_ferplus,
)
from mien_lab.data.layouts import (
    JAFFE_NAME,
    KDEF_NAME,
    affectnet_tables,
    expw_table,
    is_raf_folders,
    raf_table,
    read_affectnet,
    read_ck_plus,
    read_expw,
    read_jaffe,
    read_kdef,
    read_raf_db,
)
from mien_lab.data.manifests import (
    find_manifest,
    is_label_folders,
    pictures_below,
    read_folders,
    read_manifest,
    tells_cropped,
)
from mien_lab.data.samples import Sample, require_splits, split_rank
from mien_lab.data.tables import first_names

__all__ = ["Layout", "find_layout", "parse_layout", "read_collection", "read_measured"]

SMALL = 100
"""Longest side in pixels up to which pictures of an unknown collection are treated as crops.

Crops have 48 pixels in FER2013 and CK+48, 96 in AffectNet's small edition and 100 in RAF-DB.
"""
_LOOKED_AT = 9
"""Approximate number of pictures that are opened to tell their size."""


class Layout(StrEnum):
    """The supported layouts."""

    FER2013 = "fer2013"
    FERPLUS = "fer+"
    RAF_DB = "raf-db"
    AFFECTNET = "affectnet"
    EXPW = "expw"
    CK_PLUS = "ck+"
    JAFFE = "jaffe"
    KDEF = "kdef"
    FOLDERS = "folders"
    MANIFEST = "manifest"


def read_collection(
    folder: Path,
    layout: str = "auto",
    split: str | None = None,
    *,
    whole: bool | None = None,
    copies: bool = False,
) -> list[Sample]:
    """Read all samples of a collection, including unlabelled ones; names are unique.

    Missing pictures are not detected here; they raise an error when they are loaded.

    Args:
        folder: folder of the collection as published; for a manifest, also the file itself.
        layout: a value of `Layout`, or "auto" to infer it from the files.
        split: the split to read, as the collection names it; all if None.
        whole: True to detect faces in the pictures, False to treat each as the crop of one face.
            None follows the layout; for folders and manifests it follows the manifest's column
            `cropped`, else the size of the pictures.
        copies: whether identical files may lie in two splits; for tools that find copies
            themselves.

    Raises:
        InputError: if the folder is missing, the layout is unknown or the folder holds nothing in
            it, a label or split is unknown, or a picture is listed twice or in two splits.
    """
    if not folder.exists():
        raise InputError(f"{folder} is missing; check the path")
    chosen = parse_layout(layout) or find_layout(folder)
    reader = _WHOLE.get(chosen, _READERS[chosen]) if whole else _READERS[chosen]
    samples = list(reader(folder))
    if not samples:
        raise InputError(f"{folder} holds nothing in the layout of {chosen}; check the folder")
    _refuse_repeats(samples, copies=copies)
    told = chosen is Layout.MANIFEST and tells_cropped(folder)
    if chosen in (Layout.FOLDERS, Layout.MANIFEST) and whole is None and not told:
        whole = not _are_small(samples)
    if whole is not None:
        samples = [replace(sample, cropped=not whole) for sample in samples]
    if split is None:
        return samples
    require_splits(samples, [split], str(folder))
    return [sample for sample in samples if sample.split == split]


def find_layout(folder: Path) -> Layout:
    """Infer the layout of a folder from its files.

    Raises:
        InputError: if it matches no layout.
    """
    for layout, is_so in _SIGNS.items():
        if is_so(folder):
            return layout
    if find_manifest(folder, sure=False):
        return Layout.MANIFEST  # reading it raises an error that says what is missing
    raise InputError(
        f"{folder} is in no known layout; name one with --layout ({', '.join(Layout)}), or write "
        "a manifest.csv with the columns image and label"
    )


def read_measured(
    folder: Path, layout: str = "auto", split: str | None = None, *, whole: bool | None = None
) -> tuple[list[Sample], str | None]:
    """The samples to evaluate on, and the name of their split or splits; None for all.

    By default test splits are used, else validation splits, recognised by name (see `split_rank`).
    For FER2013 and FER+ it is the test split only: the others served for training and model
    selection.

    Args:
        folder: folder of the collection.
        layout: as for `read_collection`.
        split: the split to use instead.
        whole: as for `read_collection`.

    Raises:
        InputError: as for `read_collection`.
    """
    if split is None and folder.exists():
        chosen = parse_layout(layout) or find_layout(folder)
        if chosen in (Layout.FER2013, Layout.FERPLUS):
            packed = chosen is Layout.FERPLUS and (folder / FERPLUS_FOLDERS[-1]).is_dir()
            split = FERPLUS_FOLDERS[-1] if packed else "PrivateTest"
    samples = read_collection(folder, layout, split, whole=whole)
    labelled = {sample.split for sample in samples if sample.label is not None}
    best = min(map(split_rank, labelled), default=3)
    if split is not None or best > split_rank("validation"):
        return samples, split
    names = sorted(name for name in labelled if split_rank(name) == best)
    return [sample for sample in samples if sample.split in names], ", ".join(names)


def parse_layout(layout: str) -> Layout | None:
    """Parse the name of a layout; "auto" gives None.

    Raises:
        InputError: if the name is unknown.
    """
    if layout == "auto":
        return None
    try:
        return Layout(layout.lower())
    except ValueError:
        known = ", ".join(["auto", *Layout])
        raise InputError(f"there is no layout {layout!r}; choose one of: {known}") from None


def _refuse_repeats(samples: Sequence[Sample], *, copies: bool) -> None:
    first: dict[str, Sample] = {}
    twice, both = [], []
    for sample in samples:
        # A manifest may spell one path in two ways; faces of one photograph have their own names.
        whole = sample.path is not None and sample.box is None
        key = os.path.normpath(sample.path) if whole and sample.path else sample.name
        other = first.setdefault(key, sample)
        if other.split != sample.split:
            both.append(f"{sample.name} ({other.split or 'none'} and {sample.split or 'none'})")
        elif other is not sample:
            twice.append(sample.name)
    if not copies:
        both += _copied(first.values())
    if both:
        raise InputError(f"in two splits: {first_names(both)}; keep each picture in one of them")
    if twice:
        raise InputError(f"listed twice: {first_names(twice)}; keep one row of each")


def _copied(samples: Iterable[Sample]) -> Iterator[str]:
    """Pairs of files with the same name and content in two splits."""
    named: dict[str, list[tuple[Path, Sample]]] = {}
    for sample in samples:
        if sample.path is not None and sample.split:
            named.setdefault(sample.path.name, []).append((sample.path, sample))
    for group in named.values():
        if len({sample.split for _, sample in group}) < 2:
            continue
        first: dict[bytes, Sample] = {}
        for path, sample in group:
            if not path.is_file():
                continue
            with path.open("rb") as stream:
                content = hashlib.file_digest(stream, "sha256").digest()
            other = first.setdefault(content, sample)
            if other.split != sample.split:
                yield f"{other.name} and {sample.name}"


def _are_small(samples: Sequence[Sample]) -> bool:
    """Whether the pictures are of the size of crops, judged by a few of them."""
    sides = []
    for sample in samples[:: max(len(samples) // _LOOKED_AT, 1)]:
        try:
            with PIL.Image.open(sample.path or "") as picture:
                sides.append(max(picture.size))
        except (OSError, ValueError, PIL.Image.DecompressionBombError):
            continue
    return bool(sides) and max(sides) <= SMALL


def _is_ck_plus(folder: Path) -> bool:
    return (folder / "Emotion").is_dir() and (folder / "cohn-kanade-images").is_dir()


def _is_affectnet(folder: Path) -> bool:
    arrays = (folder.glob(f"{place}annotations/*_exp.npy") for place in ("", "*/"))
    return bool(affectnet_tables(folder)) or any(map(any, arrays))


def _is_jaffe(folder: Path) -> bool:
    return any(JAFFE_NAME.fullmatch(path.stem) for path in pictures_below(folder))


def _is_kdef(folder: Path) -> bool:
    return any(KDEF_NAME.fullmatch(path.stem) for path in pictures_below(folder))


_SIGNS: dict[Layout, Callable[[Path], bool]] = {
    Layout.FER2013: is_fer2013,
    Layout.FERPLUS: is_ferplus,
    Layout.RAF_DB: lambda folder: raf_table(folder) is not None or is_raf_folders(folder),
    Layout.EXPW: lambda folder: expw_table(folder) is not None,
    Layout.CK_PLUS: _is_ck_plus,
    Layout.AFFECTNET: _is_affectnet,
    Layout.MANIFEST: lambda folder: find_manifest(folder) is not None,
    Layout.FOLDERS: is_label_folders,
    Layout.JAFFE: _is_jaffe,
    Layout.KDEF: _is_kdef,
}
"""Tests for each layout, in the order in which they are tried."""

_READERS: dict[Layout, Callable[[Path], Iterator[Sample]]] = {
    Layout.FER2013: read_fer2013,
    Layout.FERPLUS: read_ferplus,
    Layout.RAF_DB: read_raf_db,
    Layout.AFFECTNET: read_affectnet,
    Layout.EXPW: read_expw,
    Layout.CK_PLUS: read_ck_plus,
    Layout.JAFFE: read_jaffe,
    Layout.KDEF: read_kdef,
    Layout.FOLDERS: read_folders,
    Layout.MANIFEST: read_manifest,
}
_WHOLE: dict[Layout, Callable[[Path], Iterator[Sample]]] = {
    Layout.RAF_DB: partial(read_raf_db, whole=True),
}
"""Readers of collections that hold whole photographs in addition to crops."""
