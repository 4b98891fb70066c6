"""A small FER2013 for evaluation."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest


@pytest.fixture
def faces_folder(
    write_rows: Callable[..., Path], row: Callable[..., Any], picture: Callable[[int], Any]
) -> Path:
    """Sixty rows of Training, thirty of PublicTest and ten of PrivateTest."""
    splits = ["Training"] * 60 + ["PublicTest"] * 30 + ["PrivateTest"] * 10
    names = ("neutral", "happiness", "anger")
    faces = []
    for number, split in enumerate(splits):
        shown = np.clip(picture(number).astype(int) // 2 + number % 100, 0, 255).astype(np.uint8)
        faces.append(row(shown, number % 7, split, {names[number % 3]: 8, "fear": 2}))
    return write_rows(faces)
