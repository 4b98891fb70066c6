"""`mien serve`: run the web application."""

from pathlib import Path
from typing import Annotated

import typer

from mien.apps.cli.console import complain
from mien.apps.launch import launch_server

__all__ = ["serve"]


def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; 127.0.0.1 by default.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port; 8383 by default.")
    ] = None,
    certificate: Annotated[Path | None, typer.Option(help="TLS certificate, PEM.")] = None,
    key: Annotated[Path | None, typer.Option(help="Key of the certificate, PEM.")] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Pictures and films read at the same time; 2 by default."),
    ] = None,
) -> None:
    """Serve the web application until interrupted.

    Any address but this machine's own needs a token in MIEN_TOKEN. Other settings are variables
    that start with MIEN_; the README names the usual ones, mien/apps/settings.py has all.
    """
    launch_server(
        announce=complain, host=host, port=port, certificate=certificate, key=key, workers=workers
    )
