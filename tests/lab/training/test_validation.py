from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from mien_lab.data.faces import fer_faces  # noqa: E402
from mien_lab.data.fer2013 import load_fer  # noqa: E402
from mien_lab.training.validation import Validation  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


class Says(torch.nn.Module):
    """Says labels of its own whatever it is shown; notes the size of the crops."""

    def __init__(self, emotions, fer):
        super().__init__()
        self.emotions, self.fer = torch.eye(8)[emotions], torch.eye(7)[fer]

    def forward(self, crops):
        self.seen = crops.shape
        return SimpleNamespace(logits=self.emotions, fer_logits=self.fer)


def test_faces_without_a_majority_do_not_count_for_ferplus(fer_folder):
    faces = fer_faces(load_fer(fer_folder), np.arange(5))
    labels = torch.tensor([0, 1, 2, 3, 4])
    check = Validation(faces, labels, torch.tensor([0, 1, -1, 3, -1]))
    net = Says([0, 1, 2, 4, 4], [0, 1, 2, 3, 5])
    found = check.figures(net, 40, torch.device("cpu"))
    assert found == pytest.approx({"public_fer2013": 4 / 5, "public_ferplus": 2 / 3})
    assert net.seen == (5, 1, 40, 40)
