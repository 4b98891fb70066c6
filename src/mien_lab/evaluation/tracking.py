"""How well ids hold on generated scenes: the shipped tracker beside plain overlap matching."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from mien.core.types import Face
from mien.vision.geometry import iou_matrix
from mien.vision.tracker import MEMORY_S, FaceTracker, describe
from mien_lab.data.faces import fer_faces, upright_crops
from mien_lab.data.fer2013 import load_fer
from mien_lab.data.motion import Motion, Scene, make_scene

__all__ = ["OverlapTracker", "evaluate_tracking", "identity_figures"]

LEAST_OVERLAP = 0.3
"""Of plain matching, as in Bewley et al., "Simple online and realtime tracking" (ICIP 2016)."""


class _Tracker(Protocol):
    def update(
        self, faces: Sequence[Face], time_s: float, looks: npt.NDArray[np.float32] | None
    ) -> list[int]: ...


class OverlapTracker:
    """Plain matching: the box with the largest overlap with the last one, for as long a memory."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Face, float]] = {}
        self._count = 0

    def update(
        self,
        faces: Sequence[Face],
        time_s: float,
        looks: npt.NDArray[np.float32] | None = None,  # noqa: ARG002
    ) -> list[int]:
        """Ids for the faces of the next frame, in their order."""
        known = list(self._known)
        overlap = iou_matrix(
            [self._known[id_][0].box.as_tuple() for id_ in known],
            [face.box.as_tuple() for face in faces],
        )
        ids = [0] * len(faces)
        while overlap.size and overlap.max() >= LEAST_OVERLAP:
            row, column = np.unravel_index(int(overlap.argmax()), overlap.shape)
            ids[column] = known[row]
            overlap[row] = overlap[:, column] = 0.0
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
    """Figures by tracker and kind of scene, and over all of them.

    Args:
        data: FER2013, whose PublicTest gives the faces.
        scenes: of each kind.
        seconds: of each scene, at 25 frames per second.
    """
    fer = load_fer(data)
    rows = fer.rows("PublicTest")
    stills = upright_crops(fer_faces(fer, rows[~fer.blank[rows]]))
    made = {
        motion: [make_scene(motion, number, stills, seconds=seconds) for number in range(scenes)]
        for motion in Motion
    }
    figures: dict[str, Any] = {"scenes": scenes, "seconds": seconds}
    for name, (make, with_looks) in _TRACKERS.items():
        by_kind = {
            motion.value: _total([_measure(make(), scene, with_looks) for scene in some])
            for motion, some in made.items()
        }
        figures[name] = {"all": _total(list(by_kind.values())), **by_kind}
    return figures


def identity_figures(course: Sequence[Sequence[tuple[int, int]]]) -> dict[str, int]:
    """Counts over the frames of a scene, each a list of (person, id).

    `switches`: a person has another id than when last seen; `swaps`: of these, to an id that was
    another person's; `fragments`: ids of a person beyond the first; `sightings`: faces in all;
    `steady`: those under the id that their person has most of the time.
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
        "fragments": sum(len(counts) - 1 for counts in ids.values()),
        "sightings": sum(counts.total() for counts in ids.values()),
        "steady": sum(counts.most_common(1)[0][1] for counts in ids.values()),
    }


_TRACKERS: dict[str, tuple[Callable[[], _Tracker], bool]] = {
    "mien": (FaceTracker, True),
    "mien without looks": (FaceTracker, False),
    "plain overlap": (OverlapTracker, False),
}


def _measure(tracker: _Tracker, scene: Scene, with_looks: bool) -> dict[str, int]:
    course = []
    for sightings, time_s in zip(scene.frames, scene.times, strict=True):
        crops = np.array([seen.crop for seen in sightings], np.uint8).reshape(-1, 48, 48)
        looks = describe(crops) if with_looks else None
        ids = tracker.update([seen.face for seen in sightings], float(time_s), looks)
        course.append(
            [
                (seen.person, id_)
                for seen, id_ in zip(sightings, ids, strict=True)
                if seen.person is not None
            ]
        )
    return identity_figures(course)


def _total(parts: list[dict[str, int]]) -> dict[str, int]:
    return {name: sum(part[name] for part in parts) for name in parts[0]}
