"""Interfaces compatible with deepface, fer and py-feat.

Names, orders, scales and types are those of deepface 0.0.103, fer 25.10.3 and py-feat 0.6.2. None
of them has contempt: it is left out and the other seven are renormalized to a sum of 1 (or 100),
which overstates their probability for a face that appears contemptuous. Nor do they express
uncertainty: `mien.Analyzer` gives prediction sets, reasons of uncertainty, valence and videos.
Nothing is read where no face is detected, and options that mien cannot honour raise an InputError.

An image is a path, or an array as OpenCV reads it: BGR, BGRA or grey, uint8. Boxes and points are
in pixels of the upright image; faces are in order of descending area. One analyzer with the default
configuration is created at the first call and shared by all threads.
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
# Options of deepface with the values that match what mien does anyway; it never prints.
_DEEPFACE = {"silent": (True, False), "align": (True,), "expand_percentage": (0,)}
_LOCK = threading.Lock()


class DeepFaceResult(TypedDict):
    """One face.

    Attributes:
        emotion: seven percentages that sum to 100.
        dominant_emotion: the most probable of the seven.
        region: integers x, y, w, h in pixels, clipped to the image, and the person's own left_eye
            and right_eye as (x, y) in integers, or None outside the image.
        face_confidence: confidence score of the detector, 0 to 1.
    """

    emotion: dict[str, float]
    dominant_emotion: str
    region: dict[str, Any]
    face_confidence: float


class FERResult(TypedDict):
    """One face.

    Attributes:
        box: x, y, width and height in pixels, clipped to the image.
        emotions: seven probabilities that sum to 1, rounded to hundredths.
    """

    box: list[int]
    emotions: dict[str, float]


class DeepFace:
    """Replacement for `deepface.DeepFace`, for expressions only."""

    @staticmethod
    def analyze(
        img_path: _Picture,
        actions: str | Sequence[str] = ("emotion",),
        enforce_detection: bool = True,
        **options: object,
    ) -> list[DeepFaceResult]:
        """Read the faces of one image.

        Args:
            img_path: the image.
            actions: must be "emotion" or ["emotion"].
            enforce_detection: whether to raise an error if no face is detected, instead of
                returning an empty list.
            **options: `silent`, `align` or `expand_percentage`, with values that mien can honour.

        Raises:
            InputError: if no face is detected and `enforce_detection` is true, or for an argument
                that mien cannot honour. It is a ValueError, as in deepface.
            MediaError: if the image cannot be read. It is not a ValueError.
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
    """Replacement for `fer.FER`."""

    def __init__(self, **options: object) -> None:
        """Accept no options.

        Raises:
            InputError: for options such as `mtcnn`, since there is one detector.
        """
        _refuse(options)

    def detect_emotions(self, img: _Picture, **options: object) -> list[FERResult]:
        """Read the faces of one image; an empty list if there is none.

        Raises:
            InputError: for an array of the wrong dtype or shape, or for `face_rectangles`.
            MediaError: if the image cannot be read.
        """
        _refuse(options)
        media, found = _read(img)
        return [
            {"box": _box(media, one), "emotions": {k: round(v, 2) for k, v in _seven(one).items()}}
            for one in found
        ]

    def top_emotion(self, img: _Picture) -> tuple[str, float] | tuple[None, None]:
        """Most probable expression of the largest face and its rounded probability.

        Two None if there is no face.

        Raises:
            InputError: for an array of the wrong dtype or shape.
            MediaError: if the image cannot be read.
        """
        found = _read(img)[1]
        if not found:
            return None, None
        share, label = max((share, label) for label, share in _seven(found[0]).items())
        return label, round(share, 2)


class Detector:
    """Replacement for `feat.Detector`, without action units, pose, mesh and identity."""

    def __init__(self, **options: object) -> None:
        """Accept no options.

        Raises:
            InputError: for options such as `emotion_model`, since there is one model of each kind.
        """
        _refuse(options)

    def detect_image(
        self, input_file_list: _Path | Sequence[_Path], **options: object
    ) -> list[dict[str, Any]]:
        """One row per face for `pandas.DataFrame`; one row of NaN for an image without a face.

        Columns: the box in pixels, the confidence score of the detector (0 to 1), seven
        probabilities that sum to 1, the path as "input" and its index in the list as "frame".

        Raises:
            InputError: for an input that is not a path, and for options such as `batch_size`.
            MediaError: if an image cannot be read.
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
    """One value or several as a list; None if any is not of these types."""
    if isinstance(given, kinds):
        return [given]
    try:
        things = list(given)
    except TypeError:
        return None
    return things if all(isinstance(one, kinds) for one in things) else None


def _refuse(options: Mapping[str, object], taken: Mapping[str, Sequence[object]] = {}) -> None:
    for name, value in options.items():
        # `in` would compare an array element by element.
        if not isinstance(value, Real) or value not in taken.get(name, ()):
            raise InputError(f"mien offers no choice of {name} here; leave it out")


@cache
def _analyzer() -> Analyzer:
    return Analyzer()


def _read(picture: _Picture) -> tuple[Media, tuple[Reading, ...]]:
    if isinstance(picture, np.ndarray) and picture.ndim == 3 and picture.shape[2] in (3, 4):
        picture = picture[:, :, [2, 1, 0, 3][: picture.shape[2]]]
    with _LOCK:  # concurrent first calls must not create two analyzers
        analyzer = _analyzer()
    with analyzer.analyze(picture) as analysis:
        if analysis.media.kind is not MediaKind.IMAGE:
            raise InputError(
                f"{analysis.media.source} is not a single picture; mien.Analyzer().analyze reads it"
            )
        return analysis.media, analysis.faces
