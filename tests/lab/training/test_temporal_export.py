from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from mien.core.errors import InputError  # noqa: E402
from mien_lab.training.temporal_export import choose_gain_shift  # noqa: E402
from mien_lab.training.temporal_net import JoinedNet  # noqa: E402


@pytest.mark.parametrize(("disturbed", "best"), [(0, 2.0), (1, 2.0), (3, 1.0)])
def test_gains_are_shifted_as_far_as_costs_next_to_nothing(sequences, tmp_path, disturbed, best):
    """A change is seen at once by gains over a half, shifts of 1 and more; there are ten.

    A frame disturbed by 0.7 deceives gains over 1 / 1.7, shifts of 1.5 and more; of a thousand
    frames two may be given up.
    """
    labels = np.repeat([[0] * 50 + [1] * 50], 10, axis=0)
    clips, told = sequences(labels, labels)
    told[:disturbed, 20] = 0.7 * np.eye(8)[2]
    net = JoinedNet(8, 1)
    with torch.no_grad():
        for weights in net.parameters():
            weights.zero_()
        net.nets[0].single_weight.copy_(torch.eye(8))
        net.nets[0].gain.bias.fill_(-0.9)
    torch.save({"average": net.state_dict()}, tmp_path / "last.pt")
    clips = replace(clips, embeddings=told.astype(np.float16))
    assert choose_gain_shift(tmp_path / "last.pt", clips) == best


def test_a_run_of_another_network_is_refused(sequences, tmp_path):
    clips, _ = sequences(np.zeros((1, 4), int), np.zeros((1, 4), int))
    torch.save({"average": {"weight": torch.zeros(1)}}, tmp_path / "last.pt")
    with pytest.raises(InputError, match="holds no recurrent network"):
        choose_gain_shift(tmp_path / "last.pt", clips)
