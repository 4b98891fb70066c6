"""The results: what mien says about faces, as frozen dataclasses of plain values."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, TypeAlias

import numpy as np
import numpy.typing as npt

from mien.core.labels import EMOTIONS, Emotion, Sentiment, affect, parse_emotion, sentiment

__all__ = [
    "Box",
    "Doubt",
    "Face",
    "FrameReading",
    "Landmarks",
    "Quality",
    "Reading",
    "Scores",
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
        """x, y, width and height: a row for the functions of `mien.vision.geometry`."""
        return self.x, self.y, self.width, self.height

    def to_dict(self) -> dict[str, float]:
        """Plain numbers, rounded to a hundredth of a pixel."""
        return {name: round(getattr(self, name), 2) for name in ("x", "y", "width", "height")}


@dataclass(frozen=True, slots=True)
class Landmarks:
    """Five (x, y) points in pixels; right and left are the person's own."""

    MIRRORED: ClassVar[tuple[int, ...]] = (1, 0, 2, 4, 3)
    """Order of the points in a mirrored picture, where right and left change places."""

    right_eye: Point
    left_eye: Point
    nose: Point
    right_mouth: Point
    left_mouth: Point

    @classmethod
    def from_array(cls, points: npt.NDArray[np.floating]) -> "Landmarks":
        """Build from an array of shape (5, 2) in the order of the fields."""
        if points.shape != (5, 2):
            raise ValueError(f"landmarks must have shape (5, 2), not {points.shape}")
        return cls(*((float(x), float(y)) for x, y in points))

    def as_array(self) -> npt.NDArray[np.float32]:
        """The points as an array of shape (5, 2)."""
        points = self.right_eye, self.left_eye, self.nose, self.right_mouth, self.left_mouth
        return np.array(points, dtype=np.float32)

    def to_dict(self) -> dict[str, list[float]]:
        """Plain numbers by name, rounded to a hundredth of a pixel."""
        names = ("right_eye", "left_eye", "nose", "right_mouth", "left_mouth")
        return {name: [round(value, 2) for value in getattr(self, name)] for name in names}


@dataclass(frozen=True, slots=True)
class Face:
    """A found face: where it is, how sure the detector is (0 to 1), and five landmarks."""

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
    """What the picture of a face allows: measured on the face, each with its unit."""

    eye_distance: float
    """Distance of the eyes in pixels of the source."""
    sharpness: float
    """Variance of the Laplacian of the standardised crop, without unit."""
    brightness: float
    """Mean grey level of the crop, 0 to 255."""
    contrast: float
    """Standard deviation of the grey level of the crop."""
    turn: float
    """How far the face is turned away: 0 facing the camera, 1 in profile or beyond."""
    doubt: Doubt | None
    """The first reason not to trust a reading, or None."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Eight calibrated probabilities that sum to 1, in the order of `EMOTIONS`."""

    values: tuple[float, ...]

    def __post_init__(self) -> None:
        """Validate count, range and sum."""
        if len(self.values) != len(EMOTIONS):
            raise ValueError(f"scores need {len(EMOTIONS)} values, not {len(self.values)}")
        if not all(0.0 <= value <= 1.0 for value in self.values):
            raise ValueError(f"scores must lie in [0, 1]: {self.values}")
        if abs(sum(self.values) - 1.0) > 1e-3:
            raise ValueError(f"scores must sum to 1, not {sum(self.values):.4f}")

    def __getitem__(self, emotion: Emotion | str) -> float:
        """The probability of one emotion, by its label or an alias of it.

        Raises:
            ValueError: if it is neither; the message lists what is accepted.
        """
        return self.values[EMOTIONS.index(parse_emotion(emotion))]

    def __iter__(self) -> Iterator[tuple[Emotion, float]]:
        """Pairs of emotion and probability, in label order."""
        return iter(zip(EMOTIONS, self.values, strict=True))

    @property
    def top(self) -> Emotion:
        """The most probable emotion."""
        return EMOTIONS[int(np.argmax(self.values))]

    def ranked(self) -> list[tuple[Emotion, float]]:
        """Pairs of emotion and probability, the most probable first."""
        return sorted(self, key=lambda pair: -pair[1])

    def to_dict(self) -> dict[str, float]:
        """Probability by label, rounded to four places."""
        return {emotion.value: round(value, 4) for emotion, value in self}


@dataclass(frozen=True, slots=True)
class Reading:
    """What the expression of one face appears to be."""

    face: Face
    scores: Scores
    prediction_set: tuple[Emotion, ...]
    """The labels that together hold the right one in 90 % of cases (conformal prediction)."""
    doubt: Doubt | None = None
    quality: Quality | None = None
    track_id: int | None = None

    @property
    def top(self) -> Emotion:
        """The most probable emotion."""
        return self.scores.top

    @property
    def uncertain(self) -> bool:
        """Whether the reading should not be relied on; `doubt` says why."""
        return self.doubt is not None

    @property
    def valence(self) -> float:
        """Expected valence in [-1, 1]."""
        return affect(np.asarray(self.scores.values))[0]

    @property
    def arousal(self) -> float:
        """Expected arousal in [-1, 1]."""
        return affect(np.asarray(self.scores.values))[1]

    @property
    def sentiment(self) -> Sentiment:
        """Negative, neutral or positive, from the valence."""
        return sentiment(self.valence)

    def to_dict(self) -> dict[str, Any]:
        """The face of schema mien/1: plain values ready for JSON."""
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
    """All readings of one frame; a frame without a face has none."""

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
        """One flat row per face, the columns of the CSV and parquet forms without the source."""
        return [_row(self, number, reading) for number, reading in enumerate(self.readings)]


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
