"""Exceptions of mien; every message is one sentence that says what is wrong and what to do."""

__all__ = [
    "ArtifactError",
    "InputError",
    "MediaError",
    "MienError",
    "OutputError",
    "TooLargeError",
    "TruncatedError",
    "UnknownEmotionError",
    "cause_of",
    "out_of_memory",
    "unforeseen",
]


class MienError(Exception):
    """Base class of all exceptions that mien raises for its callers; catch this to catch all."""


class InputError(MienError, ValueError):
    """An argument or array of the wrong type, shape or value."""


class UnknownEmotionError(InputError, KeyError):
    """A name that is neither a label nor an alias; a `KeyError` because `Scores` is a mapping."""

    __str__ = Exception.__str__  # that of KeyError quotes the message


class MediaError(MienError):
    """A file, stream or camera that cannot be read."""


class TooLargeError(MediaError):
    """An image above the pixel limit, or a source that needs more memory than there is."""


class TruncatedError(MediaError):
    """A file or stream that ends too early; everything before the fault has been delivered."""


class ArtifactError(MienError):
    """Weights that are missing, altered or incompatible with this version."""


class OutputError(MienError):
    """A result that could not be written; no file is left under its final name."""


def out_of_memory(source: str) -> TooLargeError:
    """The error for a source that does not fit into memory."""
    return TooLargeError(f"{source} needs more memory than there is; make it smaller")


def unforeseen(source: str, error: Exception) -> MediaError:
    """The error for a source on which reading failed in a way that should not occur."""
    cause = f"{type(error).__name__}: {error}".removesuffix(": ")
    return MediaError(f"{source} cannot be read ({cause}); please report this")


def cause_of(error: Exception) -> str:
    """The operating system's message without error number and path, or else `str(error)`."""
    return getattr(error, "strerror", None) or str(error)
