"""The interval between the frames of a video or camera, and when a gap is a stall."""

import math
import statistics
from collections import deque

__all__ = ["HOLD_S", "MISSED_STEPS", "SHORTEST_STEP_S", "Rhythm"]

SHORTEST_STEP_S = 1 / 240
"""Least time between two frames in seconds. Timestamps that repeat or run backwards count as this
far apart. The weights of the recurrent network were trained with this value."""
MISSED_STEPS = 1.5
"""Number of frame intervals after which a face that was not seen is out of view."""
HOLD_S = 1.5
"""Longest time in seconds between two successive frames of a variable rate: a face seen in both was
in view in between. It is also how long a track out of sight is remembered."""
STEPS = 15
"""Number of recent intervals whose median is the frame interval: a single interval may be a stall
or, at a variable frame rate, very short."""


class Rhythm:
    """Running estimate of the frame interval."""

    def __init__(self) -> None:
        self._steps_s: deque[float] = deque(maxlen=STEPS)

    @property
    def step_s(self) -> float:
        """Frame interval in seconds; infinite before the second frame."""
        return statistics.median_high(self._steps_s) if self._steps_s else math.inf

    def add(self, step_s: float) -> None:
        """Add the interval in seconds to the next frame; intervals of 0 or less are ignored."""
        if step_s > 0:
            self._steps_s.append(step_s)
