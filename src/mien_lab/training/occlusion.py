"""Occlusion detection from the embedding of the expression network."""

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from mien_lab.data import occlusions
from mien_lab.data.occlusions import Crop

__all__ = ["COVERS", "OcclusionHead", "cover", "fit_occlusion", "patch"]

Floats = npt.NDArray[np.floating]
Cover = Callable[[Crop, float, np.random.Generator], Crop]
OcclusionHead = tuple[npt.NDArray[np.float32], float]
"""Weights (d,) and bias of the occlusion logit."""


def patch(crop: Crop, share: float, rng: np.random.Generator) -> Crop:
    """Occlude a random part of the face by a textured grey ellipse, like a hand, a cup or hair.

    Args:
        crop: an aligned face (size, size) uint8.
        share: covered share of the crop.
        rng: draws place, shape, grey level and texture.
    """
    height, width = crop.shape
    ratio = np.exp(rng.uniform(-0.7, 0.7))
    axes = np.sqrt(share * height * width / np.pi * np.array([ratio, 1 / ratio]))
    centre = rng.uniform(0.2, 0.8, 2) * (width, height)
    cover = np.zeros((height, width), np.float32)
    angle = float(rng.uniform(0, 180))
    cv2.ellipse(cover, (tuple(centre), tuple(2 * axes), angle), 1.0, -1)
    cover = np.asarray(cv2.GaussianBlur(cover, (3, 3), 0), np.float32)
    clouds = rng.normal(0, rng.uniform(6, 75), (height, width)).astype(np.float32)
    clouds = np.asarray(cv2.GaussianBlur(clouds, (0, 0), rng.uniform(0.6, 3)), np.float32)
    painted = clouds + np.float32(rng.uniform(20, 235))
    mixed = crop * (1 - cover) + painted * cover
    return np.asarray(np.clip(mixed, 0, 255).round(), np.uint8)


COVERS: dict[str, tuple[Cover, tuple[float, ...]]] = {
    "eyes": (occlusions.eyes, (0.35, 0.5, 0.65, 0.8)),
    "mouth": (occlusions.mouth, (0.5, 0.65, 0.8)),
    "half": (occlusions.half, (0.3, 0.4, 0.5, 0.6)),
    "mask": (occlusions.mask, (0.4, 0.55, 0.7, 0.85)),
    "sunglasses": (occlusions.sunglasses, (0.7, 0.85, 1.0)),
    "patch": (patch, (0.12, 0.2, 0.3)),
}
"""Each kind of occlusion with the strengths at which it hides relevant features."""


def cover(crop: Crop, kind: str, rng: np.random.Generator) -> Crop:
    """Occlude a face by a kind of `COVERS`, at a random strength."""
    drawn, strengths = COVERS[kind]
    return drawn(crop, float(rng.choice(strengths)), rng)


def fit_occlusion(
    embed: Callable[[npt.NDArray[np.uint8]], Floats], crops: npt.NDArray[np.uint8]
) -> OcclusionHead:
    """Fit a logistic regression that separates faces from the same faces with an occlusion.

    Args:
        embed: maps crops (n, size, size) to embeddings (n, d).
        crops: (n, size, size) uint8 training faces. A few may be occluded already, which does
            not matter; a false positive costs little.
    """
    rng = np.random.default_rng(0)
    kinds = list(COVERS)
    covered = np.stack([cover(crop, str(rng.choice(kinds)), rng) for crop in crops])
    features = np.concatenate([embed(crops), embed(covered)])
    truth = np.repeat([0, 1], len(crops))
    fitted = LogisticRegression(C=1.0, max_iter=1000).fit(features, truth)
    return fitted.coef_[0].astype(np.float32), float(fitted.intercept_[0])
