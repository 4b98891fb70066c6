from dataclasses import fields, replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from mien.vision.alignment import CROP_SIZE  # noqa: E402
from mien_lab.data.faces import fer_faces, upright_crops  # noqa: E402
from mien_lab.data.fer2013 import load_fer  # noqa: E402
from mien_lab.training.augmentation import Augmentation, augment, crop_batch  # noqa: E402

STILL = Augmentation(
    **{
        field.name: 0.0
        for field in fields(Augmentation)
        if field.name not in ("shrink_to", "mirror")
    },
    mirror=False,
)


@pytest.fixture(scope="module")
def faces(fer_folder):
    return fer_faces(load_fer(fer_folder), np.arange(24))


@pytest.fixture(scope="module")
def tensors(faces):
    return torch.from_numpy(faces.canvases), torch.from_numpy(faces.matrices)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_crops_are_those_of_serving(faces, tensors):
    found = crop_batch(*tensors)
    assert found.shape == (24, 1, CROP_SIZE, CROP_SIZE)
    difference = np.abs(found[:, 0].numpy() - upright_crops(faces)).mean(axis=(1, 2))
    assert difference.max() < 1.5


@pytest.mark.parametrize("size", [32, 40])
def test_smaller_crops_show_the_same_part(tensors, size):
    large, small = crop_batch(*tensors), crop_batch(*tensors, size)
    assert small.shape == (24, 1, size, size)
    shrunk = torch.nn.functional.interpolate(large, size=(size, size), mode="area")
    assert (shrunk - small).abs().mean() < 4


def test_crops_beyond_the_canvas_repeat_its_edge(tensors):
    canvases, matrices = tensors[0], tensors[1].clone()
    matrices[:, :, 2] += 500
    assert torch.isfinite(crop_batch(canvases, matrices)).all()


def test_no_strength_leaves_crops_alone(tensors):
    found, plain = augment(*tensors, STILL, seeded()), crop_batch(*tensors)
    # Brightness moves by up to a tenth in any case.
    for before, after in zip(plain, found, strict=True):
        whole = (after > 0) & (after < 255)
        moved = (after - before)[whole]
        torch.testing.assert_close(moved, moved.mean().expand_as(moved), atol=1e-2, rtol=0)
        assert abs(moved.mean()) < 25.6


def test_mirrors_half_of_the_faces(tensors):
    plain = crop_batch(*tensors)
    found = augment(*tensors, replace(STILL, mirror=True), seeded())
    kept = (found - plain).abs().mean(dim=(1, 2, 3))
    turned = (found - plain.flip(3)).abs().mean(dim=(1, 2, 3))
    # Brightness moves by up to a tenth in any case.
    assert (torch.minimum(kept, turned) < 26).all()
    assert 4 <= int((turned < kept).sum()) <= 20


@pytest.mark.parametrize("size", [32, 48])
def test_augmented_crops_are_sane(tensors, size):
    before = [tensor.clone() for tensor in tensors]
    found = augment(*tensors, Augmentation(), seeded(), size)
    assert found.shape == (24, 1, size, size)
    assert torch.isfinite(found).all()
    assert found.min() >= 0
    assert found.max() <= 255
    for one, other in zip(before, tensors, strict=True):
        assert torch.equal(one, other)
    plain = crop_batch(*tensors, size)
    assert 3 < (found - plain).abs().mean() < 80


def test_the_seed_decides(tensors):
    one, again, other = (augment(*tensors, Augmentation(), seeded(seed)) for seed in (1, 1, 2))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_global_chance_plays_no_part(tensors):
    torch.manual_seed(0)
    one = augment(*tensors, Augmentation(), seeded())
    torch.manual_seed(1)
    assert torch.equal(one, augment(*tensors, Augmentation(), seeded()))


def test_erasing_covers_a_part(tensors):
    found = augment(*tensors, replace(STILL, erase_chance=1.0), seeded())
    plain = augment(*tensors, STILL, seeded())
    changed = (found != plain).float().mean(dim=(1, 2, 3))
    assert (changed > 0.01).all()
    assert (changed < 0.35).all()
