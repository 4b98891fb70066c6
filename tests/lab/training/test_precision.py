import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

import onnxruntime  # noqa: E402

from mien_lab.training.expression_export import OUTPUTS  # noqa: E402
from mien_lab.training.expression_net import SHAPES  # noqa: E402
from mien_lab.training.precision import pools_merged  # noqa: E402
from mien_lab.training.weight_files import trace  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


def test_poolings_become_part_of_the_convolutions_behind_them(exported_expression, tmp_path):
    net, crops, _ = exported_expression
    trace(net, {"crops": torch.zeros(2, 1, 48, 48)}, OUTPUTS, tmp_path / "traced.onnx")
    before, after = onnx.load(tmp_path / "traced.onnx"), onnx.load(tmp_path / "traced.onnx")
    assert pools_merged(after) is after
    assert [sum(n.op_type == "AveragePool" for n in one.graph.node) for one in (before, after)] == [
        len(SHAPES["wide"]),
        0,
    ]
    expected, found = (
        onnxruntime.InferenceSession(
            one.SerializeToString(), providers=["CPUExecutionProvider"]
        ).run(["logits", "embedding"], {"crops": crops[:, None].astype(np.float32)})
        for one in (before, after)
    )
    for one, other in zip(expected, found, strict=True):
        assert np.abs(one - other).max() < 1e-3
