"""Per-frame outputs of the expression network on clips, cached on disk.

They are written in parts, so that an interrupted run can be resumed. Callers name the cache folder
after all that the clips depend on, so that embeddings of different networks are never mixed.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
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
from mien_lab.data.clips import Clip, ClipMaker, Conditions
from mien_lab.data.recordings import Recording

__all__ = ["Sequences", "join_sequences", "read_steps", "recorded", "rendered"]

log = logging.getLogger(__name__)

PLAIN = (1.0,)
"""Zooms of the crops: the canonical one alone."""
PART = 16
"""Number of clips per cache file."""
STILL_RATE = 25.0
"""Assumed frame rate, in frames per second, of recordings published as separate pictures."""


@dataclass(frozen=True)
class Sequences:
    """Clips as inputs of the recurrent network, padded to equal length.

    Attributes:
        embeddings: (n, t, d) float16 embeddings of crops, which cycle through one or more zooms.
        logits: (n, t, 8) float32 logits of the expression network for the same crops.
        single: (n, t, 8) float32 logits for crops at the canonical zoom.
        contexts: (n, t, CONTEXT_SIZE) float32 further inputs of the recurrent network.
        times: (n, t) float64 timestamps in seconds.
        targets: (n, t, 8) float32 target distributions.
        labels: (n, t) int64 labels; -1 in the padding.
    """

    embeddings: npt.NDArray[np.float16]
    logits: npt.NDArray[np.float32]
    single: npt.NDArray[np.float32]
    contexts: npt.NDArray[np.float32]
    times: npt.NDArray[np.float64]
    targets: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]

    def __len__(self) -> int:
        """The number of clips."""
        return len(self.labels)

    def some(self, rows: slice | npt.NDArray[np.intp]) -> "Sequences":
        """The subset of the given clips."""
        return Sequences(*(array[rows] for array in vars(self).values()))

    def padded(self, length: int) -> "Sequences":
        """The same clips, padded to a number of frames; labels by -1, all else by 0."""
        missing = length - self.labels.shape[1]
        return Sequences(
            **{
                name: np.pad(
                    array,
                    [(0, 0), (0, missing), *[(0, 0)] * (array.ndim - 2)],
                    constant_values=-1 if name == "labels" else 0,
                )
                for name, array in vars(self).items()
            }
        )


def rendered(
    maker: ClipMaker,
    classifier: ExpressionClassifier,
    folder: Path,
    conditions: Sequence[Conditions],
    count: int,
    zooms: tuple[float, ...] = PLAIN,
) -> Sequences:
    """Generate `count` clips; clips cycle through `conditions`, and frames through `zooms`."""

    def one(number: int) -> Sequences:
        condition = conditions[number % len(conditions)]
        clip = maker.clip(number, condition)
        zoomed = clip if zooms == PLAIN else maker.clip(number, condition, zooms)
        return _embedded(classifier, clip, zoomed.crops)

    return _cached(folder, count, one)


def recorded(
    recordings: Sequence[Recording],
    reader: FrameReader,
    folder: Path,
    *,
    length: int,
    zooms: tuple[float, ...] = PLAIN,
) -> tuple[Sequences, list[Recording]]:
    """Clips of the largest face of each recording, in the first `length` frames that show one.

    Frames cycle through `zooms`. Returns the clips and their recordings; recordings without a face
    are omitted.

    Raises:
        InputError: if no recording shows a face.
    """

    def one(number: int) -> Sequences:
        return _filmed(recordings[number], reader, length, zooms)

    found = _cached(folder, len(recordings), one)
    shown = np.flatnonzero((found.labels >= 0).any(axis=1))
    if not len(shown):
        raise InputError("no face was found in any of the recordings; check the folder")
    return found.some(shown), [recordings[row] for row in shown.tolist()]


def join_sequences(parts: Sequence[Sequences]) -> Sequences:
    """Concatenate clips, padded to the longest."""
    longest = max(part.labels.shape[1] for part in parts)
    padded = [vars(part.padded(longest)).values() for part in parts]
    return Sequences(*(np.concatenate(arrays) for arrays in zip(*padded, strict=True)))


def read_steps(
    reader: TemporalReader, clips: Sequences, *, calibrated: bool = False
) -> npt.NDArray[np.float64]:
    """Logits (n, t, 8), or probabilities if `calibrated`, computed frame by frame as if live."""
    count, length = clips.labels.shape
    found = np.zeros((count, length, len(EMOTIONS)))
    state = reader.start(count)
    step: Callable[..., Any] = reader.step if calibrated else reader.raw
    for index in range(length):
        embeddings = clips.embeddings[:, index].astype(np.float32)
        found[:, index], state = step(embeddings, clips.contexts[:, index], state)
    return found


def _cached(folder: Path, count: int, make: Callable[[int], Sequences]) -> Sequences:
    """Clips 0 to `count`, read from the folder, or made and written to it in parts."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = []
    for start, end in pairwise([*range(0, count, PART), count]):
        path = folder / f"{start:06}-{end:06}.npz"
        if not path.exists():
            made = join_sequences([make(number) for number in range(start, end)])
            draft = path.with_suffix(".part.npz")
            np.savez(draft, **vars(made))
            draft.replace(path)
            log.info("%s: %d of %d clips", folder.name, end, count)
        with np.load(path) as stored:
            parts.append(Sequences(**{name: stored[name] for name in stored.files}))
    return join_sequences(parts)


