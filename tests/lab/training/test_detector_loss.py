import numpy as np
import pytest

torch = pytest.importorskip("torch")

from mien_lab.training.detector_loss import (  # noqa: E402
    BACKGROUND,
    IGNORED,
    Cells,
    _overlaps,
    assign,
    detection_losses,
)


def test_each_face_has_a_cell_and_doubtful_ones_have_none():
    cells = Cells.of(288)
    boxes = np.array([[10, 10, 9, 11], [60, 60, 40, 50], [120, 20, 160, 240]], np.float32)
    ignored = np.array([[20, 200, 40, 40]], np.float32)
    owner = assign(cells, boxes, ignored)
    assert {0, 1, 2, IGNORED, BACKGROUND} == set(owner.tolist())
    for index in range(3):
        assert (cells.strides[owner == index] > 0).any()
    assert set(cells.strides[owner == 0]) == {8}
    assert set(cells.strides[owner == 2]) == {32}
    assert assign(cells, boxes[:0], boxes[:0]).tolist() == [BACKGROUND] * len(owner)


def test_losses_vanish_for_the_truth_and_skip_the_unknown():
    cells = Cells.of(64)
    box = np.array([[12, 14, 36, 40]], np.float32)
    owner = assign(cells, box, box[:0])
    centres, strides, sizes = map(torch.from_numpy, (cells.centres, cells.strides, cells.sizes))
    raw = torch.full((1, len(owner), 15), 0.0)
    raw[..., 0] = -12.0
    raw[0, torch.from_numpy(owner) >= 0, 0] = 12.0
    raw[..., 1:3] = (torch.tensor([30.0, 34.0]) - centres) / strides[:, None]
    raw[..., 3:5] = torch.log(torch.tensor([36.0, 40.0]) / sizes[:, None])
    boxes = torch.from_numpy(box).expand(1, len(owner), 4)
    points = torch.full((1, len(owner), 10), float("nan"))
    losses = detection_losses(
        raw, torch.from_numpy(owner)[None], boxes, points, (centres, strides, sizes)
    )
    assert float(losses.score) < 1e-3
    assert float(losses.box) < 1e-4
    assert float(losses.points) == 0.0
    wrong = detection_losses(
        torch.zeros_like(raw),
        torch.from_numpy(owner)[None],
        boxes,
        torch.zeros_like(points),
        (centres, strides, sizes),
    )
    assert min(float(cost) for cost in (wrong.score, wrong.box, wrong.points)) > 0.1


def test_of_two_faces_the_nearer_one_has_the_cell():
    cells = Cells.of(96)
    boxes = np.array([[20, 20, 30, 30], [32, 24, 30, 30]], np.float32)
    owner = assign(cells, boxes, boxes[:0])
    centres = boxes[:, :2] + boxes[:, 2:] / 2
    apart = np.abs(cells.centres[:, None] - centres).max(axis=2)
    for index in (0, 1):
        mine = owner == index
        assert mine.any()
        assert (apart[mine, index] <= apart[mine, 1 - index]).all()


def test_cells_that_count_neither_way_cost_nothing():
    cells = Cells.of(64)
    fields = tuple(map(torch.from_numpy, (cells.centres, cells.strides, cells.sizes)))
    count = len(cells.sizes)
    boxes, points = torch.zeros(1, count, 4), torch.zeros(1, count, 10)
    costs = {}
    for name, value in (("ignored", IGNORED), ("background", BACKGROUND)):
        owner = torch.full((1, count), value)
        losses = detection_losses(torch.ones(1, count, 15), owner, boxes, points, fields)
        costs[name] = float(losses.score)
        assert float(losses.box) == float(losses.points) == 0
    assert costs["ignored"] == 0 < costs["background"]


def test_boxes_that_do_not_meet_cost_more_the_further_they_are_apart():
    box = torch.tensor([[0.0, 0.0, 10.0, 10.0]])
    others = torch.tensor([[0, 0, 10, 10], [5, 0, 10, 10], [30, 0, 10, 10], [90, 0, 10, 10]])
    overlap, giou = _overlaps(box.expand(4, 4), others.float())
    assert overlap.tolist() == pytest.approx([1, 1 / 3, 0, 0])
    assert giou.tolist() == pytest.approx([1, 1 / 3, -0.5, -0.8])
