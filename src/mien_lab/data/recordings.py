"""Readers of published video collections of expressions in their original layouts.

mien cannot download these collections; users point at the unpacked folder.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from mien.core.errors import InputError
from mien.core.labels import Emotion
from mien_lab.data.codes import CK_CODES, decoded
from mien_lab.data.manifests import files_below
from mien_lab.data.tables import read_table

__all__ = ["Recording", "RecordingLayout", "labelled_sequences", "read_recordings"]


class RecordingLayout(StrEnum):
    """The supported collections."""

    CREMA_D = "crema-d"
    RAVDESS = "ravdess"
    CK_PLUS = "ck+"
    AFEW = "afew"
    DFEW = "dfew"


@dataclass(frozen=True)
class Recording:
    """One recorded expression.

    Attributes:
        files: a video file, or its frames as pictures in order.
        emotion: the label.
        group: unit that must not be in both training and test: the subject or the official split.
        onset: whether its pictures run from a neutral face to the apex.
        subject: who is shown; empty where unknown.
    """

    files: tuple[Path, ...]
    emotion: Emotion
    group: str
    onset: bool = False
    subject: str = ""


def read_recordings(folder: Path, layout: RecordingLayout) -> list[Recording]:
    """Read all labelled recordings in a folder.

    Raises:
        InputError: if there are none in this layout, there are only frames without timestamps, or
            a table lacks a column or has an invalid line.
    """
    found = list(_READERS[layout](folder))
    if not found:
        raise InputError(f"{folder} holds no recording in the layout of {layout}; check the folder")
    return found


def labelled_sequences(folder: Path) -> Iterator[tuple[Path, Emotion | None]]:
    """The label file of each labelled sequence of CK+ (Lucey et al., CVPRW 2010), and its label.

    The folder of `Emotion/S005/001/S005_001_00000011_emotion.txt` names subject and sequence.
    """
    for file in files_below(folder, "Emotion/*/*/*_emotion.txt"):
        code = file.read_text(encoding="utf-8-sig", errors="replace")
        yield file, decoded(code, CK_CODES, str(file))


_CREMA_CODES = {
    "ANG": Emotion.ANGER,
    "DIS": Emotion.DISGUST,
    "FEA": Emotion.FEAR,
    "HAP": Emotion.HAPPINESS,
    "NEU": Emotion.NEUTRAL,
    "SAD": Emotion.SADNESS,
}


def _crema_d(folder: Path) -> Iterator[Recording]:
    """`VideoFlash/1001_DFA_ANG_XX.flv`: actor, sentence, emotion, level (Cao et al., 2014)."""
    for path in _films(folder):
        parts = path.stem.split("_")
        if len(parts) == 4 and parts[2] in _CREMA_CODES:
            yield Recording((path,), _CREMA_CODES[parts[2]], parts[0], subject=parts[0])


# Calm was recorded as a second baseline beside neutral (Livingstone and Russo, 2018).
_RAVDESS_CODES = {
    "01": Emotion.NEUTRAL,
    "02": Emotion.NEUTRAL,
    "03": Emotion.HAPPINESS,
    "04": Emotion.SADNESS,
    "05": Emotion.ANGER,
    "06": Emotion.FEAR,
    "07": Emotion.DISGUST,
    "08": Emotion.SURPRISE,
}


def _ravdess(folder: Path) -> Iterator[Recording]:
    """`Actor_01/02-01-06-01-02-01-01.mp4`: modality, channel, emotion, ..., actor.

    Modality 01 has the frames of 02 with sound; only one of the two is read.
    """
    seen = set()
    for path in _films(folder):
        parts = path.stem.split("-")
        if len(parts) != 7 or parts[0] not in ("01", "02") or parts[2] not in _RAVDESS_CODES:
            continue
        if (take := tuple(parts[1:])) not in seen:
            seen.add(take)
            yield Recording((path,), _RAVDESS_CODES[parts[2]], parts[6], subject=parts[6])


def _ck_plus(folder: Path) -> Iterator[Recording]:
    """`cohn-kanade-images/S005/001/*.png` with `Emotion/S005/001/*_emotion.txt`.

    Sequences run from neutral to the apex (Lucey et al., 2010); unlabelled ones are skipped.
    """
    for file, emotion in labelled_sequences(folder):
        subject, sequence = file.parts[-3:-1]
        pictures = files_below(folder / "cohn-kanade-images" / subject / sequence, "*.png")
        if pictures and emotion is not None:
            yield Recording(tuple(pictures), emotion, subject, onset=True, subject=subject)


_AFEW_NAMES = {
    "Angry": Emotion.ANGER,
    "Disgust": Emotion.DISGUST,
    "Fear": Emotion.FEAR,
    "Happy": Emotion.HAPPINESS,
    "Neutral": Emotion.NEUTRAL,
    "Sad": Emotion.SADNESS,
    "Surprise": Emotion.SURPRISE,
}


def _afew(folder: Path) -> Iterator[Recording]:
    """`Train_AFEW/Angry/000046280.avi`: split, emotion, film (Dhall et al., 2012)."""
    for path in _films(folder):
        if path.parent.name in _AFEW_NAMES:
            yield Recording((path,), _AFEW_NAMES[path.parent.name], path.parent.parent.name)


_DFEW_CODES = {
    "1": Emotion.HAPPINESS,
    "2": Emotion.SADNESS,
    "3": Emotion.NEUTRAL,
    "4": Emotion.ANGER,
    "5": Emotion.SURPRISE,
    "6": Emotion.DISGUST,
    "7": Emotion.FEAR,
}


def _dfew(folder: Path) -> Iterator[Recording]:
    """Numbered videos or folders of frames, with labels in `set_1.csv` (`video_name,label`).

    The first of the five published splits is read (Jiang et al., 2020). Of each clip the video is
    preferred, then the frames in `clip_224x224`, at 25 frames per second. `clip_224x224_16f` is
    refused: it holds 16 frames of every clip, whatever its length.
    """
    pictures: dict[int, dict[Path, list[Path]]] = {}
    resampled = None
    for path in files_below(folder, "**/*.jpg"):
        place = path.parent
        if not place.name.isdigit():
            continue
        if any(part.endswith("_16f") for part in place.parts):
            resampled = place.parent
        else:
            pictures.setdefault(int(place.name), {}).setdefault(place, []).append(path)
    films = {int(path.stem): path for path in _films(folder) if path.stem.isdigit()}
    if resampled and not pictures and not films:
        raise InputError(
            f"{resampled} holds 16 frames of each clip without their times; "
            "unpack DFEW's clip_224x224 or its films beside it"
        )
    for table in sorted(folder.rglob("set_1.csv")):
        for row in read_table(table, ("video_name",), ("label",)):
            name, code = row["video_name"], row["label"]
            if not name.isdigit() or code not in _DFEW_CODES:
                continue
            number = int(name)
            files = (films[number],) if number in films else _frames(pictures.get(number, {}))
            if files:
                yield Recording(files, _DFEW_CODES[code], table.parent.name)


def _frames(places: Mapping[Path, list[Path]]) -> tuple[Path, ...]:
    """The frames of one of the folders, sorted by the last number in their names."""
    if not places:
        return ()
    chosen = min(places, key=lambda place: (place.parent.name != "clip_224x224", place))
    numbers = {path: re.findall(r"\d+", path.stem) for path in places[chosen]}
    return tuple(sorted(numbers, key=lambda path: (int((numbers[path] or ["0"])[-1]), path)))


def _films(folder: Path) -> list[Path]:
    """All video files below a folder."""
    known = {".flv", ".mp4", ".avi", ".mkv", ".mov"}
    return [path for path in files_below(folder) if path.suffix.lower() in known]


_READERS: dict[RecordingLayout, Callable[[Path], Iterator[Recording]]] = {
    RecordingLayout.CREMA_D: _crema_d,
    RecordingLayout.RAVDESS: _ravdess,
    RecordingLayout.CK_PLUS: _ck_plus,
    RecordingLayout.AFEW: _afew,
    RecordingLayout.DFEW: _dfew,
}
