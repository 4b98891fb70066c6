import numpy as np
import pytest

torch = pytest.importorskip("torch")

from mien.core.errors import InputError  # noqa: E402
from mien_lab.data.faces import fer_faces, upright_crops  # noqa: E402
from mien_lab.data.fer2013 import load_fer  # noqa: E402
from mien_lab.training.expression_net import ExpressionNet, MergedNet, trained_net  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


def test_the_network(fer_folder):
    net = ExpressionNet().eval()
    crops = torch.from_numpy(upright_crops(fer_faces(load_fer(fer_folder), np.arange(4))))
    outputs = net(crops[:, None].float())
    assert outputs.logits.shape == (4, 8)
    assert outputs.fer_logits.shape == (4, 7)
    mean = outputs.activation.mean(dim=(2, 3))
    torch.testing.assert_close(mean, outputs.logits, atol=1e-4, rtol=1e-4)
    lit = net(crops[:, None].float() * 0.5 + 30)
    torch.testing.assert_close(lit.logits, outputs.logits, atol=2e-2, rtol=2e-2)
    assert torch.isfinite(net(torch.zeros(1, 1, 48, 48)).logits).all()


def test_merged_networks_give_the_mean_of_their_logits():
    torch.manual_seed(0)
    nets = [ExpressionNet(8, ((8, 1),)).eval(), ExpressionNet(8, ((16, 2),)).eval()]
    crops = torch.rand(3, 1, 48, 48) * 255
    with torch.no_grad():
        apart = [net(crops) for net in nets]
        merged = MergedNet(nets).eval()(crops)
    assert torch.equal(merged.embedding, torch.cat([one.embedding for one in apart], 1))
    for name in ("logits", "fer_logits", "activation"):
        mean = sum(getattr(one, name) for one in apart) / 2
        torch.testing.assert_close(getattr(merged, name), mean, atol=1e-5, rtol=1e-5)


def test_a_network_of_a_shape_that_is_no_more_is_refused(tmp_path):
    (tmp_path / "config.json").write_text('{"shape": "slim"}')
    with pytest.raises(InputError, match=r"of the shape .slim.,.* train one of: wide, deep"):
        trained_net(tmp_path)
