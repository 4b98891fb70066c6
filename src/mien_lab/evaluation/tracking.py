"""Identity errors on generated scenes, of the shipped tracker and of plain IoU matching."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from mien.core.media import Frame, Image
from mien.core.types import Face
from mien.pipeline.locator import DETECT_EVERY, FaceLocator
from mien.vision.alignment import CROP_SIZE
from mien.vision.geometry import iou_matrix
from mien.vision.tracker import MEMORY_S, FaceTracker, appearance_descriptors
from mien_lab.data.faces import fer_faces, upright_crops
from mien_lab.data.fer2013 import load_fer
from mien_lab.data.motion import Motion, MotionScene, Sighting, make_scene
from mien_lab.evaluation.matching import greedy_pairs

__all__ = ["LOCATED", "OverlapTracker", "evaluate_tracking", "identity_figures"]

LEAST_OVERLAP = 0.3
"""Minimum IoU of plain matching, as in SORT.

Bewley et al., "Simple online and realtime tracking" (ICIP 2016).
"""


class _Tracker(Protocol):
    def update(
        self, faces: Sequence[Face], time_s: float, descriptors: npt.NDArray[np.float32] | None
    ) -> list[int]: ...


class OverlapTracker:
    """Greedy IoU matching with the last boxes, with the same memory as the shipped tracker."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Face, float]] = {}
        self._count = 0

    def update(
        self,
        faces: Sequence[Face],
        time_s: float,
        descriptors: npt.NDArray[np.float32] | None = None,  # noqa: ARG002
    ) -> list[int]:
        """Ids of the faces of the next frame, in their order."""
        known = list(self._known)
        overlap = iou_matrix(
            [self._known[id_][0].box.as_tuple() for id_ in known],
            [face.box.as_tuple() for face in faces],
        )
        ids = [0] * len(faces)
        for row, column in greedy_pairs(overlap, LEAST_OVERLAP):
            ids[column] = known[row]
        for index, face in enumerate(faces):
            if not ids[index]:
                self._count += 1
                ids[index] = self._count
            self._known[ids[index]] = (face, time_s)
        self._known = {
            id_: (face, seen_s)
            for id_, (face, seen_s) in self._known.items()
            if time_s - seen_s <= MEMORY_S
        }
        return ids


def evaluate_tracking(data: Path, *, scenes: int = 20, seconds: float = 8.0) -> dict[str, Any]:
    """Figures by tracker and kind of scene, and over all kinds.

    `mien` and the others get the detections of every frame. `LOCATED` is the pipeline's method for
    video: it detects at intervals and follows faces in between, so that new faces appear only at
    detections and it has fewer sightings.

    Args:
        data: FER2013, whose PublicTest provides the faces.
        scenes: number of scenes of each kind.
        seconds: duration of each scene, at 25 frames per second.
    """
    fer = load_fer(data)
    rows = fer.rows("PublicTest")
    stills = upright_crops(fer_faces(fer, rows[~fer.blank[rows]]))
    made = {
        motion: [make_scene(motion, number, stills, seconds=seconds) for number in range(scenes)]
        for motion in Motion
    }
    figures: dict[str, Any] = {"scenes": scenes, "seconds": seconds}
    for name, measure in _WAYS.items():
        by_kind = {
            motion.value: _total([measure(scene) for scene in some])
            for motion, some in made.items()
        }
        figures[name] = {"all": _total(list(by_kind.values())), **by_kind}
    return figures


