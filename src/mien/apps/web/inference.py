"""Inference off the event loop, shared fairly among clients."""

import asyncio
import itertools
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

__all__ = ["FairPool"]

Result = TypeVar("Result")
_Work = tuple[asyncio.Future[Any], Callable[[], Any]]


class FairPool:
    """Runs functions in threads; waiting owners take turns, however many calls each has queued.

    Args:
        workers: number of threads.
        observe: called with the duration of each call in seconds.
    """

    def __init__(self, workers: int, observe: Callable[[float], None] | None = None) -> None:
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix="mien")
        self._free = workers
        self._queues: OrderedDict[str, deque[_Work]] = OrderedDict()
        self._observe = observe or (lambda _: None)
        self._numbers = itertools.count()

    @property
    def waiting(self) -> int:
        """Number of queued calls that have not started."""
        return sum(len(queue) for queue in self._queues.values())

    def owner(self, kind: str) -> str:
        """A new owner name, for one request, video or live connection."""
        return f"{kind}-{next(self._numbers)}"

    async def run(self, owner: str, work: Callable[[], Result]) -> Result:
        """Run a function in a thread when it is the owner's turn.

        The queue is bounded by the limits of uploads, videos and live connections.
        """
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._queues.setdefault(owner, deque()).append((future, work))
        self._dispatch()
        return await future

    def close(self) -> None:
        """Discard queued calls; those that have started are finished."""
        self._queues.clear()
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _dispatch(self) -> None:
        while self._free and self._queues:
            owner, queue = self._queues.popitem(last=False)
            future, work = queue.popleft()
            if queue:
                self._queues[owner] = queue
            if not future.cancelled():
                self._start(future, work)

    def _start(self, future: asyncio.Future[Any], work: Callable[[], Any]) -> None:
        self._free -= 1
        begun = time.perf_counter()
        running = asyncio.get_running_loop().run_in_executor(self._executor, work)

        def finish(done: asyncio.Future[Any]) -> None:
            self._free += 1
            self._observe(time.perf_counter() - begun)
            _hand_over(done, future)
            self._dispatch()

        running.add_done_callback(finish)


def _hand_over(done: asyncio.Future[Any], future: asyncio.Future[Any]) -> None:
    error = None if done.cancelled() else done.exception()
    if future.done():
        return
    if done.cancelled():
        future.cancel()
    elif error is not None:
        future.set_exception(error)
    else:
        future.set_result(done.result())
