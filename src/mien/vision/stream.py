"""An open medium: its metadata and its frames."""

from collections.abc import Callable, Iterator
from itertools import chain

from mien.core.errors import TooLargeError
from mien.core.media import Frame, Media

__all__ = ["MediaStream", "check_pixels"]


class MediaStream:
    """A lazy iterator over the frames of one medium, and a context manager that closes the source.

    Frames are delivered once: a second loop continues where the first one stopped.

    Attributes:
        media: metadata known before the frames are read.
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
        """The next frame, whose image is upright RGB of shape (height, width, 3), uint8.

        Raises:
            TruncatedError: after the last readable frame, if the medium is cut off.
            MediaError: if nothing can be decoded.
        """
        return next(self._frames)

    def decode_first(self) -> None:
        """Decode the first frame now, in any thread; an error is raised when the frame is read."""
        frames = self._frames
        try:
            self._frames = chain([next(frames)], frames)
        except StopIteration:
            pass
        except Exception as error:
            self._frames = _failing(error)

    def close(self) -> None:
        """Close the source; no more frames are delivered."""
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
    """Check the number of pixels of an image or video frame.

    Raises:
        TooLargeError: if width times height exceeds the limit.
    """
    if width * height > limit:
        raise TooLargeError(
            f"{name} has {width}x{height} pixels ({_count(width * height)}), above the "
            f"limit of {_count(limit)} (max_pixels); make it smaller"
        )


def _count(pixels: int) -> str:
    return f"{pixels / 1e6:.6g} million" if pixels >= 1e6 else str(pixels)
