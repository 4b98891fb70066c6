"""How far apart the frames of a film or camera lie, and so what is a stall."""

import math
import statistics
from collections import deque

__all__ = ["MISSED_STEPS", "Rhythm"]

MISSED_STEPS = 1.5
"""Frames after which a face that was not seen in one is out of sight."""
STEPS = 15
"""The median of so many steps from frame to frame says how far apart frames lie: one may be a stall
or, where the rate varies, very short."""


class Rhythm:
    """The steps between the last frames."""

    def __init__(self) -> None:
        self._steps_s: deque[float] = deque(maxlen=STEPS)

    @property
    def step_s(self) -> float:
        """Seconds from frame to frame; infinite where that is not known yet."""
        return statistics.median_high(self._steps_s) if self._steps_s else math.inf

    def add(self, step_s: float) -> None:
        """Count the step to the next frame; one that is not forward says nothing."""
        if step_s > 0:
            self._steps_s.append(step_s)
