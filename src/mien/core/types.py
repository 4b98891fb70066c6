"""Result types: frozen dataclasses of plain values."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, TypeAlias

import numpy as np
import numpy.typing as npt

from mien.core.errors import InputError
from mien.core.labels import Emotion, Sentiment, affect, sentiment
from mien.core.scores import Scores

__all__ = [
    "Box",
    "Doubt",
    "Face",
    "FrameReading",
    "Landmarks",
    "Quality",
    "Reading",
    "flat_rows",
]

Point: TypeAlias = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels of the oriented frame; it may reach beyond the frame."""

    x: float
    y: float
    width: float
    height: float

    @property
    def area(self) -> float:
        """Width times height, in square pixels."""
        return self.width * self.height

    @property
    def shorter_side(self) -> float:
        """The shorter side, in pixels."""
        return min(self.width, self.height)

    def as_tuple(self) -> tuple[float, float, float, float]:
        """x, y, width and height in pixels, as a row for `mien.vision.geometry`."""
        return self.x, self.y, self.width, self.height

    def to_dict(self) -> dict[str, float]:
        """The fields by name, rounded to a hundredth of a pixel."""
        return {name: round(getattr(self, name), 2) for name in ("x", "y", "width", "height")}


@dataclass(frozen=True, slots=True)
class Landmarks:
    """Five (x, y) points in pixels; right and left are the person's own."""

    MIRRORED: ClassVar[tuple[int, ...]] = (1, 0, 2, 4, 3)
    """Permutation of the points under a horizontal flip, which swaps right and left."""

    right_eye: Point
    left_eye: Point
    nose: Point
    right_mouth: Point
    left_mouth: Point

    @classmethod
    def from_array(cls, points: npt.NDArray[np.floating]) -> "Landmarks":
        """Build from an array of shape (5, 2), in the order of the fields.

        Raises:
            InputError: if the array has another shape.
        """
        if points.shape != (5, 2):
            raise InputError(f"landmarks must have shape (5, 2), not {points.shape}")
        return cls(*((float(x), float(y)) for x, y in points))

    def as_array(self) -> npt.NDArray[np.float32]:
        """The points as an array of shape (5, 2), float32."""
        points = self.right_eye, self.left_eye, self.nose, self.right_mouth, self.left_mouth
        return np.array(points, dtype=np.float32)

    def to_dict(self) -> dict[str, list[float]]:
        """[x, y] by name, rounded to a hundredth of a pixel."""
        names = ("right_eye", "left_eye", "nose", "right_mouth", "left_mouth")
        return {name: [round(value, 2) for value in getattr(self, name)] for name in names}


@dataclass(frozen=True, slots=True)
class Face:
    """A detected face.

    Attributes:
        box: bounding box in pixels of the upright image.
        score: confidence score of the detector, 0 to 1. A tracked face keeps that of its last
            detection.
        landmarks: five points in pixels of the upright image.
    """

    box: Box
    score: float
    landmarks: Landmarks


class Doubt(StrEnum):
    """Why a reading is marked uncertain."""

    SMALL = "small"
    BLURRED = "blurred"
    TURNED_AWAY = "turned away"
    OCCLUDED = "occluded"
    EXPOSURE = "too dark or too bright"
    AMBIGUOUS = "ambiguous"


@dataclass(frozen=True, slots=True)
class Quality:
    """Image quality of one face.

    Attributes:
        eye_distance: distance between the eyes in pixels of the source.
        sharpness: variance of the Laplacian of the aligned crop at unit contrast, dimensionless.
        brightness: mean grey level of the crop, 0 to 255.
        contrast: standard deviation of the grey levels of the crop, 0 to 255.
        turn: yaw, from the offset of the nose between the two eyes and between the two corners of
            the mouth: 0 is frontal, 1 is the nose level with one eye and its corner of the mouth,
            or beyond. It is not an angle, and blind to pitch and roll.
        defect: first reason found in the image not to trust a reading (small, exposure, turned
            away or blurred); None if there is none. `Reading.doubt` also covers the reading.
    """

    eye_distance: float
    sharpness: float
    brightness: float
    contrast: float
    turn: float
    defect: Doubt | None


