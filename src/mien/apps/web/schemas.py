"""Response models of the server; readings follow schema mien/1."""

from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from mien.core.labels import EMOTIONS, Emotion, Sentiment
from mien.core.media import MediaKind
from mien.core.types import Doubt
from mien.report.schema import SCHEMA

__all__ = [
    "Activation",
    "ConsentNotice",
    "EventView",
    "Frame",
    "JobState",
    "JobView",
    "Live",
    "Model",
    "Models",
    "Result",
]

Pair = tuple[float, float]

_FACE: Any = {
    "track_id": None,
    "box": {"x": 136.1, "y": 62.4, "width": 88.2, "height": 121.7},
    "score": 0.97,
    "landmarks": {
        "right_eye": [160.2, 110.3], "left_eye": [200.1, 109.8], "nose": [181.0, 133.9],
        "right_mouth": [164.8, 153.1], "left_mouth": [197.5, 152.6],
    },
    "emotions": {emotion.value: 0.93 if emotion == "happiness" else 0.01 for emotion in EMOTIONS},
    "top": "happiness",
    "prediction_set": ["happiness"],
    "uncertain": False,
    "uncertain_reason": None,
    "valence": 0.73,
    "arousal": 0.48,
    "sentiment": "positive",
}  # fmt: skip


_FRAME: Any = {"index": 0, "time_s": 0.0, "faces": [_FACE]}
_RESULT: Any = {
    "schema": SCHEMA,
    "model": {
        "expression": {
            "version": "2",
            "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        }
    },
    "items": [
        {
            "source": "portrait.jpg",
            "kind": "image",
            "width": 320,
            "height": 288,
            "frames": [_FRAME],
        }
    ],
}
_LIVE: Any = {
    "kind": "reading",
    "sequence": 41,
    "dropped": 2,
    "delay_ms": 7.4,
    "width": 320,
    "height": 288,
    "time_s": 3.2,
    "faces": [{**_FACE, "track_id": 1}],
}


class Box(BaseModel):
    """A rectangle in pixels of the upright picture; it may extend beyond the picture."""

    x: float
    y: float
    width: float
    height: float


class Landmarks(BaseModel):
    """Five points in pixels; right and left are the person's own."""

    right_eye: Pair
    left_eye: Pair
    nose: Pair
    right_mouth: Pair
    left_mouth: Pair


class Activation(BaseModel):
    """The activation map of the most probable expression."""

    emotion: Emotion
    rows: int
    columns: int
    values: list[float] = Field(
        description="Activations row by row, without unit; larger values support the expression."
    )
    corners: tuple[Pair, Pair, Pair, Pair] = Field(
        description="Corners of the map in pixels of the picture: top left, top right, bottom "
        "right, bottom left."
    )


class Face(BaseModel):
    """How the expression of one face appears."""

    model_config = ConfigDict(json_schema_extra={"examples": [_FACE]})

    track_id: int | None
    box: Box
    score: float = Field(ge=0, le=1)
    landmarks: Landmarks
    emotions: dict[Emotion, float] = Field(description="Eight probabilities that sum to 1.")
    top: Emotion
    prediction_set: list[Emotion]
    uncertain: bool
    uncertain_reason: Doubt | None
    valence: float = Field(ge=-1, le=1)
    arousal: float = Field(ge=-1, le=1)
    sentiment: Sentiment
    activation: Activation | None = None


class Frame(BaseModel):
    """One frame of a source; `faces` is empty if none was found."""

    model_config = ConfigDict(json_schema_extra={"examples": [_FRAME]})

    index: int
    time_s: float
    faces: list[Face]


class Item(BaseModel):
    """One source with its frames; `error` states what interrupted it."""

    source: str
    kind: MediaKind | None
    width: int | None
    height: int | None
    frames: list[Frame]
    error: str | None = None


class Result(BaseModel):
    """The document of schema mien/1."""

    model_config = ConfigDict(
        protected_namespaces=(), populate_by_name=True, json_schema_extra={"examples": [_RESULT]}
    )

    schema_: Literal["mien/1"] = Field(alias="schema", examples=[SCHEMA])
    model: dict[str, Any] = Field(
        description="Version, precision and SHA-256 of the weights, by network name."
    )
    items: list[Item]


class JobState(StrEnum):
    """The state of a job; it is queued until a worker is free."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class EventView(BaseModel):
    """One expression of one face from onset to offset; times in seconds of the film."""

    track_id: int = Field(examples=[1])
    expression: Emotion
    onset_s: float = Field(description="When the expression begins.", examples=[1.24])
    apex_s: float = Field(description="When the expression is most probable.", examples=[1.8])
    offset_s: float = Field(description="When the expression ends.", examples=[2.92])
    duration_s: float = Field(examples=[1.68])
    peak: float = Field(ge=0, le=1, description="Probability at the apex.", examples=[0.87])


class JobView(BaseModel):
    """A film that is read in the background."""

    id: str = Field(examples=["c0ffee-4rTz0k2b"])
    state: JobState
    source: str = Field(examples=["holiday.mp4"])
    frames_read: int = Field(examples=[120])
    frame_count: int | None = Field(examples=[480])
    progress: float | None = Field(ge=0, le=1, examples=[0.25])
    warning: str | None = Field(
        None, description="Why the film was interrupted, or has no annotated copy."
    )
    error: str | None = Field(None, description="Why the job failed.")
    results: dict[str, str] = Field(
        description="Paths of the results by format; empty until the job is done.",
        examples=[{"json": "/api/v1/jobs/c0ffee-4rTz0k2b/results/json"}],
    )
    events: list[EventView] = Field(
        description="Expression events in order of onset; empty until the job is done."
    )


class Model(BaseModel):
    """The card of one weight file, and the URL of the file."""

    name: str = Field(examples=["expression"])
    file: str
    url: str = Field(examples=["/weights/expression-int8.onnx?v=aa19ad64f1c2"])
    sha256: str
    version: str
    kind: str
    precision: str
    input: dict[str, Any]
    labels: list[str]
    trained_on: str
    extra: dict[str, Any]


class ConsentNotice(BaseModel):
    """The notice that users must agree to before a camera opens."""

    version: str = Field(
        description="Changes when the texts change; users must then consent again."
    )
    text: str = Field(
        description="What is analysed, as plain text; blank lines separate paragraphs."
    )
    where: str | None = Field(
        description="Where images are processed, as plain text; the page's default text if null."
    )
    kept: str | None = Field(
        description="What is stored and for how long; the page's default text if null."
    )


class Models(BaseModel):
    """The networks, notice and limits of the server; pages read with the same weights."""

    version: str = Field(description="Version of mien.", examples=["0.1.0"])
    models: list[Model]
    consent: ConsentNotice
    live_fps: float
    max_upload: int
    keep_s: float = Field(
        description="Seconds that results are kept after they were last requested."
    )


class Live(BaseModel):
    """One reading sent by the live socket."""

    model_config = ConfigDict(json_schema_extra={"examples": [_LIVE]})

    kind: Literal["reading"] = "reading"
    sequence: int = Field(description="Index of the frame among those sent, from 0.")
    dropped: int = Field(description="Number of frames replaced by a newer one so far.")
    delay_ms: float = Field(description="Time from the arrival of the frame to this reading.")
    width: int
    height: int
    time_s: float
    faces: list[Face]
