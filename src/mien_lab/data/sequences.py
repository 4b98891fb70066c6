"""What the expression network says of clips, frame by frame: kept on disk, made only once.

Embeddings are those of the network that serves. They are written in parts, so that an interrupted
run goes on where it stopped, into a folder named after the weights, so that others are never mixed.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core.errors import InputError, MienError
from mien.core.labels import EMOTIONS, Emotion
from mien.core.media import Frame
from mien.models.expression import ExpressionClassifier
from mien.models.temporal import CONTEXT_SIZE, TemporalReader, context
from mien.pipeline.frame import FrameReader
from mien.vision.media import open_media
from mien.vision.quality import assess
from mien_lab.data.clips import ClipMaker, Conditions
from mien_lab.data.recordings import Recording

__all__ = ["Sequences", "join_sequences", "read_steps", "recorded", "rendered"]

log = logging.getLogger(__name__)

PLAIN = (1.0,)
"""Sizes of crops: the canonical one alone."""
PART = 16
"""Clips in one file."""
STILL_RATE = 25.0
"""Frames per second of recordings that are published as pictures without times."""


@dataclass(frozen=True)
class Sequences:
    """Clips of equal length as the recurrent network sees them; shorter ones are filled up.

    Attributes:
        embeddings: (n, t, d) float16, of crops at one size or several in turn.
        logits: (n, t, 8) float32 of the expression network for the same crops.
        single: (n, t, 8) float32, the same for crops of the canonical size.
        contexts: (n, t, CONTEXT_SIZE) float32.
        times: (n, t) float64 seconds.
        targets: (n, t, 8) float32 distributions.
        labels: (n, t) int64; -1 where a clip is over.
    """

    embeddings: npt.NDArray[np.float16]
    logits: npt.NDArray[np.float32]
    single: npt.NDArray[np.float32]
    contexts: npt.NDArray[np.float32]
    times: npt.NDArray[np.float64]
    targets: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]

    def __len__(self) -> int:
        """How many clips."""
        return len(self.labels)


def rendered(
    maker: ClipMaker,
    classifier: ExpressionClassifier,
    folder: Path,
    conditions: Sequence[Conditions],
    count: int,
    zooms: tuple[float, ...] = PLAIN,
) -> Sequences:
    """`count` generated clips, under each of the conditions in turn, as are frames at the sizes."""

    def one(number: int) -> Sequences:
        condition = conditions[number % len(conditions)]
        clip = maker.clip(number, condition)
        zoomed = clip if zooms == PLAIN else maker.clip(number, condition, zooms)
        outputs, single = _said(classifier, zoomed.crops, clip.crops)
        return Sequences(
            outputs["embedding"][None].astype(np.float16),
            outputs["logits"][None],
            single[None],
            clip.contexts[None],
            clip.times[None],
            clip.targets[None],
            clip.labels[None],
        )

    return _kept(folder, count, one)


def recorded(
    recordings: Sequence[Recording],
    reader: FrameReader,
    folder: Path,
    *,
    length: int,
    zooms: tuple[float, ...] = PLAIN,
) -> tuple[Sequences, list[Recording]]:
    """The largest face of each recording; only the first `length` frames that show one.

    It is read at each of the sizes in turn. Beside the clips the recording of each; those without
    a face are left out.

    Raises:
        InputError: if no recording shows a face.
    """

    def one(number: int) -> Sequences:
        return _filmed(recordings[number], reader, length, zooms)

    found = _kept(folder, len(recordings), one)
    shown = (found.labels >= 0).any(axis=1)
    if not shown.any():
        raise InputError("no face was found in any of the recordings; check the folder")
    return (
        Sequences(*(getattr(found, field.name)[shown] for field in fields(Sequences))),
        [recordings[number] for number in np.flatnonzero(shown).tolist()],
    )


def join_sequences(parts: Sequence[Sequences]) -> Sequences:
    """One set of all clips, filled up to the longest."""
    longest = max(part.labels.shape[1] for part in parts)
    return Sequences(
        *(
            np.concatenate(
                [
                    _filled(getattr(part, field.name), longest, -1 if field.name == "labels" else 0)
                    for part in parts
                ]
            )
            for field in fields(Sequences)
        )
    )


def read_steps(
    reader: TemporalReader, clips: Sequences, *, calibrated: bool = False
) -> npt.NDArray[np.float64]:
    """Logits, or probabilities, (n, t, 8): all clips, stepped through like live pictures."""
    count, length = clips.labels.shape
    found = np.zeros((count, length, len(EMOTIONS)))
    state = reader.start(count)
    step: Callable[..., Any] = reader.step if calibrated else reader.raw
    for index in range(length):
        embeddings = clips.embeddings[:, index].astype(np.float32)
        found[:, index], state = step(embeddings, clips.contexts[:, index], state)
    return found


def _kept(folder: Path, count: int, make: Callable[[int], Sequences]) -> Sequences:
    """Clips 0 to `count`, read from the folder or made and written there part by part."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = []
    for start, end in pairwise([*range(0, count, PART), count]):
        path = folder / f"{start:06}-{end:06}.npz"
        if not path.exists():
            made = join_sequences([make(number) for number in range(start, end)])
            draft = path.with_suffix(".part.npz")
            values: dict[str, Any] = {
                field.name: getattr(made, field.name) for field in fields(Sequences)
            }
            np.savez(draft, **values)
            draft.replace(path)
            log.info("%s: %d of %d clips", folder.name, end, count)
        with np.load(path) as stored:
            parts.append(Sequences(**{name: stored[name] for name in stored.files}))
    return join_sequences(parts)


