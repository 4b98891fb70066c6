"""Prefetching: a worker thread produces the next items while the current one is used."""

import atexit
import queue
import threading
from collections.abc import Generator, Iterable
from contextlib import suppress
from typing import TypeVar

__all__ = ["ahead"]

T = TypeVar("T")

POLL_S = 0.1
"""Seconds after which a thread that waits for its queue checks whether it is still needed."""
LEAVE_S = 5.0
"""Seconds that the interpreter waits at exit for the item in production."""


class _End:
    """Last item of a queue, with the error that ended the iteration, if any."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def ahead(items: Iterable[T], depth: int) -> Generator[T, None, None]:
    """Yield the same items in the same order, up to `depth` of them produced in advance.

    Production starts with the request for the first item. An exception of `items` is raised in its
    place in the order. When the result has been closed, the thread has ended and `items`, if it is
    a generator, is closed. The same happens at interpreter exit, since a thread that is killed
    inside native code crashes the process.

    Args:
        items: iterated over in the worker thread only.
        depth: maximum number of waiting items, which bounds memory.
    """
    waiting: queue.Queue[T | _End] = queue.Queue(depth)
    stopped = threading.Event()
    worker = threading.Thread(target=_work, args=(items, waiting, stopped), daemon=True)

    def leave() -> None:
        stopped.set()
        worker.join(LEAVE_S)

    atexit.register(leave)
    worker.start()
    try:
        while not isinstance(item := _take(waiting, stopped), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        atexit.unregister(leave)
        stopped.set()
        worker.join()


def _take(waiting: "queue.Queue[T | _End]", stopped: threading.Event) -> "T | _End":
    while not stopped.is_set():
        with suppress(queue.Empty):
            return waiting.get(timeout=POLL_S)
    return _End(None)


def _work(items: Iterable[T], waiting: "queue.Queue[T | _End]", stopped: threading.Event) -> None:
    end = _End(None)
    try:
        for item in items:
            if not _put(item, waiting, stopped):
                break
    except BaseException as error:
        end.error = error
    if isinstance(items, Generator):
        items.close()
    _put(end, waiting, stopped)


def _put(item: "T | _End", waiting: "queue.Queue[T | _End]", stopped: threading.Event) -> bool:
    """Queue an item; False if the consumer has stopped."""
    while not stopped.is_set():
        with suppress(queue.Full):
            waiting.put(item, timeout=POLL_S)
            return True
    return False
