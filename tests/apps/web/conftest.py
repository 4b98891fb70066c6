"""A server in this process, and one in a separate process."""

import contextlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the web extra is not installed")

import httpx
from fastapi.testclient import TestClient

from mien.apps.settings import WebSettings
from mien.apps.web.app import create_app

BASE = "http://127.0.0.1"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A running server with small limits."""
    settings = WebSettings(
        workers=1,
        max_upload=2_000_000,
        max_pixels=2_000_000,
        max_duration_s=30,
        max_frame=300_000,
        max_live=2,
        uploads_per_minute=1000,
        read_timeout_s=1,
        temporary=tmp_path_factory.mktemp("private"),
    )
    with TestClient(create_app(settings), BASE) as running:
        yield running


@pytest.fixture
def serving(tmp_path: Path) -> Callable:
    """Start a server with given settings in this process."""

    @contextlib.contextmanager
    def start(**options: object) -> Iterator[TestClient]:
        settings = WebSettings(workers=1, temporary=tmp_path, **options)
        with TestClient(create_app(settings), BASE) as running:
            yield running

    return start


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[subprocess.Popen, int, Path]]:
    """`mien serve` in a separate process: the process, its port and the parent of its workspace."""
    folder = tmp_path_factory.mktemp("private")
    environment = os.environ | {"MIEN_TEMPORARY": str(folder), "MIEN_READ_TIMEOUT_S": "2"}
    environment["MIEN_UPLOADS_PER_MINUTE"] = "100000"
    command = [sys.executable, "-m", "mien", "serve", "--port", "0", "--workers", "1"]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    line = process.stderr.readline()
    port = int(re.search(r":(\d+)", line)[1])
    _wait_until_ready(port)
    yield process, port, folder
    process.kill()
    process.wait()


def _wait_until_ready(port: int) -> None:
    for _ in range(300):
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200:
                return
        time.sleep(0.1)
    raise AssertionError("the server did not become ready")
