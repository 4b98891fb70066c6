"""Opens images, animations and videos from paths, bytes, arrays or Pillow images."""

import io
import os
from collections.abc import Iterator
from numbers import Integral
from pathlib import Path
from typing import BinaryIO, TypeAlias

import numpy as np
import numpy.typing as npt
import PIL.Image

from mien.core.errors import InputError, MediaError, cause_of
from mien.core.media import Frame, Image, Media, MediaKind
from mien.vision.arrival import Pace
from mien.vision.images import DECODE_ERRORS, decode_error, open_picture, orientation_of, to_rgb
from mien.vision.sources import advice, display_name, is_special, missing
from mien.vision.stream import MediaStream, check_pixels
from mien.vision.video import open_video

__all__ = [
    "DEFAULT_MAX_PIXELS",
    "Source",
    "array_to_rgb",
    "open_media",
]

DEFAULT_MAX_PIXELS = 120_000_000
"""Default limit on width times height of an encoded image or of a video frame."""

Source: TypeAlias = (
    "str | os.PathLike[str] | os.PathLike[bytes] | bytes | bytearray | memoryview "
    "| npt.NDArray[np.uint8] | PIL.Image.Image"
)
"""A path, the bytes of an encoded image or video, an array, or a Pillow image."""


def open_media(
    source: Source,
    *,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    every: int = 1,
    pace: Pace | None = None,
    name: str | None = None,
) -> MediaStream:
    """Open an image, animation or video.

    The format is detected from the content, not from the file name. Headers are read here; pixels
    are decoded as frames are requested. Images are turned upright by their EXIF tag, videos by
    their display matrix; transparent parts are composited over white; 32-bit grey without values
    above 255 is read as 8-bit grey; of a TIFF with several pages the first is read.

    Args:
        source: a path; the bytes of an encoded image or video; an array of shape (height, width, 3)
            in RGB, (height, width) in grey or (height, width, 4) in RGBA, uint8; or a Pillow image.
        max_pixels: maximum width times height of an encoded image or of a video frame.
        every: keep every n-th frame of videos and animations; indices stay those of the source.
        pace: plays a video as if live: its data are decoded when they are due, and frames carry
            their arrival time. Ignored for images and animations.
        name: name of the source in results and errors; the path, or a placeholder such as
            `<bytes>`, if None.

    Returns:
        An iterator over frames that is also a context manager:
        `with open_media(path) as stream: for frame in stream: ...`

    Raises:
        InputError: for an argument of the wrong type, shape or value.
        TooLargeError: for an image or video above `max_pixels`, before it is decoded.
        MediaError: for a source that is missing, empty, damaged or of an unknown format.
    """
    for option, value in (("every", every), ("max_pixels", max_pixels)):
        if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
            raise InputError(f"{option} must be an integer of 1 or more, not {value!r}")
    if isinstance(source, np.ndarray):
        return _open_pixels(array_to_rgb(source), name or "<array>")
    if isinstance(source, PIL.Image.Image):
        return _open_pil(source, name or "<image>", max_pixels)
    if isinstance(source, bytes | bytearray | memoryview):
        return _open_file(io.BytesIO(bytes(source)), name or "<bytes>", max_pixels, every, pace)
    if isinstance(source, str | os.PathLike):
        path = os.fsdecode(source)
        if not path:
            raise InputError("the path is empty; name a picture or film")
        name = name or display_name(path)
        return _open_file(_open_path(Path(path), name), name, max_pixels, every, pace)
    raise InputError(
        f"a source must be a path, bytes, an array or a Pillow image, not {type(source).__name__}"
    )


def array_to_rgb(array: npt.NDArray[np.generic]) -> Image:
    """RGB pixels (height, width, 3), uint8, of an RGB, grey or RGBA array of uint8.

    Raises:
        InputError: for any other type or shape, and for an array without pixels.
    """
    if array.dtype != np.uint8:
        raise InputError(_wrong_type(array))
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)):
        hint = "; pass the pictures of a batch one by one" if array.ndim == 4 else ""
        raise InputError(
            "a picture array must have shape (height, width, 3) in RGB, (height, width) in grey "
            f"or (height, width, 4) in RGBA, not {array.shape}{hint}"
        )
    if array.size == 0:
        raise InputError(f"a picture array must hold pixels, but its shape is {array.shape}")
    pixels = np.asarray(array, np.uint8)
    if pixels.ndim == 3 and pixels.shape[2] == 3:
        return np.ascontiguousarray(pixels)
    if pixels.ndim == 3 and pixels.shape[2] == 4:
        return to_rgb(PIL.Image.fromarray(np.ascontiguousarray(pixels)))
    return np.repeat(pixels.reshape(*pixels.shape[:2], 1), 3, axis=2)


def _wrong_type(array: npt.NDArray[np.generic]) -> str:
    expected = f"a picture array must be of type uint8 (0 to 255), not {array.dtype}"
    if not np.issubdtype(array.dtype, np.floating) or array.size == 0:
        return f"{expected}; convert it with .astype(numpy.uint8) after scaling it to 0 to 255"
    if not np.isfinite(array).all():
        return f"{expected}, and this one holds NaN or infinite values; replace them and convert it"
    if array.min() >= 0 and array.max() <= 1:
        return f"{expected}; convert values from 0 to 1 with (array * 255).astype(numpy.uint8)"
    return f"{expected}; clip it to 0 to 255 and convert it with .astype(numpy.uint8)"


def _open_pixels(image: Image, name: str) -> MediaStream:
    height, width = image.shape[:2]
    frames: Iterator[Frame] = iter([Frame(image)])
    return MediaStream(Media(name, MediaKind.IMAGE, width, height, frame_count=1), frames)


def _open_pil(picture: PIL.Image.Image, name: str, max_pixels: int) -> MediaStream:
    if picture.width == 0 or picture.height == 0:
        raise InputError(f"a picture must hold pixels, but its size is {picture.size}")
    check_pixels(name, *picture.size, max_pixels)
    try:
        return _open_pixels(orientation_of(picture).apply(to_rgb(picture)), name)
    except ValueError as error:
        raise InputError(f"the Pillow image cannot be read: {error}") from error
    except DECODE_ERRORS as error:
        raise decode_error(name, error) from error


def _open_path(path: Path, name: str) -> BinaryIO:
    try:
        if path.is_dir():
            raise MediaError(
                f"{name} is a folder; mien.vision.sources.find_sources lists what it holds"
            )
        if is_special(path):
            kind = "pipe" if path.is_fifo() else "socket or device"
            raise MediaError(
                f"{name} is a {kind}, not a file; save what comes from it to a file first"
            )
        return path.open("rb")
    except FileNotFoundError as error:
        raise missing(name) from error
    except (OSError, ValueError) as error:
        raise MediaError(f"{name} cannot be opened ({cause_of(error)}); {advice(error)}") from error


def _open_file(
    file: BinaryIO, name: str, max_pixels: int, every: int, pace: Pace | None
) -> MediaStream:
    try:
        if not file.read(1):
            raise MediaError(f"{name} is empty; copy or download the file again")
        stream = open_picture(file, name, max_pixels, every)
        return open_video(file, name, max_pixels, every, pace) if stream is None else stream
    except OSError as error:
        file.close()
        raise MediaError(
            f"{name} cannot be read ({cause_of(error)}); check the disk or its permissions"
        ) from error
    except BaseException:
        file.close()
        raise
