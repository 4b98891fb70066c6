"""Pictures of one grey, and what is read of a collection."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest


@pytest.fixture
def put() -> Callable[..., Path]:
    """Write a picture and say where."""

    def write(path: Path, side: int = 120, grey: int = 128) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        PIL.Image.fromarray(np.full((side, side), grey, np.uint8)).save(path)
        return path

    return write


@pytest.fixture
def rows() -> Callable[[Iterable[Any]], dict[str, Any]]:
    """What a sample says of its label, split and person, by name."""
    return lambda samples: {
        sample.name: (sample.label, sample.split, sample.subject) for sample in samples
    }


@pytest.fixture
def labels() -> Callable[[Iterable[Any]], dict[str, Any]]:
    """The label of each sample by its name."""
    return lambda samples: {sample.name: sample.label for sample in samples}
