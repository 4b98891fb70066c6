"""The shapes of deepface, fer and py-feat, for users who come from there.

Names, orders, scales and types are those of deepface 0.0.103, fer 25.10.3 and py-feat 0.6.2. They
have no contempt: it is left out and the other seven sum to 1 (or 100) again, so that a face that
appears contemptuous looks surer of something else than it is. They have no room for doubt either;
prediction sets, reasons to be uncertain, valence and films are what `mien.Analyzer` gives. Where
there is no face nothing is read, and an option that mien cannot honour is refused.

A picture is a path, or an array as OpenCV reads it: BGR, BGRA or grey, uint8; it is turned into RGB
here. Boxes and points are pixels of the upright picture, and the largest face comes first. One
analyzer of the default configuration is made at the first call; all threads share it.
"""

import math
import os
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from numbers import Real
from typing import Any, TypeAlias, TypedDict

import numpy as np
import numpy.typing as npt

from mien import Analyzer, Reading
from mien.core.errors import InputError
from mien.core.labels import parse_emotion
from mien.core.media import Media, MediaKind

__all__ = ["FER", "DeepFace", "DeepFaceResult", "Detector", "FERResult"]

_Path: TypeAlias = str | os.PathLike[str]
_Picture: TypeAlias = _Path | npt.NDArray[np.uint8]
_LABELS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
_EMOTIONS = {label: parse_emotion(label) for label in _LABELS}
_RECTANGLE = ("FaceRectX", "FaceRectY", "FaceRectWidth", "FaceRectHeight", "FaceScore")
_COLUMNS = (*_RECTANGLE, *(emotion.value for emotion in _EMOTIONS.values()))
# Options of deepface with the values that ask for what mien does anyway; it never prints.
_DEEPFACE = {"silent": (True, False), "align": (True,), "expand_percentage": (0,)}
_LOCK = threading.Lock()


class DeepFaceResult(TypedDict):
    """One face: percentages that sum to 100; the detector's score, 0 to 1; a region in pixels.

    This has integers x, y, w, h, cut off at the picture's edges, and the person's own left_eye and
    right_eye, (x, y) in integers, or None beyond the edges.
    """

    emotion: dict[str, float]
    dominant_emotion: str
    region: dict[str, Any]
    face_confidence: float


class FERResult(TypedDict):
    """One face: x, y, width and height as integers; probabilities rounded to hundredths."""

    box: list[int]
    emotions: dict[str, float]


class DeepFace:
    """What `from deepface import DeepFace` gives; of it, the expressions."""

    @staticmethod
    def analyze(
        img_path: _Picture,
        actions: str | Sequence[str] = ("emotion",),
        enforce_detection: bool = True,
        **options: object,
    ) -> list[DeepFaceResult]:
        """The faces of one picture; where there is none, an error or an empty list.

        Raises:
            InputError: which is a ValueError, as deepface's are: if there is no face and
                `enforce_detection` is true, or for an argument that mien cannot honour.
            MediaError: which is none, if the picture cannot be read.
        """
        if set(_several(actions, str) or ()) != {"emotion"}:
            raise InputError(
                "actions must be ['emotion']; mien guesses no age, gender or ethnicity, on purpose"
            )
        _refuse(options, _DEEPFACE)
        media, readings = _read(img_path)
        if enforce_detection and not readings:
            raise InputError(
                f"no face was found in {media.source}; enforce_detection=False gives an empty list"
            )
        return [_deepface_result(media, reading) for reading in readings]


class FER:
    """What `from fer import FER` gives."""

    def __init__(self, **options: object) -> None:
        """Raise an InputError for options such as `mtcnn`: faces are found in one way."""
        _refuse(options)

    def detect_emotions(self, img: _Picture, **options: object) -> list[FERResult]:
        """The faces of one picture; an empty list where there is none.

        Raises:
            InputError: for an array of the wrong type or shape, or for `face_rectangles`.
            MediaError: if the picture cannot be read.
        """
        _refuse(options)
        media, found = _read(img)
        return [
            {"box": _box(media, one), "emotions": {k: round(v, 2) for k, v in _seven(one).items()}}
            for one in found
        ]

    def top_emotion(self, img: _Picture) -> tuple[str, float] | tuple[None, None]:
        """The largest face's most probable expression and its rounded probability, or two None."""
        found = _read(img)[1]
        if not found:
            return None, None
        share, label = max((share, label) for label, share in _seven(found[0]).items())
        return label, round(share, 2)


