import pytest

torch = pytest.importorskip("torch")

from mien_lab.training.refiner_net import RefinerNet  # noqa: E402


def test_the_second_network_is_small():
    net = RefinerNet().eval()
    assert sum(p.numel() for p in net.parameters()) < 270_000
    assert net(torch.zeros(2, 1, 64, 64)).shape == (2, 15)
