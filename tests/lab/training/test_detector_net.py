import pytest

torch = pytest.importorskip("torch")

from mien_lab.training.detector_net import DetectorNet, flatten  # noqa: E402


def test_the_network_is_small_and_takes_any_multiple_of_32():
    net = DetectorNet().eval()
    assert sum(p.numel() for p in net.parameters()) < 200_000
    assert flatten(net(torch.zeros(2, 1, 64, 96))).shape == (2, 8 * 12 + 4 * 6 + 2 * 3, 15)
