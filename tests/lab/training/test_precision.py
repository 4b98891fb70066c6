import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

import onnxruntime  # noqa: E402

from mien_lab.training.expression_export import OUTPUTS  # noqa: E402
from mien_lab.training.expression_net import SHAPES  # noqa: E402
from mien_lab.training.precision import half_stored, pools_merged  # noqa: E402
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


def test_large_weights_are_stored_in_half_the_bytes():
    rng = np.random.default_rng(0)
    weight, bias = rng.normal(size=(64, 32)).astype(np.float32), np.float32(rng.normal(size=32))
    helper, numpy_helper = onnx.helper, onnx.numpy_helper
    graph = helper.make_graph(
        [helper.make_node("Gemm", ["x", "weight", "bias"], ["y"])],
        "one layer",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["n", 64])],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["n", 32])],
        [numpy_helper.from_array(weight, "weight"), numpy_helper.from_array(bias, "bias")],
    )
    opset = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=9)
    before = len(model.SerializeToString())
    half_stored(model)
    kinds = {tensor.name: tensor.data_type for tensor in model.graph.initializer}
    assert kinds == {"weight.half": onnx.TensorProto.FLOAT16, "bias": onnx.TensorProto.FLOAT}
    content = model.SerializeToString()
    assert len(content) < before - weight.nbytes / 2 + 200
    inputs = rng.normal(size=(5, 64)).astype(np.float32)
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"x": inputs})
    assert found == pytest.approx(inputs @ weight.astype(np.float16).astype(float) + bias, abs=1e-4)
