"""The front-end's own tests, where there is a Node to run them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

WEB = Path(__file__).parents[3] / "web"
STATIC = WEB.parent / "src/mien/apps/web/static"

needs_node = pytest.mark.skipif(
    shutil.which("node") is None or not (WEB / "node_modules").is_dir(),
    reason="Node or web/node_modules is missing; run `make pages`",
)
needs_browser = pytest.mark.skipif(
    shutil.which("chromium") is None or not (STATIC / "index.html").is_file(),
    reason="Chromium or the built pages are missing; run `make pages`",
)


def run(*command, seconds):
    environment = os.environ | {"MIEN_PYTHON": sys.executable}
    done = subprocess.run(
        command, cwd=WEB, env=environment, capture_output=True, text=True, timeout=seconds
    )
    assert done.returncode == 0, done.stdout + done.stderr


@needs_node
@pytest.mark.timeout(300)
def test_logic():
    run("node", "node_modules/vitest/vitest.mjs", "run", seconds=280)


@needs_node
@pytest.mark.timeout(300)
def test_types():
    run("node", "node_modules/typescript/bin/tsc", "--noEmit", seconds=280)


@needs_node
@needs_browser
@pytest.mark.timeout(900)
def test_in_a_browser():
    run("node", "--test", "e2e/", seconds=880)


def test_the_lock_file_names_no_registry():
    lock = (WEB / "package-lock.json").read_text()
    assert '"resolved"' not in lock or "https://registry.npmjs.org/" in lock
