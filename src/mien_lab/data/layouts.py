"""Public face collections in the layouts that their publishers use.

None of them is a public download that mien may make; who has one points at the unpacked folder. A
reader does not look whether pictures exist: one that is missing fails by name where it is read.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mien.core.errors import InputError
from mien.core.labels import EMOTIONS, Emotion, parse_emotion
from mien.core.types import Box
from mien_lab.data.fer2013 import FER_LABELS, load_fer, majority, read_challenge, read_landmarks
from mien_lab.data.manifests import pictures_below, read_folders
from mien_lab.data.recordings import CK_CODES
from mien_lab.data.samples import Sample

__all__ = [
    "FERPLUS_FOLDERS",
    "JAFFE_NAME",
    "KDEF_NAME",
    "expw_table",
    "raf_table",
    "read_affectnet",
    "read_ck_plus",
    "read_expw",
    "read_fer2013",
    "read_ferplus",
    "read_jaffe",
    "read_kdef",
    "read_raf_db",
]

FERPLUS_FOLDERS = ("FER2013Train", "FER2013Valid", "FER2013Test")

Codes = Mapping[str, Emotion | None]

_RAF_CODES: Codes = {
    "1": Emotion.SURPRISE,
    "2": Emotion.FEAR,
    "3": Emotion.DISGUST,
    "4": Emotion.HAPPINESS,
    "5": Emotion.SADNESS,
    "6": Emotion.ANGER,
    "7": Emotion.NEUTRAL,
}
_AFFECTNET_CODES: Codes = {
    "0": Emotion.NEUTRAL,
    "1": Emotion.HAPPINESS,
    "2": Emotion.SADNESS,
    "3": Emotion.SURPRISE,
    "4": Emotion.FEAR,
    "5": Emotion.DISGUST,
    "6": Emotion.ANGER,
    "7": Emotion.CONTEMPT,
    # None of these, uncertain, no face.
    "8": None,
    "9": None,
    "10": None,
}
_AFFECTNET_NAMES: Codes = {"none": None, "uncertain": None, "no-face": None}
_EXPW_CODES: Codes = {
    "0": Emotion.ANGER,
    "1": Emotion.DISGUST,
    "2": Emotion.FEAR,
    "3": Emotion.HAPPINESS,
    "4": Emotion.SADNESS,
    "5": Emotion.SURPRISE,
    "6": Emotion.NEUTRAL,
}
_TWO_LETTERS = {
    "AN": Emotion.ANGER,
    "DI": Emotion.DISGUST,
    "FE": Emotion.FEAR,
    "AF": Emotion.FEAR,
    "HA": Emotion.HAPPINESS,
    "NE": Emotion.NEUTRAL,
    "SA": Emotion.SADNESS,
    "SU": Emotion.SURPRISE,
}
JAFFE_NAME = re.compile(r"([A-Z]{2})\.(AN|DI|FE|HA|NE|SA|SU)\d+\.\d+")
KDEF_NAME = re.compile(r"[AB]([FM]\d{2})(AF|AN|DI|HA|NE|SA|SU)(?:FL|HL|S|HR|FR)", re.IGNORECASE)


def read_fer2013(folder: Path) -> Iterator[Sample]:
    """Rows of `fer2013.csv[.gz]` with FER2013's labels (Goodfellow et al., ICONIP 2013)."""
    pixels, labels, split = read_challenge(folder)
    return _rows(pixels, [FER_LABELS[label] for label in labels], split, folder)


def read_ferplus(folder: Path) -> Iterator[Sample]:
    """FER+'s majority labels: of the two CSV files, or of folders with a `label.csv` each.

    Rows without a majority for one of the eight have no label (Barsoum et al., ICMI 2016).
    """
    if any((folder / name).is_dir() for name in FERPLUS_FOLDERS):
        yield from _ferplus_folders(folder)
        return
    data = load_fer(folder)
    best = majority(data.votes)
    labels = [EMOTIONS[label] if label >= 0 else None for label in best]
    yield from _rows(data.pixels, labels, data.split, folder)