@dataclass(frozen=True, slots=True)
class Reading:
    """The apparent expression of one face.

    Attributes:
        face: the detected face.
        scores: calibrated probabilities of the eight emotions.
        prediction_set: split-conformal prediction set, the most probable label first; it contains
            the correct label with a nominal coverage of 90 %.
        doubt: first reason why the reading is uncertain: the defect of the image quality, an
            occluded face, or an ambiguous prediction set; None if there is none.
        quality: image quality of the face; None if it was not measured.
        track_id: identity of the face, stable within one video or camera; None for still images.
    """

    face: Face
    scores: Scores
    prediction_set: tuple[Emotion, ...]
    doubt: Doubt | None = None
    quality: Quality | None = None
    track_id: int | None = None

    @property
    def top(self) -> Emotion:
        """The most probable emotion."""
        return self.scores.top

    @property
    def uncertain(self) -> bool:
        """Whether the reading should not be relied on; `doubt` gives the reason."""
        return self.doubt is not None

    @property
    def valence(self) -> float:
        """Expected valence in [-1, 1]."""
        return affect(np.asarray(self.scores.probabilities))[0]

    @property
    def arousal(self) -> float:
        """Expected arousal in [-1, 1]."""
        return affect(np.asarray(self.scores.probabilities))[1]

    @property
    def sentiment(self) -> Sentiment:
        """Negative, neutral or positive, derived from the valence."""
        return sentiment(self.valence)

    def to_dict(self) -> dict[str, Any]:
        """The face of schema mien/1, as plain values ready for JSON."""
        return {
            "track_id": self.track_id,
            "box": self.face.box.to_dict(),
            "score": round(self.face.score, 4),
            "landmarks": self.face.landmarks.to_dict(),
            "emotions": self.scores.to_dict(),
            "top": self.top.value,
            "prediction_set": [emotion.value for emotion in self.prediction_set],
            "uncertain": self.uncertain,
            "uncertain_reason": self.doubt.value if self.doubt else None,
            "valence": round(self.valence, 4),
            "arousal": round(self.arousal, 4),
            "sentiment": self.sentiment.value,
        }


@dataclass(frozen=True, slots=True)
class FrameReading:
    """The readings of one frame.

    Attributes:
        index: zero-based position in the source; frames that `every` skips count.
        time_s: presentation timestamp in seconds; 0 for still images.
        readings: one per face in order of descending area; empty if there is no face.
    """

    index: int
    time_s: float
    readings: tuple[Reading, ...]

    def to_dict(self) -> dict[str, Any]:
        """The frame of schema mien/1."""
        return {
            "index": self.index,
            "time_s": round(self.time_s, 6),
            "faces": [reading.to_dict() for reading in self.readings],
        }

    def to_dicts(self) -> list[dict[str, Any]]:
        """One flat row per face: the columns of the CSV and Parquet files without the source.

        Rows lack the landmarks, the prediction set and the reason of uncertainty; `to_dict` has
        them.
        """
        return [_row(self, number, reading) for number, reading in enumerate(self.readings)]


def flat_rows(source: str, frames: Iterable[FrameReading]) -> list[dict[str, Any]]:
    """One flat row per face and frame: the source, then the values of `FrameReading.to_dicts`."""
    return [{"source": source, **row} for frame in frames for row in frame.to_dicts()]


def _row(frame: FrameReading, number: int, reading: Reading) -> dict[str, Any]:
    known = reading.to_dict()
    return {
        "frame": frame.index,
        "time_s": round(frame.time_s, 6),
        "face": number,
        "track_id": known["track_id"],
        **known["box"],
        "score": known["score"],
        "top": known["top"],
        **known["emotions"],
        **{name: known[name] for name in ("valence", "arousal", "sentiment", "uncertain")},
    }
