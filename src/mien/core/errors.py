"""One tree of exceptions; each message is a sentence that says what is wrong and what to do."""

__all__ = [
    "ArtifactError",
    "InputError",
    "MediaError",
    "MienError",
    "OutputError",
    "TooLargeError",
    "TruncatedError",
    "cause_of",
    "out_of_memory",
]


class MienError(Exception):
    """Anything that mien reports; catch this to catch all."""


class InputError(MienError, ValueError):
    """An argument or array of the wrong type, shape or value."""


class MediaError(MienError):
    """A file, stream or camera that cannot be read."""


class TooLargeError(MediaError):
    """A picture above the pixel limit, or a source that needs more memory than there is."""


class TruncatedError(MediaError):
    """A medium that broke off; everything before the fault has been delivered."""


class ArtifactError(MienError):
    """Weights that are missing, altered or do not fit this version."""


class OutputError(MienError):
    """A result that could not be written; nothing is left under its final name."""


def out_of_memory(source: str) -> TooLargeError:
    """What is said of a source for which memory does not suffice."""
    return TooLargeError(f"{source} needs more memory than there is; make it smaller")


def cause_of(error: Exception) -> str:
    """What the system says of an error, without its number and path; else the error's own words."""
    return getattr(error, "strerror", None) or str(error)
