import numpy as np
import pytest

pytest.importorskip("sklearn")

from mien_lab.training.occlusion import COVERS, cover, fit_occlusion, patch


@pytest.fixture(scope="module")
def faces():
    """Smooth grey ramps of different slopes."""
    rng = np.random.default_rng(0)
    ramp = np.linspace(-1, 1, 48)
    slopes = rng.uniform(-60, 60, (200, 2))
    pictures = 128 + slopes[:, :1, None] * ramp[:, None] + slopes[:, 1:, None] * ramp
    return pictures.astype(np.uint8)


@pytest.mark.parametrize("kind", COVERS)
def test_covers_hide_a_part_and_leave_the_rest(faces, kind):
    rng = np.random.default_rng(1)
    shares = []
    for face in faces[:20]:
        before = face.copy()
        covered = cover(face, kind, rng)
        assert np.array_equal(face, before)
        assert covered.dtype == np.uint8
        shares.append((np.abs(covered.astype(int) - face) > 3).mean())
    assert 0.02 < np.mean(shares) < 0.7


def test_a_patch_covers_about_its_share(faces):
    rng = np.random.default_rng(2)
    shares = [(np.abs(patch(face, 0.2, rng).astype(int) - face) > 3).mean() for face in faces[:100]]
    assert 0.15 < np.mean(shares) < 0.26


def test_the_head_tells_covered_faces(faces):
    def embed(crops):
        small = crops.reshape(len(crops), 8, 6, 8, 6).astype(np.float64)
        return (
            np.concatenate(
                [
                    small.std(axis=(2, 4)).reshape(len(crops), -1),
                    small[:, :, 0, :, 0].reshape(-1, 64),
                ],
                axis=1,
            )
            / 64
        )

    weight, bias = fit_occlusion(embed, faces[:150])
    assert weight.shape == (128,)
    rng = np.random.default_rng(3)
    covered = np.stack([cover(face, "sunglasses", rng) for face in faces[150:]])
    assert (embed(covered) @ weight + bias > 0).mean() > 0.9
    assert (embed(faces[150:]) @ weight + bias > 0).mean() < 0.1
    again, _ = fit_occlusion(embed, faces[:150])
    assert np.array_equal(weight, again)
