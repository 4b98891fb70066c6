"""Apparent facial expressions in images and videos, read on your own machine."""

from mien.core.errors import MienError
from mien.core.labels import Emotion
from mien.core.types import Face, FrameReading, Reading
from mien.pipeline.analyzer import Analysis, Analyzer, analyze
from mien.pipeline.build import Config
from mien.report.tables import to_table

__version__ = "0.1.0"
__all__ = [
    "Analysis",
    "Analyzer",
    "Config",
    "Emotion",
    "Face",
    "FrameReading",
    "MienError",
    "Reading",
    "analyze",
    "to_table",
]
