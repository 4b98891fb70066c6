"""Uniform grey pictures, and summaries of samples."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest


@pytest.fixture
def put() -> Callable[..., Path]:
    """Write a uniform grey picture and return its path."""

    def write(path: Path, side: int = 120, grey: int = 128) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        PIL.Image.fromarray(np.full((side, side), grey, np.uint8)).save(path)
        return path

    return write


@pytest.fixture
def rows() -> Callable[[Iterable[Any]], dict[str, Any]]:
    """Label, split and subject of each sample by name."""
    return lambda samples: {
        sample.name: (sample.label, sample.split, sample.subject) for sample in samples
    }


@pytest.fixture
def labels() -> Callable[[Iterable[Any]], dict[str, Any]]:
    """Label of each sample by name."""
    return lambda samples: {sample.name: sample.label for sample in samples}
