"""Label codes and cell formats in the tables of published collections."""

import math
from collections.abc import Mapping, Sequence

from mien.core.errors import InputError
from mien.core.labels import Emotion
from mien.core.types import Box

__all__ = [
    "AFFECTNET_CODES",
    "AFFECTNET_NAMES",
    "CK_CODES",
    "EXPW_CODES",
    "LETTER_CODES",
    "RAF_CODES",
    "Codes",
    "box_between",
    "cells",
    "decoded",
    "finite",
]

Codes = Mapping[str, Emotion | None]
"""The label of each code; None for a code without one of the eight labels."""

RAF_CODES: Codes = {
    "1": Emotion.SURPRISE,
    "2": Emotion.FEAR,
    "3": Emotion.DISGUST,
    "4": Emotion.HAPPINESS,
    "5": Emotion.SADNESS,
    "6": Emotion.ANGER,
    "7": Emotion.NEUTRAL,
}
AFFECTNET_CODES: Codes = {
    "0": Emotion.NEUTRAL,
    "1": Emotion.HAPPINESS,
    "2": Emotion.SADNESS,
    "3": Emotion.SURPRISE,
    "4": Emotion.FEAR,
    "5": Emotion.DISGUST,
    "6": Emotion.ANGER,
    "7": Emotion.CONTEMPT,
    # None of the above, uncertain, no face.
    **dict.fromkeys(("8", "9", "10")),
}
AFFECTNET_NAMES: Codes = {"none": None, "uncertain": None, "no-face": None}
CK_CODES: Codes = {
    "0": Emotion.NEUTRAL,
    "1": Emotion.ANGER,
    "2": Emotion.CONTEMPT,
    "3": Emotion.DISGUST,
    "4": Emotion.FEAR,
    "5": Emotion.HAPPINESS,
    "6": Emotion.SADNESS,
    "7": Emotion.SURPRISE,
}
EXPW_CODES: Codes = {
    "0": Emotion.ANGER,
    "1": Emotion.DISGUST,
    "2": Emotion.FEAR,
    "3": Emotion.HAPPINESS,
    "4": Emotion.SADNESS,
    "5": Emotion.SURPRISE,
    "6": Emotion.NEUTRAL,
}

LETTER_CODES = {
    "AN": Emotion.ANGER,
    "DI": Emotion.DISGUST,
    "FE": Emotion.FEAR,
    "AF": Emotion.FEAR,
    "HA": Emotion.HAPPINESS,
    "NE": Emotion.NEUTRAL,
    "SA": Emotion.SADNESS,
    "SU": Emotion.SURPRISE,
}
"""Letters in the file names of JAFFE and KDEF."""


def cells(line: str, count: int, place: str) -> list[str]:
    """Split a line at spaces into `count` values.

    Raises:
        InputError: if the number of values differs; it names the place.
    """
    found = line.split()
    if len(found) != count:
        raise InputError(f"{place} has {len(found)} values, not {count}; get the file again")
    return found


def finite(text: str) -> float:
    """Parse a finite number.

    Raises:
        ValueError: if the text is not a number, or not a finite one.
    """
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def box_between(corners: Sequence[str], place: str) -> Box:
    """Parse a box given by left, top, right and bottom.

    Raises:
        InputError: if they are not four finite numbers; it names the place.
    """
    try:
        left, top, right, bottom = map(finite, corners)
    except ValueError:
        raise InputError(f"{place} has a box that is not of numbers; get it again") from None
    return Box(left, top, right - left, bottom - top)


def decoded(code: str, codes: Codes, place: str) -> Emotion | None:
    """The label of a code, which may be written as `3.0000000e+00`.

    Raises:
        InputError: if the code is unknown; it names the place and the known codes.
    """
    try:
        number = float(code)
        return codes[str(int(number) if number.is_integer() else code)]
    except (ValueError, KeyError):
        known = ", ".join(f"{key} ({value or 'no label'})" for key, value in codes.items())
        raise InputError(
            f"{place} has the unknown label {code.strip()!r}; accepted are: {known}"
        ) from None
