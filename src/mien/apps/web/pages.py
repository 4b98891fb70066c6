"""The built front end, served from the package."""

import mimetypes
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Match, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

__all__ = ["Pages", "static_folder"]

KEPT = "public, max-age=31536000, immutable"

TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
}
"""Media types by extension; on Windows they would come from the registry, which may be wrong."""

SERVED = ("GET", "HEAD")
METHODS = (*SERVED, "POST", "DELETE")

UNBUILT = (
    "The pages are not built. Run `make serve` in the repository, or install mien from a wheel; "
    "the API under /api/v1 works without them.\n"
)


def static_folder() -> Path:
    """The folder of the built front end."""
    return Path(str(files("mien.apps.web"))) / "static"


class Pages(StaticFiles):
    """Serves the files of the front end.

    Browsers may cache files whose names change with their content, and revalidate all others, such
    as the inference runtime of many megabytes.
    """

    def __init__(self) -> None:
        super().__init__(directory=static_folder(), html=True, check_dir=False)
        for extension, kind in TYPES.items():
            mimetypes.add_type(kind, extension)

    async def check_config(self) -> None:
        """Do nothing: missing pages are not an error, the API works without them."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The response for one file; the page for the root.

        Raises:
            HTTPException: 404 if there is no such file; 405 if the method does not apply to files,
                or if a route matches the path but not the method, since requests that no route
                accepts end up here.
        """
        methods = _methods(scope["app"].routes, scope)
        if methods or scope["method"] not in SERVED:
            raise HTTPException(405, headers={"Allow": ", ".join(methods or SERVED)})
        page = static_folder() / "index.html"
        if path in (".", "", "index.html"):
            if not page.is_file():
                return PlainTextResponse(UNBUILT, 503)
            path = "index.html"
        response = await super().get_response(path, scope)
        named_by_content = path.startswith("assets/")
        response.headers["Cache-Control"] = KEPT if named_by_content else "no-cache"
        return response


def _methods(routes: Iterable[BaseRoute], scope: Scope) -> list[str]:
    """The methods that routes accept at the path of a request."""
    own = [route for route in routes if not isinstance(route, Mount)]
    return [
        method
        for method in METHODS
        if any(route.matches({**scope, "method": method})[0] is Match.FULL for route in own)
    ]
