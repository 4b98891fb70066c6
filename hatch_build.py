"""Builds the web application's pages into the wheel, where there is a Node to build them."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PAGE = "src/mien/apps/web/static/index.html"
# As in the Makefile, what tests alone need makes no page stale.
NO_SOURCES = {"node_modules", "e2e", "tests"}


class PagesHook(BuildHookInterface):
    """Builds the pages that are missing or older than their sources.

    Without Node a wheel is made all the same, and loudly: `pip install .` goes through here too,
    and whoever wants the command line alone needs no pages.
    """

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Build them before the files of the wheel are listed."""
        if version == "editable":
            return
        root = Path(self.root)
        fault = build_pages(root) if is_stale(root) else None
        if fault and (root / PAGE).is_file():
            self.app.display_warning(f"THE PAGES ARE OLDER THAN THEIR SOURCES: {fault}")
        elif fault:
            self.app.display_warning(
                f"THERE WILL BE NO PAGES, `mien serve` will have its API alone: {fault}"
            )


def is_stale(root: Path) -> bool:
    """Whether the pages are missing or older than their sources, if those are here."""
    page = root / PAGE
    if not page.is_file():
        return True
    built = page.stat().st_mtime
    return any(
        path.stat().st_mtime > built
        for path in (root / "web").rglob("*")
        if path.is_file() and not NO_SOURCES & set(path.relative_to(root / "web").parts)
    )


def build_pages(root: Path) -> str | None:
    """Build them; what was in the way if they could not be."""
    npm = shutil.which("npm")
    if not (root / "web/package.json").is_file():
        return "their sources in web/ are missing; build from a clone or from an sdist with pages"
    if npm is None:
        return "there is no Node; install it, or take a wheel that was built with it"
    commands = [["run", "build"]]
    if not (root / "web/node_modules").is_dir():
        commands.insert(0, ["ci", "--no-audit", "--no-fund"])
    for command in commands:
        done = subprocess.run(  # noqa: S603
            [npm, *command], cwd=root / "web", capture_output=True, text=True, check=False
        )
        if done.returncode:
            return f"`npm {' '.join(command)}` failed; run `make pages`\n{done.stderr[-2000:]}"
    return None