def identity_figures(course: Sequence[Sequence[tuple[int, int]]]) -> dict[str, int]:
    """Counts over the frames of a scene, each a list of (person, id).

    `switches`: changes of the id of a person between two sightings; `swaps`: those to an id first
    given to another person; `extra_ids`: ids of a person beyond the first; `sightings`: number of
    faces; `steady`: faces under the most frequent id of their person.
    """
    last: dict[int, int] = {}
    owners: dict[int, int] = {}
    ids: dict[int, Counter[int]] = {}
    switches = swaps = 0
    for frame in course:
        for person, id_ in frame:
            if last.get(person, id_) != id_:
                switches += 1
                swaps += owners.get(id_, person) != person
            last[person] = id_
            owners.setdefault(id_, person)
            ids.setdefault(person, Counter())[id_] += 1
    return {
        "switches": switches,
        "swaps": swaps,
        "extra_ids": sum(len(counts) - 1 for counts in ids.values()),
        "sightings": sum(counts.total() for counts in ids.values()),
        "steady": sum(counts.most_common(1)[0][1] for counts in ids.values()),
    }


class _Film:
    """A scene that acts as detector, aligner and refiner of a `FaceLocator`.

    Following a face gives the detection of highest IoU with the expected box, or score 0 if there
    is none.
    """

    min_face = 0.0

    def __init__(self, scene: MotionScene) -> None:
        self._scene = scene
        self._now: dict[tuple[float, ...], Sighting] = {}

    def course(self) -> list[list[tuple[int, int]]]:
        """Person and id of the faces located in each frame."""
        locator = FaceLocator(self, self)
        picture = np.zeros((1, 1), np.uint8)
        course = []
        for index, (sightings, time_s) in enumerate(
            zip(self._scene.frames, self._scene.times, strict=True)
        ):
            self._now = {seen.face.box.as_tuple(): seen for seen in sightings}
            located = locator.locate(Frame(picture, index, float(time_s)))
            people = [self._now[face.box.as_tuple()].person for face in located.faces]
            pairs = zip(people, located.ids, strict=True)
            course.append([(person, id_) for person, id_ in pairs if person is not None])
        return course

    def find(self, image: Image) -> list[Face]:  # noqa: ARG002
        return [seen.face for seen in self._now.values()]

    glance = find

    def crops(self, image: Image, faces: Sequence[Face]) -> npt.NDArray[np.uint8]:  # noqa: ARG002
        crops = [self._now[face.box.as_tuple()].crop for face in faces]
        return np.array(crops, np.uint8).reshape(-1, CROP_SIZE, CROP_SIZE)

    def follow(self, image: Image, expected: Sequence[Face]) -> list[Face]:  # noqa: ARG002
        overlap = iou_matrix([face.box.as_tuple() for face in expected], list(self._now))
        faces = []
        for known, row in zip(expected, overlap, strict=True):
            if row.max(initial=0.0) < LEAST_OVERLAP:
                faces.append(replace(known, score=0.0))
            else:
                faces.append(list(self._now.values())[int(row.argmax())].face)
        return faces


def _measure(tracker: _Tracker, scene: MotionScene, with_descriptors: bool) -> dict[str, int]:
    course = []
    for sightings, time_s in zip(scene.frames, scene.times, strict=True):
        crops = np.array([seen.crop for seen in sightings], np.uint8)
        crops = crops.reshape(-1, CROP_SIZE, CROP_SIZE)
        descriptors = appearance_descriptors(crops) if with_descriptors else None
        ids = tracker.update([seen.face for seen in sightings], float(time_s), descriptors)
        course.append(
            [
                (seen.person, id_)
                for seen, id_ in zip(sightings, ids, strict=True)
                if seen.person is not None
            ]
        )
    return identity_figures(course)


LOCATED = f"mien, searching every {DETECT_EVERY}th frame"
"""Name in reports of the pipeline's method for video."""

_WAYS: dict[str, Callable[[MotionScene], dict[str, int]]] = {
    "mien": lambda scene: _measure(FaceTracker(), scene, True),
    "mien without looks": lambda scene: _measure(FaceTracker(), scene, False),
    LOCATED: lambda scene: identity_figures(_Film(scene).course()),
    "plain overlap": lambda scene: _measure(OverlapTracker(), scene, False),
}


def _total(parts: list[dict[str, int]]) -> dict[str, int]:
    return {name: sum(part[name] for part in parts) for name in parts[0]}