class Detector:
    """What `from feat import Detector` gives, without action units, pose, mesh and identity."""

    def __init__(self, **options: object) -> None:
        """Raise an InputError for options such as `emotion_model`: there is one of each."""
        _refuse(options)

    def detect_image(
        self, input_file_list: _Path | Sequence[_Path], **options: object
    ) -> list[dict[str, Any]]:
        """A row per face, and one of NaN for a picture without; `pandas.DataFrame` takes them.

        Columns: the box in pixels, the detector's score from 0 to 1, seven probabilities that sum
        to 1, the path as "input" and its place in the list as "frame".

        Raises:
            InputError: for what is no path, and for options such as `batch_size`.
            MediaError: if a picture cannot be read.
        """
        _refuse(options)
        paths = _several(input_file_list, str, os.PathLike)
        if paths is None:
            raise InputError(
                "input_file_list must be a path or a list of paths; mien.Analyzer takes arrays"
            )
        return [
            {**_feat_face(face), "input": os.fspath(path), "frame": frame}
            for frame, path in enumerate(paths)
            for face in _read(path)[1] or (None,)
        ]


def _deepface_result(media: Media, reading: Reading) -> DeepFaceResult:
    seven, points = _seven(reading), reading.face.landmarks
    region: dict[str, Any] = dict(zip("xywh", _box(media, reading), strict=True))
    for name, (x, y) in {"left_eye": points.left_eye, "right_eye": points.right_eye}.items():
        region[name] = (int(x), int(y)) if 0 <= x < media.width and 0 <= y < media.height else None
    return {
        "emotion": {label: 100 * share for label, share in seven.items()},
        "dominant_emotion": max(seven, key=seven.__getitem__),
        "region": region,
        "face_confidence": round(reading.face.score, 2),
    }


def _feat_face(reading: Reading | None) -> dict[str, float]:
    if reading is None:
        return dict.fromkeys(_COLUMNS, math.nan)
    face = (*reading.face.box.as_tuple(), reading.face.score, *_seven(reading).values())
    return dict(zip(_COLUMNS, face, strict=True))


def _seven(reading: Reading) -> dict[str, float]:
    scores = {label: reading.scores[emotion] for label, emotion in _EMOTIONS.items()}
    return {label: score / sum(scores.values()) for label, score in scores.items()}


def _box(media: Media, reading: Reading) -> list[int]:
    box = reading.face.box
    left, right = (min(max(int(x), 0), media.width) for x in (box.x, box.x + box.width))
    top, bottom = (min(max(int(y), 0), media.height) for y in (box.y, box.y + box.height))
    return [left, top, right - left, bottom - top]


def _several(given: Any, *kinds: type) -> list[Any] | None:
    """One thing of these types or several, as a list; None if anything is of another."""
    if isinstance(given, kinds):
        return [given]
    try:
        things = list(given)
    except TypeError:
        return None
    return things if all(isinstance(one, kinds) for one in things) else None


def _refuse(options: Mapping[str, object], taken: Mapping[str, Sequence[object]] = {}) -> None:
    for name, value in options.items():
        # An array would be compared part by part.
        if not isinstance(value, Real) or value not in taken.get(name, ()):
            raise InputError(f"mien offers no choice of {name} here; leave it out")


@cache
def _analyzer() -> Analyzer:
    return Analyzer()


def _read(picture: _Picture) -> tuple[Media, tuple[Reading, ...]]:
    if isinstance(picture, np.ndarray) and picture.ndim == 3 and picture.shape[2] in (3, 4):
        picture = picture[:, :, [2, 1, 0, 3][: picture.shape[2]]]
    with _LOCK:  # so that threads that come first at once do not make two
        analyzer = _analyzer()
    with analyzer.analyze(picture) as analysis:
        if analysis.media.kind is not MediaKind.IMAGE:
            raise InputError(
                f"{analysis.media.source} is no single picture; mien.Analyzer().analyze reads films"
            )
        return analysis.media, analysis.faces