def _embedded(
    classifier: ExpressionClassifier, clip: Clip, zoomed: npt.NDArray[np.uint8]
) -> Sequences:
    """A clip with the outputs of the network for its zoomed crops, and for its canonical ones."""
    outputs = classifier.raw(zoomed)
    single = outputs["logits"].copy()
    other = (zoomed != clip.crops).any(axis=(1, 2))
    single[other] = classifier.raw(clip.crops[other])["logits"]
    return Sequences(
        outputs["embedding"][None].astype(np.float16),
        outputs["logits"][None],
        single[None],
        clip.contexts[None],
        clip.times[None],
        clip.targets[None],
        clip.labels[None],
    )


def _filmed(
    recording: Recording, reader: FrameReader, length: int, zooms: tuple[float, ...]
) -> Sequences:
    crops: list[npt.NDArray[np.uint8]] = []
    zoomed: list[npt.NDArray[np.uint8]] = []
    contexts: list[npt.NDArray[np.float32]] = []
    times: list[float] = []
    for frame in _frames(recording):
        faces = reader.find(frame.image)[:1]
        if faces:
            crop = reader.crops(frame.image, faces)[0]
            elapsed = frame.time_s - times[-1] if times else None
            contexts.append(context(assess(faces[0], crop), elapsed))
            crops.append(crop)
            zoom = zooms[len(zoomed) % len(zooms)]
            zoomed.append(reader.crops(frame.image, faces, zoom)[0])
            times.append(frame.time_s)
        if len(crops) == length:
            break
    size = reader.classifier.size
    plain, cut = (np.array(each, np.uint8).reshape(-1, size, size) for each in (crops, zoomed))
    targets = _targets(recording, np.array(times, np.float64))
    clip = Clip(
        plain,
        np.array(contexts, np.float32).reshape(-1, CONTEXT_SIZE),
        np.array(times, np.float64),
        targets,
        targets.argmax(axis=1).astype(np.int64),
    )
    return _embedded(reader.classifier, clip, cut).padded(length)


def _targets(recording: Recording, times: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """The target distributions (t, 8) of frames at `times` (t,) in seconds.

    Those of an onset are linear from neutral in the first picture to the label in the last one,
    whether or not a face is found in these.
    """
    shares = np.ones(len(times))
    if recording.onset:
        shares = times * STILL_RATE / max(len(recording.files) - 1, 1)
    targets = np.zeros((len(times), len(EMOTIONS)), np.float32)
    targets[:, EMOTIONS.index(Emotion.NEUTRAL)] += 1 - shares
    targets[:, EMOTIONS.index(recording.emotion)] += shares
    return targets


def _frames(recording: Recording) -> Iterator[Frame]:
    """The readable frames; a damaged file yields those before the fault."""
    for number, path in enumerate(recording.files):
        try:
            with open_media(path) as stream:
                for frame in stream:
                    time_s = number / STILL_RATE if len(recording.files) > 1 else frame.time_s
                    yield Frame(frame.image, frame.index, time_s)
        except MienError as error:
            log.warning("%s", error)
