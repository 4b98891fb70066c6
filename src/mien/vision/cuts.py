"""Shot boundary (cut) detection from the correlation of successive frames."""

from collections import deque

import cv2
import numpy as np
import numpy.typing as npt

from mien.core.media import Image

__all__ = ["CutFinder"]

GRID = (32, 18)
"""Columns and rows of the thumbnail that frames are compared by."""
SAMPLES = 4
"""Sampled pixels per cell and side, at a hundredth of the cost of reading all pixels."""
SAME_SHOT = 0.5
"""Correlation above which two frames usually belong to one shot. Of 4,000 pairs of everyday
photographs 98 % are below it; of frames between which the camera moves by a twentieth of the frame,
5 %."""
SUDDEN = 2.5
"""Minimum ratio of a cut's change to the mean change of the last `RECENT` frames; a fast pan then
causes one cut at most."""
RECENT = 8
"""Number of frames over which the mean change is taken."""
NO_CUT = 0.7
"""Correlation above which no change is a cut. Of 599 pairs of portraits, which are framed alike,
85 % are below `SAME_SHOT` and 97 % below this; moving a camera at rest by 3 % of the frame between
two frames takes 5 % of photographs below this."""
JOLT = 8.0
"""Minimum ratio of a cut's change to the mean change of the last `RECENT` frames where the
correlation lies between `SAME_SHOT` and `NO_CUT`."""
LONGEST_S = 0.5
"""Seconds between frames above which a change need not be sudden: what lies between is unknown."""
FLAT = 2.0
"""Standard deviation in grey levels below which a frame is too uniform to be compared."""


class CutFinder:
    """Detects the first frame of each later shot; holds the state of one video or camera."""

    def __init__(self) -> None:
        self._shown: npt.NDArray[np.float32] | None = None
        self._last_s = 0.0
        self._changes: deque[float] = deque(maxlen=RECENT)

    def begins(self, image: Image, time_s: float) -> bool:
        """Whether this frame begins a shot.

        A uniform frame, as between two shots or where a frame is lost, is skipped: the next frame
        is compared with the one before it.

        Args:
            image: (height, width, 3) RGB or (height, width) grey, uint8.
            time_s: timestamp of the frame in seconds.
        """
        seen, before = _reduced(image), self._shown
        near = 0 <= time_s - self._last_s <= LONGEST_S
        self._last_s = time_s
        if seen is None:
            return False
        self._shown = seen
        if before is None:
            return False
        change = 1.0 - float((before * seen).sum())
        if not near:
            self._changes.clear()
            return change > 1.0 - SAME_SHOT
        usual = float(np.mean(self._changes)) if self._changes else 0.0
        history_full = len(self._changes) == RECENT
        self._changes.append(change)
        return change > max(1.0 - SAME_SHOT, SUDDEN * usual) or (
            history_full and change > max(1.0 - NO_CUT, JOLT * usual)
        )


def _reduced(image: Image) -> npt.NDArray[np.float32] | None:
    """The thumbnail, (18, 32) float32 of zero mean and unit norm; None if it is uniform."""
    height, width = image.shape[:2]
    row_stride, column_stride = (
        max(side // (n * SAMPLES), 1) for side, n in ((height, GRID[1]), (width, GRID[0]))
    )
    # Green is most of the luma, and needs no conversion.
    plane = image if image.ndim == 2 else image[..., 1]
    sampled = plane[::row_stride, ::column_stride]
    cells = cv2.resize(np.ascontiguousarray(sampled), GRID, interpolation=cv2.INTER_AREA)
    centred = cells.astype(np.float32) - cells.mean(dtype=np.float32)
    length = float(np.linalg.norm(centred))
    if length < FLAT * centred.size**0.5:
        return None
    return np.asarray(centred / length, np.float32)
