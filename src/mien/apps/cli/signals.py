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
"""Signals that end the command: Ctrl-C, kill and hang-up."""


@contextmanager
def handled_once(numbers: tuple[signal.Signals, ...], act: Callable[[int], None]) -> Iterator[None]:
    """Within the block, call `act` on the first signal of each kind, the old handler on the second.

    Signals that are ignored on entry, as under nohup, stay ignored.
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
    """Exit with the status that shells give for the signal, ignoring further signals meanwhile.

    If Python ended before it has unwound, threads in native code would crash the process.

    Raises:
        KeyboardInterrupt: for SIGINT.
        SystemExit: for other signals.
    """
    for one in ENDINGS:
        signal.signal(one, signal.SIG_IGN)
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise SystemExit(128 + number)
