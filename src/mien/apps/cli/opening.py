"""Opening of sources in order, the next one while the current one is read."""

import threading
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import TypeAlias

from mien.core.errors import MienError, out_of_memory, unforeseen
from mien.vision.media import open_media
from mien.vision.sources import display_name
from mien.vision.stream import MediaStream

__all__ = ["Opened", "opened"]

PATIENCE_S = 2.0
"""Longest time in seconds that a source being opened may delay the end of the command."""

Opened: TypeAlias = MediaStream | MienError
"""An open source, or the error that prevents it."""


def opened(
    paths: Sequence[Path], *, every: int, max_pixels: int, ahead: bool
) -> Generator[tuple[Path, Opened], None, None]:
    """Open each source in turn and yield its path and stream.

    Args:
        paths: paths of the sources.
        every: as for `open_media`.
        max_pixels: as for `open_media`.
        ahead: open the next source and decode its first frame in a thread while one is read;
            for a large photograph, decoding takes as long as reading.
    """
    prepare = partial(_open, every=every, max_pixels=max_pixels)
    if not ahead or len(paths) < 2:
        yield from ((path, prepare(path)) for path in paths)
        return
    waiting = deque([_begun(partial(prepare, paths[0], decode=True))])
    try:
        for path, following in zip_longest(paths, paths[1:]):
            stream = waiting.popleft().result()
            if following is not None:
                waiting.append(_begun(partial(prepare, following, decode=True)))
            yield path, stream
    finally:
        for coming in waiting:
            with suppress(TimeoutError):
                left = coming.result(PATIENCE_S)
                if isinstance(left, MediaStream):
                    left.close()


def _open(path: Path, *, every: int, max_pixels: int, decode: bool = False) -> Opened:
    try:
        stream = open_media(path, max_pixels=max_pixels, every=every)
    except MienError as error:
        return error
    except MemoryError:
        return out_of_memory(display_name(path))
    except Exception as error:
        return unforeseen(display_name(path), error)
    if decode:
        stream.decode_first()
    return stream


def _begun(work: Callable[[], Opened]) -> "Future[Opened]":
    """Run `work` in a daemon thread, so that a stalled disk does not keep Python from exiting."""
    future: Future[Opened] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future
