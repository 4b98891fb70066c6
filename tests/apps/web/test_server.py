"""The server in a separate process: behaviour that needs real sockets and a real shutdown."""

import contextlib
import re
import select
import socket
import threading
import time

import httpx
import pytest
import uvicorn
from websockets.sync.client import connect

from mien.apps.settings import WebSettings
from mien.apps.web import app as app_module
from mien.apps.web import server as module
from mien.apps.web.app import create_app
from mien.core.errors import ArtifactError, InputError

TOKEN = "a-token-of-some-length"


def until(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_it_says_where_it_listens_and_is_ready(server):
    _, port, _ = server
    text = httpx.get(f"http://127.0.0.1:{port}/metrics").text
    assert "mien_requests_total" in text


@pytest.mark.parametrize("path", ["analyze", "session"])
def test_a_stalled_body_is_cut_off(server, path):
    _, port, folder = server
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(
            f"POST /api/v1/{path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            "Content-Length: 1000\r\n\r\nab".encode()
        )
        client.settimeout(10)
        assert b"408" in client.recv(4096).split(b"\r\n")[0]
    (private,) = folder.iterdir()
    until(lambda: not any(path.is_dir() for path in private.iterdir()))


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


def test_a_notice_that_is_no_json_is_one_sentence(monkeypatch):
    monkeypatch.setenv("MIEN_CONSENT", "Our notice")
    with pytest.raises(InputError, match="MIEN_CONSENT is not valid JSON; set MIEN_CONSENT__TEXT"):
        module.serve(lambda _: None)


@pytest.fixture
def served(tmp_path, monkeypatch):
    """The port of a server with a token, run by `serve` in this process."""
    servers, ports = [], []
    begin = module._Server.__init__

    def noting(server, *arguments):
        begin(server, *arguments)
        servers.append(server)

    def announce(where):
        ports.append(int(re.search(r":(\d+)", where)[1]))

    monkeypatch.setattr(module._Server, "__init__", noting)
    options = {"port": 0, "workers": 1, "temporary": tmp_path, "token": TOKEN}
    thread = threading.Thread(target=module.serve, args=(announce,), kwargs=options)
    thread.start()
    until(lambda: ports, seconds=60)
    yield ports[0]
    servers[0].should_exit = True
    thread.join()


def test_guessing_under_many_addresses_is_limited(served):
    def guess(number):
        headers = {"Authorization": f"Bearer wrong-{number}", "X-Forwarded-For": f"10.0.0.{number}"}
        return httpx.get(f"http://127.0.0.1:{served}/api/v1/models", headers=headers).status_code

    codes = [guess(number) for number in range(30)]
    assert (codes[0], codes[-1]) == (401, 429)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"certificate": "none.pem", "key": "none.pem"}, "none.pem.*No such file"),
        ({"certificate": "broken.pem", "key": "broken.pem"}, "broken.pem.*PEM files"),
        ({"certificate": "broken.pem"}, "give both --certificate and --key"),
        ({"key": "broken.pem"}, "give both --certificate and --key"),
        ({"precision": "int4"}, "precision.*'fp32' or 'int8'"),
        ({"temporary": "none"}, "temporary.*does not point to a directory"),
    ],
)
def test_what_cannot_be_served_is_told_before_the_address(tmp_path, monkeypatch, options, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken.pem").write_text("-----BEGIN CERTIFICATE-----\nAA\n")
    announced = []
    with pytest.raises(InputError, match=words):
        module.serve(announced.append, port=0, **options)
    assert announced == []


def test_what_fails_as_it_starts_is_told_instead_of_the_address(tmp_path, monkeypatch, caplog):
    def refuse(*_):
        raise ArtifactError("expression.onnx is altered; install mien again")

    monkeypatch.setattr(app_module, "Engine", refuse)
    announced = []
    with pytest.raises(ArtifactError, match="is altered"):
        module.serve(announced.append, port=0, temporary=tmp_path)
    assert (announced, caplog.text) == ([], "")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def punctual(tmp_path, monkeypatch):
    """The port of a server in this process that waits half a second for headers."""
    monkeypatch.setattr(module.PunctualProtocol, "patience_s", 0.5)
    settings = WebSettings(workers=1, temporary=tmp_path, write_timeout_s=1, live_fps=1000)
    listener = socket.create_server(("127.0.0.1", 0))
    # A small send buffer, inherited by connections, fills soon if the client does not read.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    config = uvicorn.Config(
        create_app(settings),
        http=module.PunctualProtocol,
        ws="websockets-sansio",
        ws_ping_interval=1,
        ws_ping_timeout=1,
        log_level="error",
    )
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
    thread.start()
    until(lambda: running.started, seconds=60)
    yield listener.getsockname()[1]
    running.should_exit = True
    thread.join()


def test_headers_that_never_end_close_the_connection(punctual):
    with socket.create_connection(("127.0.0.1", punctual)) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        client.settimeout(20)
        assert client.recv(100) == b""


def test_connections_beyond_the_limit_are_closed_at_once(punctual, monkeypatch):
    monkeypatch.setattr(module, "MAX_CONNECTIONS", 2)
    monkeypatch.setattr(module.PunctualProtocol, "patience_s", 60)
    with contextlib.ExitStack() as stack:
        clients = [
            stack.enter_context(socket.create_connection(("127.0.0.1", punctual), timeout=20))
            for _ in range(3)
        ]
        with contextlib.suppress(ConnectionResetError):
            assert clients[2].recv(100) == b""
        clients[0].sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert clients[0].recv(100).startswith(b"HTTP/1.1 200")


def test_a_client_that_takes_nothing_is_cut_off(punctual, caplog):
    with socket.create_connection(("127.0.0.1", punctual)) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        name = "/weights/expression-int8.onnx"
        client.sendall(f"GET {name} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        time.sleep(5)
        client.settimeout(20)
        received = 0
        with contextlib.suppress(ConnectionError):
            while chunk := client.recv(1 << 20):
                received += len(chunk)
    assert received < 4_000_000, "the rest is not sent to somebody who took nothing for seconds"
    assert not [record for record in caplog.records if record.exc_info]


def test_a_live_socket_outlives_the_patience_with_headers(punctual):
    with connect(f"ws://127.0.0.1:{punctual}/api/v1/live") as live:
        time.sleep(1.5)
        live.send(b"no picture")
        assert "problem" in live.recv(timeout=20)


def masked(opcode, data):
    """A WebSocket frame of up to 125 bytes as a client sends it, masked with zeros."""
    return bytes([0x80 | opcode, 0x80 | len(data), 0, 0, 0, 0]) + data


def test_a_viewer_that_takes_nothing_is_cut_off(punctual):
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        client.connect(("127.0.0.1", punctual))
        client.sendall(
            b"GET /api/v1/live HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\n"
            b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        poll = select.poll()
        poll.register(client, 0)  # hang-ups are reported even with an empty mask
        end = time.monotonic() + 20
        while not poll.poll(2) and time.monotonic() < end:
            with contextlib.suppress(OSError):
                client.sendall(masked(2, b"no picture"), socket.MSG_DONTWAIT)
        assert poll.poll(0)
