"""Still and animated images, decoded by Pillow."""

import logging
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO

import numpy as np
import PIL.Image
from PIL.ImageFile import ImageFile

from mien.core.errors import MediaError, TooLargeError, TruncatedError, out_of_memory
from mien.core.media import Frame, Image, Media, MediaKind
from mien.vision.orientation import UPRIGHT, Orientation
from mien.vision.stream import MediaStream, check_pixels

__all__ = ["DECODE_ERRORS", "decode_error", "open_picture", "orientation_of", "to_rgb"]

_log = logging.getLogger(__name__)

# Formats that need no helper program and are recognised by their first bytes.
_FORMATS = (
    "JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "PPM", "AVIF", "JPEG2000",
)  # fmt: skip
_UNMISTAKABLE = frozenset({"JPEG", "PNG", "GIF", "WEBP", "AVIF"})
_ANIMATED = frozenset({"GIF", "PNG", "WEBP", "AVIF"})
_UNRECOGNISED = (SyntaxError, IndexError, TypeError, struct.error)
DECODE_ERRORS = (
    OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, RuntimeError,
    AssertionError, struct.error, zlib.error, PIL.Image.DecompressionBombError,
)  # fmt: skip
"""What Pillow raises for damaged images."""
# HEIC has them too; Pillow then tries to read it as AVIF.
_HEIF_BRANDS = (b"mif1", b"msf1")
_EXIF_ORIENTATION = 0x0112
_SCANNED = frozenset({"JPEG", "MPO"})
_START_OF_SCAN, _END_OF_IMAGE = b"\xff\xda", b"\xff\xd9"
# In a scan, 0xFF is followed by zero or by the number of a restart interval (ITU-T T.81, B.1.1).
_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
MAX_SCANS = 100
"""Maximum number of scans of a JPEG, each of which visits all pixels; progressive ones have about
ten."""
_TIFF_SUBFILE_TYPE = 254
# As in browsers, for frames without a duration.
_DEFAULT_DURATION_S = 0.1


def open_picture(file: BinaryIO, name: str, max_pixels: int, every: int) -> MediaStream | None:
    """Open an image or animation from its header alone; None if the bytes are neither.

    Args:
        file: binary and seekable; the stream closes it.
        name: name of the source in errors and results.
        max_pixels: limit on width times height, checked before anything is decoded.
        every: keep every n-th frame of an animation.

    Raises:
        TooLargeError: above the limit.
        MediaError: if the header is damaged, or the image is a raw photograph.
    """
    picture = _identify(file, name)
    if picture is None:
        return None
    check_pixels(name, *picture.size, max_pixels)
    if picture.format in _SCANNED and _scan_count(file) > MAX_SCANS:
        raise MediaError(f"{name} has too many scans to be read; save it again as JPEG")
    if _is_thumbnail(picture):
        raise MediaError(
            f"{name} is a raw photograph, of which only a thumbnail could be read; save it as JPEG"
        )
    orientation = orientation_of(picture)
    width, height = orientation.size(*picture.size)
    count = _frame_count(picture, name)
    if count == 1:
        media = Media(name, MediaKind.IMAGE, width, height, frame_count=1)
        return MediaStream(media, _still(picture, name, orientation), file.close)
    media = Media(name, MediaKind.ANIMATION, width, height, frame_count=count)
    return MediaStream(media, _animation(picture, name, orientation, every, max_pixels), file.close)


