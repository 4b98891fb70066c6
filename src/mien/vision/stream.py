"""An open medium: what is known of it, and its frames."""

from collections.abc import Callable, Iterator
from itertools import chain

from mien.core.errors import MienError, TooLargeError
from mien.core.media import Frame, Media

__all__ = ["MediaStream", "check_pixels"]


class MediaStream:
    """Frames of one medium, read as they are asked for; a context manager that closes the source.

    Iterate once: a second loop goes on where the first one stopped.

    Attributes:
        media: what is known before the frames are read.
    """

    def __init__(
        self, media: Media, frames: Iterator[Frame], close: Callable[[], None] = lambda: None
    ) -> None:
        self.media = media
        self._frames = frames
        self._close = close

    def __iter__(self) -> Iterator[Frame]:
        return self

    def __next__(self) -> Frame:
        """The next frame: an upright RGB picture of shape (height, width, 3), uint8.

        Raises:
            TruncatedError: after the last readable frame, if the medium broke off.
            MediaError: if nothing can be decoded.
        """
        return next(self._frames)

    def decode_first(self) -> None:
        """Decode the first frame now, maybe in another thread; an error comes when it is due."""
        frames = self._frames
        try:
            self._frames = chain([next(frames)], frames)
        except StopIteration:
            pass
        except (MienError, MemoryError) as error:
            self._frames = _failing(error)

    def close(self) -> None:
        """Close the source; further frames are not delivered."""
        self._frames = iter(())
        self._close()

    def __enter__(self) -> "MediaStream":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _failing(error: Exception) -> Iterator[Frame]:
    raise error
    yield


def check_pixels(name: str, width: int, height: int, limit: int) -> None:
    """Refuse a picture of more than `limit` pixels.

    Raises:
        TooLargeError: if width times height exceeds the limit.
    """
    if width * height > limit:
        raise TooLargeError(
            f"{name} has {width}x{height} pixels ({_count(width * height)}), above the "
            f"limit of {_count(limit)}; raise it with --max-pixels or max_pixels="
        )


def _count(pixels: int) -> str:
    return f"{pixels / 1e6:.6g} million" if pixels >= 1e6 else str(pixels)
