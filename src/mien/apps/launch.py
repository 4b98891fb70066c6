"""Deferred import of the server, so that the command line works without the `web` extra."""

from typing import Any

from mien.core.errors import InputError

__all__ = ["launch_server"]


def launch_server(**options: Any) -> None:
    """Serve until interrupted; see `mien.apps.web.server.serve`.

    Raises:
        InputError: if a setting is invalid, or a package that the server needs is not installed.
    """
    try:
        from mien.apps.web.server import serve
    except ModuleNotFoundError as error:
        raise InputError(
            f"the server needs {error.name}, which is not installed; run pip install '.[web]' in "
            "the folder of mien's source"
        ) from error
    serve(**options)
