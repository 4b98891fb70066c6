"""Rate limits per client address, as token buckets."""

import math
import time
from collections import OrderedDict
from http import HTTPStatus

from mien.apps.web.problems import ProblemError

__all__ = ["RateLimit"]

MOST_ADDRESSES = 4096


class RateLimit:
    """A token bucket per client address.

    Args:
        per_minute: requests per minute and address; also the largest burst.
        what: what is limited, for the message, e.g. "uploads".
    """

    def __init__(self, per_minute: int, what: str) -> None:
        self._per_minute = per_minute
        self._what = what
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, address: str, cost: int = 1) -> None:
        """Count a request; a cost of 0 only checks whether one is allowed.

        Raises:
            ProblemError: if the address has exceeded its limit.
        """
        now = time.monotonic()
        level, seen = self._buckets.pop(address, (float(self._per_minute), now))
        level = min(level + (now - seen) * self._per_minute / 60, self._per_minute)
        allowed = level >= 1
        self._buckets[address] = (level - cost if allowed else level, now)
        if len(self._buckets) > MOST_ADDRESSES:
            self._buckets.popitem(last=False)
        if not allowed:
            wait = math.ceil((1 - level) * 60 / self._per_minute)
            raise ProblemError(
                HTTPStatus.TOO_MANY_REQUESTS,
                f"too many {self._what} from this address; try again in {wait} s",
                {"Retry-After": str(wait)},
            )
