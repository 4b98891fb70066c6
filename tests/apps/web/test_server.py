"""The server in a process of its own: what only real sockets and a real end show."""

import socket
import time

import httpx
import pytest

from mien.apps.web import server as module
from mien.core.errors import InputError


def until(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_it_says_where_it_listens_and_is_ready(server):
    _, port, _ = server
    text = httpx.get(f"http://127.0.0.1:{port}/metrics").text
    assert "mien_requests_total" in text


def test_a_stalled_upload_is_cut_off(server):
    _, port, folder = server
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(
            f"POST /api/v1/analyze HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            "Content-Length: 1000\r\n\r\nab".encode()
        )
        client.settimeout(10)
        assert b"408" in client.recv(4096).split(b"\r\n")[0]
    (private,) = folder.iterdir()
    until(lambda: not list(private.iterdir()))


def test_nothing_is_left_when_it_is_killed(server):
    process, _, folder = server
    (private,) = folder.iterdir()
    assert private.stat().st_mode & 0o077 == 0
    (private / "upload").write_bytes(b"secret")
    process.kill()
    process.wait()
    until(lambda: not private.exists())


def test_settings_that_make_no_sense_are_one_sentence():
    with pytest.raises(InputError, match="MIEN_TOKEN"):
        module.serve(lambda _: None, host="0.0.0.0")