def _rows(
    pixels: npt.NDArray[np.uint8],
    labels: list[Emotion] | list[Emotion | None],
    split: npt.NDArray[np.str_],
    folder: Path,
) -> Iterator[Sample]:
    for row, points in enumerate(read_landmarks(folder, len(pixels))):
        yield Sample(
            f"{row:05}",
            labels[row],
            split=str(split[row]),
            pixels=pixels[row],
            landmarks=None if np.isnan(points).any() else points,
            cropped=True,
        )


def _ferplus_folders(folder: Path) -> Iterator[Sample]:
    """`FER2013Test/label.csv`: name, box, and ten counts of votes, without a header."""
    for part in FERPLUS_FOLDERS:
        table = folder / part / "label.csv"
        for number, line in _lines(table) if table.exists() else ():
            name, _, rest = line.partition(",")
            counts = re.sub(r'"[^"]*",', "", rest).split(",")
            if len(counts) != 10 or not all(count.strip().isdigit() for count in counts):
                raise InputError(f"row {number} of {table} does not end with ten counts of votes")
            best = int(majority(np.array([counts], dtype=np.int64))[0])
            label = EMOTIONS[best] if best >= 0 else None
            path = folder / part / name
            yield Sample(f"{part}/{name}", label, split=part, path=path, cropped=True)


def raf_table(folder: Path) -> Path | None:
    """RAF-DB's table of labels, or None."""
    places = ("", "EmoLabel", "basic/EmoLabel")
    return _first([folder / place / "list_patition_label.txt" for place in places])


def read_raf_db(folder: Path, *, whole: bool = False) -> Iterator[Sample]:
    """`list_patition_label.txt` with rows such as `train_00001.jpg 5` (Li, Deng, Du, CVPR 2017).

    Args:
        folder: holds the table, or `EmoLabel/` with it and `Image/`.
        whole: take the original photographs instead of the aligned faces.
    """
    table = raf_table(folder)
    if table is None:
        raise InputError(f"{folder} holds no list_patition_label.txt, RAF-DB's table of labels")
    root = table.parent.parent if table.parent.name == "EmoLabel" else table.parent
    kind = "original" if whole else "aligned"
    pictures = _first([root / "Image" / kind, root / kind]) or root
    for number, line in _lines(table):
        place = f"row {number} of {table}"
        name, code = _cells(line, 2, place)
        stem, dot, extension = name.rpartition(".")
        file = name if whole else f"{stem}_aligned{dot}{extension}"
        yield Sample(
            name,
            _decoded(code, _RAF_CODES, place),
            split=name.partition("_")[0],
            path=pictures / file,
            cropped=not whole,
        )


def read_affectnet(folder: Path) -> Iterator[Sample]:
    """`val_set/annotations/0_exp.npy` beside `images/`, or folders by number or name of the label.

    Of the 68 landmarks in `0_lnd.npy`, if it is there, the five that align a face are taken
    (Mollahosseini, Hasani, Mahoor, IEEE TAC 10, 2019).
    """
    annotations = [folder / "annotations", *sorted(folder.glob("*/annotations"))]
    if not any(path.is_dir() for path in annotations):
        for sample in read_folders(folder, _affectnet_folder):
            yield Sample(sample.name, sample.label, sample.split, path=sample.path, cropped=True)
        return
    for place in annotations:
        files = place.glob("*_exp.npy")
        for file in sorted(files, key=lambda path: (len(path.name), path.name)):
            stem = file.name.removesuffix("_exp.npy")
            images = [place.parent / "images" / f"{stem}{end}" for end in (".jpg", ".png", ".jpeg")]
            path = _first(images) or images[0]
            code = str(_array(file).reshape(-1)[0])
            yield Sample(
                path.relative_to(folder).as_posix(),
                _decoded(code, _AFFECTNET_CODES, str(file)),
                split=place.parent.name if place.parent != folder else "",
                path=path,
                landmarks=_five_points(place / f"{stem}_lnd.npy"),
                cropped=True,
            )


def _affectnet_folder(name: str) -> Emotion | None:
    known = _AFFECTNET_CODES | _AFFECTNET_NAMES
    return known[name.lower()] if name.lower() in known else parse_emotion(name)


def _five_points(file: Path) -> npt.NDArray[np.float64] | None:
    """From the 68 points of iBUG (Sagonas et al., ICCVW 2013) to mien's five."""
    if not file.exists():
        return None
    points = _array(file).astype(np.float64).reshape(-1)
    if points.size != 136 or not np.isfinite(points).all():
        return None
    points = points.reshape(68, 2)
    right, left = points[36:42].mean(axis=0), points[42:48].mean(axis=0)
    return np.stack([right, left, points[30], points[48], points[54]])


