"""Working ahead: the next items are made in a thread of their own while this one is used."""

import atexit
import queue
import threading
from collections.abc import Generator, Iterable
from contextlib import suppress
from typing import TypeVar

__all__ = ["ahead"]

T = TypeVar("T")

POLL_S = 0.1
"""How often a thread whose queue is full or empty looks whether it is still needed."""
LEAVE_S = 5.0
"""How long Python's exit waits for the item that is being made."""


class _End:
    """Comes last: why there are no more items."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def ahead(items: Iterable[T], depth: int) -> Generator[T, None, None]:
    """The same items in the same order, up to `depth` of them made ahead of their use.

    Nothing starts before the first item is asked for. An exception arrives in its place in the
    order. Once the result is closed, the thread has ended and `items`, if a generator, is closed;
    so it is when Python exits before that, since a thread that is killed within native code takes
    the process with it.

    Args:
        items: iterated over in the other thread only.
        depth: how many may wait; bounds memory.
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
    """Whether the item was taken; not if nobody waits any more."""
    while not stopped.is_set():
        with suppress(queue.Full):
            waiting.put(item, timeout=POLL_S)
            return True
    return False