def _filled(array: npt.NDArray[Any], length: int, value: float) -> npt.NDArray[Any]:
    missing = [(0, 0)] * array.ndim
    missing[1] = (0, length - array.shape[1])
    return np.pad(array, missing, constant_values=value)


def _said(
    classifier: ExpressionClassifier, looks: npt.NDArray[np.uint8], crops: npt.NDArray[np.uint8]
) -> tuple[dict[str, npt.NDArray[np.float32]], npt.NDArray[np.float32]]:
    """What the network says of crops (t, size, size) at several sizes, and its logits at one."""
    outputs = classifier.raw(looks)
    single = outputs["logits"].copy()
    other = (looks != crops).any(axis=(1, 2))
    single[other] = classifier.raw(crops[other])["logits"]
    return outputs, single


def _filmed(
    recording: Recording, reader: FrameReader, length: int, zooms: tuple[float, ...]
) -> Sequences:
    crops: list[npt.NDArray[np.uint8]] = []
    looks: list[npt.NDArray[np.uint8]] = []
    contexts: list[npt.NDArray[np.float32]] = []
    times: list[float] = []
    for frame in _frames(recording):
        faces = reader.find(frame.image)[:1]
        if faces:
            crop = reader.crops(frame.image, faces)[0]
            elapsed = frame.time_s - times[-1] if times else None
            contexts.append(context(assess(faces[0], crop), elapsed))
            crops.append(crop)
            zoom = zooms[len(looks) % len(zooms)]
            looks.append(reader.crops(frame.image, faces, zoom)[0])
            times.append(frame.time_s)
        if len(crops) == length:
            break
    size = reader.classifier.size
    outputs, single = _said(
        reader.classifier,
        *(np.array(each, np.uint8).reshape(-1, size, size) for each in (looks, crops)),
    )
    count = len(crops)
    shares = np.linspace(0, 1, count) if recording.onset else np.ones(count)
    targets = np.zeros((count, len(EMOTIONS)), np.float32)
    targets[:, EMOTIONS.index(Emotion.NEUTRAL)] += 1 - shares
    targets[:, EMOTIONS.index(recording.emotion)] += shares
    made = Sequences(
        outputs["embedding"][None].astype(np.float16),
        outputs["logits"][None],
        single[None],
        np.array(contexts, np.float32).reshape(1, count, CONTEXT_SIZE),
        np.array(times, np.float64).reshape(1, count),
        targets[None],
        targets.argmax(axis=1)[None].astype(np.int64),
    )
    return Sequences(
        *(
            _filled(getattr(made, field.name), length, -1 if field.name == "labels" else 0)
            for field in fields(Sequences)
        )
    )


def _frames(recording: Recording) -> Iterator[Frame]:
    """The frames that can be read; a damaged film gives those before the fault."""
    for number, path in enumerate(recording.files):
        try:
            with open_media(path) as stream:
                for frame in stream:
                    time_s = number / STILL_RATE if len(recording.files) > 1 else frame.time_s
                    yield Frame(frame.image, frame.index, time_s)
        except MienError as error:
            log.warning("%s", error)
