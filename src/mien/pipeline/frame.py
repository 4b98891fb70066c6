"""One frame: detect, align, classify, judge."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mien.core.labels import Emotion
from mien.core.media import Frame, Image
from mien.core.ports import Detector
from mien.core.types import Doubt, Face, FrameReading, Quality, Reading, Scores
from mien.models.expression import ExpressionClassifier
from mien.vision.alignment import ZOOMS, alignment_matrix, can_align, zoomed_crops
from mien.vision.quality import assess

__all__ = ["FrameReader", "judge"]

AMBIGUOUS_SET = 2
"""Size of the prediction set from which a reading is called ambiguous: more than one label."""


@dataclass(frozen=True)
class FrameReader:
    """Reads all faces of single frames; holds no state, so threads may share it.

    Attributes:
        detector: finds the faces.
        classifier: reads their crops.
        min_face: faces whose shorter side has fewer pixels are left out.
        zooms: sizes at which a face of a still is read; 1.0 must be among them.
        coarse: finds faces faster than the detector, but not the small ones; or None.
    """

    detector: Detector
    classifier: ExpressionClassifier
    min_face: float = 0.0
    zooms: tuple[float, ...] = ZOOMS
    coarse: Detector | None = None

    def read(self, frame: Frame) -> FrameReading:
        """The readings of a still, the largest face first; none where there is no face.

        Each face is read at several sizes and the mean counts; films have time for one to a frame.
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
        """The faces of an RGB or grey picture, the largest first.

        A face whose landmarks all lie in one place is left out: it cannot be read.
        """
        return self._readable(self.detector.detect(image))

    def glance(self, image: Image) -> list[Face] | None:
        """As `find`, with the coarse detector; None where there is none."""
        return None if self.coarse is None else self._readable(self.coarse.detect(image))

    def crops(
        self, image: Image, faces: Sequence[Face], zoom: float = 1.0
    ) -> npt.NDArray[np.uint8]:
        """The aligned grey crops of faces at one size, (n, size, size) uint8."""
        return self._cut(image, faces, (zoom,))[:, 0]

    def zoomed_crops(self, image: Image, faces: Sequence[Face]) -> npt.NDArray[np.uint8]:
        """The aligned grey crops of faces at each of `zooms`, (n, k, size, size) uint8."""
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
    """The reading of a face from its quality, probabilities (8,) and prediction set."""
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