def to_rgb(picture: PIL.Image.Image) -> Image:
    """RGB pixels (height, width, 3), uint8, of a Pillow image of any mode.

    16-bit grey is scaled to eight bits, and so is 32-bit grey with values above 255; floating-point
    grey must lie in 0 to 1; transparent parts are composited over white.

    Raises:
        ValueError: for floating-point pixels that are not finite or outside 0 to 1.
    """
    if picture.mode == "F":
        values = np.asarray(picture)
        if not (np.isfinite(values).all() and values.min() >= 0 and values.max() <= 1):
            raise ValueError("its floating-point pixels are not all between 0 and 1")
        return _grey_to_rgb(np.rint(values * 255))
    if picture.mode.startswith("I"):
        values = np.clip(np.asarray(picture), 0, 65535).astype(np.uint32)
        if picture.mode == "I" and values.max() <= 255:
            return _grey_to_rgb(values)
        return _grey_to_rgb((values * 255 + 32767) // 65535)
    # Pillow gives later frames of grey GIFs no palette, and then fails to answer.
    if not (picture.mode == "P" and picture.palette is None) and picture.has_transparency_data:
        ground = PIL.Image.new("RGBA", picture.size, "white")
        picture = PIL.Image.alpha_composite(ground, picture.convert("RGBA"))
    return np.asarray(picture.convert("RGB"))


def _grey_to_rgb(values: np.ndarray) -> Image:
    return np.repeat(values.astype(np.uint8)[:, :, np.newaxis], 3, axis=2)


def _identify(file: BinaryIO, name: str) -> ImageFile | None:
    # Not PIL.Image.open, whose pixel limit is global to the process.
    PIL.Image.init()
    file.seek(0)
    prefix = file.read(16)
    fault: Exception | None = None
    for form in _FORMATS:
        if form not in PIL.Image.OPEN:
            continue
        factory, accept = PIL.Image.OPEN[form]
        if accept is None or accept(prefix) is not True:
            continue
        file.seek(0)
        try:
            return factory(file, "")
        except _UNRECOGNISED as error:
            if form in _UNMISTAKABLE and prefix[8:12] not in _HEIF_BRANDS:
                fault = error
        except PIL.Image.DecompressionBombError as error:
            raise TooLargeError(
                f"{name} has too many pixels to be read; make it smaller"
            ) from error
        except (OSError, ValueError, EOFError, RuntimeError) as error:
            raise decode_error(name, error) from error
    if fault is not None:
        raise decode_error(name, fault) from fault
    file.seek(0)
    return None


def _scan_count(file: BinaryIO) -> int:
    """Number of scans of a JPEG, at most one above the limit; what follows its end is ignored.

    Motion photographs have a film there.
    """
    before = file.tell()
    file.seek(0)
    data = file.read()
    file.seek(before)
    count, place = 0, 2
    while count <= MAX_SCANS:
        found = _MARKER.search(data, place)
        if found is None or found[0] == _END_OF_IMAGE:
            break
        count += found[0] == _START_OF_SCAN
        place = found.end() + int.from_bytes(data[found.end() : found.end() + 2], "big")
    return count


def _is_thumbnail(picture: ImageFile) -> bool:
    """Whether a TIFF is marked as a reduced version of another image, as in raw photographs."""
    try:
        kind = getattr(picture, "tag_v2", {}).get(_TIFF_SUBFILE_TYPE, 0)
        return picture.format == "TIFF" and bool(int(kind) & 1)
    except DECODE_ERRORS:
        return False


def decode_error(name: str, error: Exception) -> MediaError:
    """The error to raise for an image on which Pillow fails with one of `DECODE_ERRORS`."""
    if isinstance(error, EOFError) or "truncat" in str(error).lower():
        return TruncatedError(
            f"{name} is cut off: the picture data ends too early ({error}); "
            "copy or download the file again"
        )
    return MediaError(
        f"{name} is damaged and cannot be decoded as a picture ({error}); "
        "copy or download the file again"
    )


def orientation_of(picture: PIL.Image.Image) -> Orientation:
    """The orientation of the EXIF tag; upright if it cannot be read or is already applied."""
    # Pillow turns TIFF itself, and would decode a whole PNG to find EXIF data after the pixels.
    if picture.format == "TIFF" or (picture.format == "PNG" and "exif" not in picture.info):
        return UPRIGHT
    try:
        return Orientation.from_exif(picture.getexif().get(_EXIF_ORIENTATION))
    except DECODE_ERRORS:
        return UPRIGHT


def _frame_count(picture: ImageFile, name: str) -> int | None:
    if picture.format not in _ANIMATED:
        # Counting the pages of a TIFF takes quadratic time.
        if picture.format == "TIFF" and getattr(picture, "is_animated", False):
            _log.warning("%s has several pages; only the first is read", name)
        return 1
    try:
        return int(getattr(picture, "n_frames", 1)) - _first(picture)
    except DECODE_ERRORS:
        return None


def _first(picture: ImageFile) -> int:
    # The default image of an animated PNG need not be part of the animation.
    return int(getattr(picture, "default_image", False))


def _still(picture: ImageFile, name: str, orientation: Orientation) -> Iterator[Frame]:
    try:
        picture.seek(_first(picture))
        image = orientation.apply(to_rgb(picture))
    except DECODE_ERRORS as error:
        raise decode_error(name, error) from error
    except MemoryError as error:
        raise out_of_memory(name) from error
    # Frees Pillow's copy of the pixels while the frame is used.
    del picture
    yield Frame(image)


def _animation(
    picture: ImageFile, name: str, orientation: Orientation, every: int, max_pixels: int
) -> Iterator[Frame]:
    first, index, time_s = _first(picture), 0, 0.0
    # The duration of a frame is known only once it is decoded, so frames come one late.
    waiting: Frame | None = None
    fault: Exception | None = None
    while True:
        try:
            if not _has_frame(picture, first + index):
                break
            # Frames of a GIF may enlarge it.
            check_pixels(name, *picture.size, max_pixels)
            picture.load()
            image = to_rgb(picture) if index % every == 0 else None
        except (*DECODE_ERRORS, TooLargeError) as error:
            fault = error
            break
        if image is not None:
            if waiting is not None:
                yield replace(waiting, ends_s=time_s)
            waiting = Frame(orientation.apply(image), index, time_s)
        duration_ms = picture.info.get("duration")
        time_s += duration_ms / 1000 if duration_ms else _DEFAULT_DURATION_S
        index += 1
    if waiting is not None:
        yield replace(waiting, ends_s=time_s)
    if isinstance(fault, TooLargeError):
        raise fault
    if fault is not None:
        raise _broken_off(name, index, fault) from fault


def _has_frame(picture: ImageFile, index: int) -> bool:
    try:
        picture.seek(index)
    except EOFError:
        return False
    return True


def _broken_off(name: str, frames: int, error: Exception) -> MediaError:
    return TruncatedError(
        f"{name} breaks off at frame {frames} ({error}); copy or download the file again "
        "to have the rest"
    )
