"""The front end: its own tests, if Node is installed, and how its files are served."""

import mimetypes
import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mien.apps.web import pages

ROOT = Path(__file__).parents[3]
WEB = ROOT / "web"
STATIC = ROOT / "src/mien/apps/web/static"

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
    is_stale = runpy.run_path(str(ROOT / "hatch_build.py"))["is_stale"]
    assert not is_stale(ROOT), "the pages are older than their sources; run `make pages`"
    run("node", "--test", "e2e/", seconds=880)


@pytest.fixture
def built(client, tmp_path, monkeypatch):
    """A front end of three files in place of the built one."""
    for name in ("index.html", "ort/runtime.wasm", "assets/index-c0ffee.js"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"content")
    monkeypatch.setattr(pages, "static_folder", lambda: tmp_path)
    (mount,) = (route for route in client.app.routes if getattr(route, "name", "") == "pages")
    monkeypatch.setattr(mount.app, "all_directories", [tmp_path])
    return client


@pytest.mark.parametrize("path", ["/", "/ort/runtime.wasm"])
def test_what_may_change_under_its_name_is_sent_once(built, path):
    first = built.get(path)
    assert (first.status_code, first.content) == (200, b"content")
    assert first.headers["cache-control"] == "no-cache"
    again = built.get(path, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["cache-control"] == "no-cache"
    assert again.headers["cross-origin-embedder-policy"] == "require-corp"


def test_what_is_named_by_its_content_is_kept(built):
    assert "immutable" in built.get("/assets/index-c0ffee.js").headers["cache-control"]


def test_scripts_are_scripts_whatever_the_machine_takes_them_for(built):
    mimetypes.add_type("text/plain", ".js")
    pages.Pages()
    script = built.get("/assets/index-c0ffee.js")
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"


def test_weights_are_sent_once(client):
    url = client.get("/api/v1/models").json()["models"][0]["url"]
    first = client.get(url)
    assert "immutable" in first.headers["cache-control"]
    plain = client.get(url.partition("?")[0])
    assert plain.headers["cache-control"] == "private, no-cache"
    assert plain.headers["etag"] == first.headers["etag"]
    again = client.get(url, headers={"if-none-match": f"W/{first.headers['etag']}"})
    assert (again.status_code, again.content) == (304, b"")


def test_a_page_from_before_an_update_gets_no_other_weights(client):
    url, _, version = client.get("/api/v1/models").json()["models"][0]["url"].partition("?v=")
    stale = client.get(f"{url}?v={'0' * len(version)}")
    assert stale.status_code == 404
    assert stale.json()["detail"] == "the weights have changed; reload the page"


def test_the_lock_file_names_no_registry():
    lock = (WEB / "package-lock.json").read_text()
    assert '"resolved"' not in lock or "https://registry.npmjs.org/" in lock
