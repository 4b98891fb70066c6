"""Signals that ask the command to end."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

__all__ = ["ENDINGS", "handled_once", "leave"]

ENDINGS = (
    signal.SIGINT,
    signal.SIGTERM,
    *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else []),
)
"""Ctrl-C, a polite kill and a hang-up."""


@contextmanager
def handled_once(numbers: tuple[signal.Signals, ...], act: Callable[[int], None]) -> Iterator[None]:
    """Within the block, act on the first signal of a kind; the second is as if there were no block.

    What whoever started the command has it ignore, as nohup does, stays ignored.
    """

    def once(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, before[signal.Signals(number)])
        act(number)

    before = {
        number: handler or signal.SIG_DFL
        for number in numbers
        if (handler := signal.getsignal(number)) is not signal.SIG_IGN
    }
    for number in before:
        signal.signal(number, once)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def leave(number: int) -> NoReturn:
    """Unwind with the exit code that shells give for the signal; until then no other hurries it.

    Threads that are left in native code when Python ends would take the process with them.
    """
    for one in ENDINGS:
        signal.signal(one, signal.SIG_IGN)
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise SystemExit(128 + number)
