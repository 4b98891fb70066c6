"""Choice of the detector's default threshold on data that are not held out."""

from pathlib import Path
from typing import Any

import numpy as np

from mien.pipeline.build import Config, build_detector
from mien_lab.data.scenes import Part, boxes_of, read_scenes, without_missed
from mien_lab.evaluation.matching import match

__all__ = ["choose_threshold"]

CANDIDATES = tuple(float(value) for value in np.arange(0.10, 1.00, 0.01).round(2))
ALLOWED_PER_100 = 0.5
"""Allowed false detections per 100 photographs without a face: half of the goal of a release."""


def choose_threshold(data_dir: Path, weights: Path | None = None) -> dict[str, Any]:
    """The lowest threshold with at most `ALLOWED_PER_100` false detections in either part.

    The training part is larger, the validation part was not trained on. One false detection per
    part is always allowed, since in the small validation part it already exceeds the allowance.

    Returns:
        `threshold`, and `table`: false detections and recall of sure faces by part and threshold.
    """
    detector = build_detector(Config(threads=1, weights=weights, threshold=CANDIDATES[0]))
    table: dict[str, list[dict[str, float]]] = {}
    chosen = CANDIDATES[0]
    for part in (Part.TRAIN, Part.VALIDATION):
        empty, hits, faces, photographs = [], [], 0, 0
        for scene in without_missed(read_scenes(data_dir, part)):
            found = detector.detect(scene.image)
            if not len(scene.boxes):
                photographs += 1
                empty += [face.score for face in found]
                continue
            faces += int(scene.sure.sum())
            matched = match(scene.boxes, boxes_of(found), scene.image.shape)
            hits += [found[index].score for index in matched[scene.sure] if index >= 0]
        if not photographs:
            continue
        alarms, recalled = np.array(empty), np.array(hits)
        allowed = max(ALLOWED_PER_100 * photographs / 100, 1.0)
        fitting = [t for t in CANDIDATES if (alarms >= t).sum() <= allowed]
        chosen = max(chosen, fitting[0] if fitting else CANDIDATES[-1])
        table[part.value] = [
            {
                "threshold": t,
                "false_alarms_per_100": round(100 * float((alarms >= t).sum()) / photographs, 2),
                "recall_sure": round(float((recalled >= t).sum()) / faces, 4) if faces else 0.0,
            }
            for t in CANDIDATES[::5]
        ]
    return {"threshold": chosen, "table": table}
