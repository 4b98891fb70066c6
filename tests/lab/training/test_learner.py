import pytest

torch = pytest.importorskip("torch")

from mien_lab.training.learner import WeightAverage  # noqa: E402
from mien_lab.training.steps import CLIP  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


def test_the_average_of_weights():
    net = torch.nn.Sequential(torch.nn.Linear(1, 1, bias=False), torch.nn.BatchNorm1d(1))
    torch.nn.init.constant_(net[0].weight, 1.0)
    average = WeightAverage(net, 0.5)
    expected = 1.0
    for step in range(1, 30):
        with torch.no_grad():
            net[0].weight.fill_(float(step))
            net[1].num_batches_tracked += 1
        average.update(net)
        share = min(0.5, (1 + step) / (10 + step))
        expected = share * expected + (1 - share) * step
        assert float(average.net[0].weight) == pytest.approx(expected, rel=1e-5)
    assert int(average.net[1].num_batches_tracked) == 29
    assert not average.net[0].weight.requires_grad
    assert not average.net.training


@pytest.mark.parametrize(
    "spoil", [lambda loss: loss * float("nan"), lambda loss: loss + (0 * loss).abs().sqrt()]
)
def test_a_step_moves_weights_and_average_or_neither(trained, spoil):
    learner = trained(1)
    net, average = learner.net, learner.average
    before = [part.weight.detach().clone() for part in (net, average.net)]
    with pytest.raises(FloatingPointError, match="nan in epoch 1, step 3"):
        learner.descend(spoil(net(torch.ones(1, 3)).sum()), 0, 2)
    assert torch.equal(net.weight, before[0])
    assert torch.equal(average.net.weight, before[1])
    learner.begin_step(0.1)
    learner.descend(1e3 * net(torch.ones(1, 3)).sum(), 0, 2)
    assert torch.nn.utils.get_total_norm([p.grad for p in net.parameters()]) == pytest.approx(CLIP)
    assert (net.weight < before[0]).all()
    assert not torch.equal(average.net.weight, before[1])
