"""Inference with the expression network: aligned crops in, calibrated probabilities out."""

import numpy as np
import numpy.typing as npt

from mien.core.errors import ArtifactError, InputError
from mien.core.labels import Emotion
from mien.core.ports import Classification
from mien.models.calibration import ranked_set, softmax
from mien.runtime.session import Session

__all__ = ["ExpressionClassifier"]


class ExpressionClassifier:
    """Classifies aligned grey crops with the expression network.

    Attributes:
        size: side length of the crops in pixels.
    """

    def __init__(self, session: Session, *, batch: int = 32) -> None:
        """Wrap a session.

        Args:
            session: of the expression network.
            batch: maximum number of crops per run, which bounds memory.

        Raises:
            ArtifactError: if the labels of the weights are not `EMOTIONS`, or the card lacks the
                crop size or the calibration.
        """
        card = session.card
        card.check_labels()
        shape = card.input.get("shape")
        if not isinstance(shape, list) or not shape or not isinstance(shape[-1], int):
            raise ArtifactError(f"the card of {card.file} gives no crop size; reinstall mien")
        self.size: int = shape[-1]
        self._session = session
        self._batch = batch
        self._temperature = card.number("temperature")
        self._quantile = card.number("conformal_quantile")
        self._covered = card.number("occlusion_threshold")

    def classify(self, crops: npt.NDArray[np.uint8]) -> Classification:
        """Classify the crops of n faces; n may be 0.

        Args:
            crops: as for `raw`.

        Raises:
            InputError: if the crops have another shape or dtype.
        """
        outputs = self.raw(crops)
        probabilities = softmax(outputs["logits"], self._temperature)
        return Classification(
            probabilities.astype(np.float32),
            outputs["embedding"],
            outputs["activation"],
            outputs["occlusion"] > self._covered,
        )

    def raw(self, crops: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.float32]]:
        """Raw outputs of the network: embedding, logits, fer_logits, activation, occlusion.

        Args:
            crops: (n, size, size) grey uint8, or (n, k, size, size) for test-time augmentation:
                the outputs of the k crops of each face are averaged.

        Raises:
            InputError: if the crops have another shape or dtype.
        """
        square = (self.size, self.size)
        if crops.dtype != np.uint8 or crops.ndim not in (3, 4) or crops.shape[-2:] != square:
            raise InputError(
                f"crops must be uint8 of shape (n, {self.size}, {self.size}), not {crops.dtype} "
                f"of {crops.shape}; cut them with mien.vision.alignment.align"
            )
        flat = crops.reshape(-1, 1, *square)
        parts = [
            self._session.run({"crops": flat[start : start + self._batch].astype(np.float32)})
            for start in range(0, max(len(flat), 1), self._batch)
        ]
        outputs = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        if crops.ndim == 3:
            return outputs
        return {
            name: values.reshape(*crops.shape[:2], *values.shape[1:]).mean(axis=1, dtype=np.float32)
            for name, values in outputs.items()
        }

    def prediction_set(self, probabilities: npt.NDArray[np.floating]) -> tuple[Emotion, ...]:
        """The 90 % prediction set of probabilities (8,), the most probable label first.

        A set that would be empty holds all labels, as in `prediction_sets`.
        """
        return ranked_set(probabilities, self._quantile)
