"""How the command line starts the server without knowing it: the `web` extra may be missing."""

from typing import Any

from mien.core.errors import InputError

__all__ = ["launch_server"]


def launch_server(**options: Any) -> None:
    """Serve until interrupted; see `mien.apps.web.server.serve`.

    Raises:
        InputError: if a setting makes no sense, or what the server needs is not installed.
    """
    try:
        from mien.apps.web.server import serve
    except ModuleNotFoundError as error:
        raise InputError(
            f"the server needs {error.name}, which is not installed; run: pip install 'mien[web]'"
        ) from error
    serve(**options)
