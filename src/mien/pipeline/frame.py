"""Reading of a single frame: detection, alignment, classification, check for uncertainty."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mien.core.labels import Emotion
from mien.core.media import Frame, Image
from mien.core.ports import Detector
from mien.core.scores import Scores
from mien.core.types import Doubt, Face, FrameReading, Quality, Reading
from mien.models.expression import ExpressionClassifier
from mien.vision.alignment import ZOOMS, alignment_matrix, can_align, zoomed_crops
from mien.vision.quality import assess

__all__ = ["FrameReader", "judge"]

AMBIGUOUS_SET = 2
"""Size of the prediction set from which a reading is ambiguous: more than one label."""


@dataclass(frozen=True)
class FrameReader:
    """Reads the faces of single frames; holds no state, so threads may share it.

    Attributes:
        detector: detects the faces.
        classifier: classifies their crops.
        min_face: minimum length in pixels of the shorter side of a face.
        zooms: scales of test-time augmentation for still images; must contain 1.0.
        coarse: faster detector that misses small faces, or None.
    """

    detector: Detector
    classifier: ExpressionClassifier
    min_face: float = 0.0
    zooms: tuple[float, ...] = ZOOMS
    coarse: Detector | None = None

    def read(self, frame: Frame) -> FrameReading:
        """Read a still image, with readings in order of descending face area.

        The outputs for each face are averaged over `zooms`; videos use one scale per frame.
        """
        faces = self.find(frame.image)
        crops = self.zoomed_crops(frame.image, faces)
        result = self.classifier.classify(crops)
        plain = self.zooms.index(1.0)
        readings = tuple(
            judge(
                face,
                assess(face, own[plain]),
                row,
                self.classifier.prediction_set(row),
                occluded=bool(over),
            )
            for face, own, row, over in zip(
                faces, crops, result.probabilities, result.occluded, strict=True
            )
        )
        return FrameReading(frame.index, frame.time_s, readings)

    def find(self, image: Image) -> list[Face]:
        """Faces of an RGB or grey image in order of descending area.

        Faces whose landmarks coincide are left out, since they cannot be aligned.
        """
        return self._readable(self.detector.detect(image))

    def glance(self, image: Image) -> list[Face] | None:
        """As `find` with the coarse detector; None if there is none."""
        return None if self.coarse is None else self._readable(self.coarse.detect(image))

    def crops(
        self, image: Image, faces: Sequence[Face], zoom: float = 1.0
    ) -> npt.NDArray[np.uint8]:
        """Aligned grey crops of n faces at one scale, (n, size, size) uint8."""
        return self._cut(image, faces, (zoom,))[:, 0]

    def zoomed_crops(self, image: Image, faces: Sequence[Face]) -> npt.NDArray[np.uint8]:
        """Aligned grey crops of n faces at each of the k `zooms`, (n, k, size, size) uint8."""
        return self._cut(image, faces, self.zooms)

    def _cut(
        self, image: Image, faces: Sequence[Face], zooms: tuple[float, ...]
    ) -> npt.NDArray[np.uint8]:
        size = self.classifier.size
        crops = np.zeros((len(faces), len(zooms), size, size), dtype=np.uint8)
        for index, face in enumerate(faces):
            matrix = alignment_matrix(face.landmarks.as_array(), size)
            crops[index] = zoomed_crops(image, matrix, size, zooms)
        return crops

    def _readable(self, found: list[Face]) -> list[Face]:
        faces = [
            face
            for face in found
            if face.box.shorter_side >= self.min_face and can_align(face.landmarks)
        ]
        return sorted(faces, key=lambda face: -face.box.area)


def judge(
    face: Face,
    quality: Quality,
    probabilities: npt.NDArray[np.floating],
    members: tuple[Emotion, ...],
    track_id: int | None = None,
    *,
    occluded: bool = False,
) -> Reading:
    """Combine the results for one face into a reading.

    Args:
        face: the detected face.
        quality: image quality of the face.
        probabilities: (8,) calibrated, label order.
        members: prediction set.
        track_id: identity of the face in a video.
        occluded: whether part of the face appears to be covered.

    Returns:
        The reading; of several reasons for doubt, a defect of the image takes precedence, then
        occlusion, then ambiguity.
    """
    covered = Doubt.OCCLUDED if occluded else None
    return Reading(
        face=face,
        scores=Scores(tuple(float(value) for value in probabilities)),
        prediction_set=members,
        doubt=quality.defect or covered or _ambiguity(members),
        quality=quality,
        track_id=track_id,
    )


def _ambiguity(members: tuple[Emotion, ...]) -> Doubt | None:
    return Doubt.AMBIGUOUS if len(members) >= AMBIGUOUS_SET else None
