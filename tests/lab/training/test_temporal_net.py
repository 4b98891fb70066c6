import pytest

torch = pytest.importorskip("torch")

from mien.models.temporal import CONTEXT_SIZE  # noqa: E402
from mien_lab.training.temporal_net import JoinedNet, StepNet, TemporalNet  # noqa: E402


def test_a_step_is_what_the_whole_clip_is():
    torch.manual_seed(0)
    net = JoinedNet(12, 2, width=6, hidden=5).eval()
    net.prepare(torch.randn(50, 12), torch.randn(50, 8))
    for member in net.members:
        torch.nn.init.normal_(member.revision.weight)
    embeddings, contexts = torch.randn(2, 9, 12), torch.randn(2, 9, CONTEXT_SIZE)
    state = torch.zeros(2, net.state_size)
    with torch.no_grad():
        each = net(embeddings, contexts)
        assert not torch.allclose(each[0], each[1], atol=1e-3)
        whole = each.mean(dim=0)
        for index in range(9):
            logits, state = StepNet(net)(embeddings[:, index], contexts[:, index], state)
            assert torch.allclose(logits, whole[:, index], atol=1e-5)


def test_single_frames_are_those_of_the_expression_network():
    torch.manual_seed(0)
    embeddings, weight = torch.randn(200, 12), torch.randn(8, 12)
    net = TemporalNet(12)
    net.prepare(embeddings, embeddings @ weight.T + 1)
    assert torch.allclose(net.single(embeddings), embeddings @ weight.T + 1, atol=1e-3)


@pytest.mark.parametrize(("shift", "believed"), [(30.0, "each frame"), (-30.0, "the first")])
def test_gains_decide_how_far_a_frame_is_believed(shift, believed):
    torch.manual_seed(0)
    net = JoinedNet(12, 2, width=6, hidden=5).eval()
    net.prepare(torch.randn(50, 12), torch.randn(50, 8))
    net.believe_more(shift)
    embeddings, contexts = torch.randn(3, 7, 12), torch.randn(3, 7, CONTEXT_SIZE)
    with torch.no_grad():
        single, found = net.nets[0].single(embeddings), net(embeddings, contexts)
    expected = single if believed == "each frame" else single[:, :1].expand_as(single)
    for member in found:
        torch.testing.assert_close(member, expected, rtol=1e-4, atol=1e-4)