def _array(file: Path) -> npt.NDArray[np.generic]:
    try:
        return np.asarray(np.load(file, allow_pickle=False))
    except (ValueError, EOFError) as error:
        raise InputError(f"{file} is not an array of numbers or text ({error})") from None


def expw_table(folder: Path) -> Path | None:
    """ExpW's table of faces, or None."""
    return _first([folder / "label.lst", folder / "label" / "label.lst"])


def read_expw(folder: Path) -> Iterator[Sample]:
    """`label.lst`: image, face, box (top, left, right, bottom), confidence, label.

    A photograph may have several faces; each is a sample with its box (Zhang et al., IJCV 126,
    2018).
    """
    table = expw_table(folder)
    if table is None:
        raise InputError(f"{folder} holds no label.lst, ExpW's table of faces")
    root = table.parent.parent if table.parent.name == "label" else table.parent
    places = [root / "image" / "origin", root / "origin", root / "image"]
    pictures = _first(places) or root
    for number, line in _lines(table):
        place = f"row {number} of {table}"
        name, face, *box, code = _cells(line, 8, place)
        try:
            top, left, right, bottom = (float(value) for value in box[:4])
        except ValueError:
            raise InputError(f"{place} has a box that is not of numbers: {line}") from None
        yield Sample(
            f"{name}#{face}",
            _decoded(code, _EXPW_CODES, place),
            path=pictures / name,
            box=Box(left, top, right - left, bottom - top),
        )


def read_ck_plus(folder: Path) -> Iterator[Sample]:
    """The peak frame of each labelled sequence of CK+ (Lucey et al., CVPRW 2010).

    `Emotion/S005/001/S005_001_00000011_emotion.txt` is named by the last frame, which lies in
    `cohn-kanade-images/S005/001/`.
    """
    for file in sorted(folder.glob("Emotion/*/*/*_emotion.txt")):
        subject, sequence = file.parts[-3:-1]
        name = f"{subject}/{sequence}/{file.name.removesuffix('_emotion.txt')}.png"
        codes = {str(code): emotion for code, emotion in enumerate(CK_CODES)}
        label = _decoded(file.read_text(encoding="ascii", errors="replace"), codes, str(file))
        path = folder / "cohn-kanade-images" / name
        yield Sample(name, label, subject=subject, path=path)


def read_jaffe(folder: Path) -> Iterator[Sample]:
    """`KA.AN1.39.tiff`: person, expression, number of the picture (Lyons et al., FG 1998)."""
    return _named(folder, JAFFE_NAME)


def read_kdef(folder: Path) -> Iterator[Sample]:
    """`AF01ANS.JPG`: session, person, expression, side (Lundqvist, Flykt, Öhman, KDEF, 1998).

    All five sides are taken; in a full profile mien seldom finds a face.
    """
    return _named(folder, KDEF_NAME)


def _named(folder: Path, pattern: re.Pattern[str]) -> Iterator[Sample]:
    """Pictures whose name says who shows what; any other has no label."""
    for path in pictures_below(folder):
        match = pattern.fullmatch(path.stem)
        yield Sample(
            path.relative_to(folder).as_posix(),
            _TWO_LETTERS[match[2].upper()] if match else None,
            subject=match[1].upper() if match else "",
            path=path,
        )


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Numbered lines of a text file that are not blank."""
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    return ((number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip())


def _cells(line: str, count: int, place: str) -> list[str]:
    cells = line.split()
    if len(cells) != count:
        raise InputError(f"{place} has {len(cells)} values, not {count}; get the file again")
    return cells


def _decoded(code: str, codes: Codes, place: str) -> Emotion | None:
    """The label of a code, which may be written as a fraction."""
    try:
        return codes[str(round(float(code)))]
    except (ValueError, OverflowError, KeyError):
        known = ", ".join(f"{key} ({value or 'no label'})" for key, value in codes.items())
        raise InputError(
            f"{place} has the unknown label {code.strip()!r}; accepted are: {known}"
        ) from None


def _first(places: list[Path]) -> Path | None:
    return next((place for place in places if place.exists()), None)
