import asyncio
import io
import threading
import time
from types import SimpleNamespace

import numpy as np
import PIL.Image
import pytest
from starlette.websockets import WebSocketDisconnect, WebSocketState

from mien.apps.web import live
from mien.apps.web.live import _Viewer

LIVE = "/api/v1/live"
HOST = {"host": "127.0.0.1"}
TOKEN = "a-token-of-some-length"


def until(condition):
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def encoded(*images):
    """A picture, or an animation of several."""
    first, *others = map(PIL.Image.fromarray, images)
    file = io.BytesIO()
    first.save(file, "WEBP", quality=90, save_all=bool(others), append_images=others)
    return file.getvalue()


@pytest.fixture
def shot(portrait):
    return encoded(portrait)


def test_frames_in_readings_out(client, shot):
    with client.websocket_connect(LIVE, headers=HOST) as socket:
        socket.send_bytes(shot)
        first = socket.receive_json()
        socket.send_bytes(shot)
        second = socket.receive_json()
    assert (first["kind"], first["sequence"], second["sequence"]) == ("reading", 0, 1)
    assert (first["width"], first["height"]) == (320, 288)
    for reading in (first, second):
        assert [(face["track_id"], face["top"]) for face in reading["faces"]] == [(1, "happiness")]
    assert second["time_s"] > first["time_s"]


def test_the_newest_frame_wins(client, shot):
    with client.websocket_connect(LIVE, headers=HOST) as socket:
        for _ in range(20):
            socket.send_bytes(shot)
        last = socket.receive_json()
        answers = 1
        while last["sequence"] != 19:
            last = socket.receive_json()
            answers += 1
    assert answers < 20
    assert last["dropped"] == 20 - answers


def test_a_frame_that_takes_the_place_of_one_that_waits_for_a_thread(serving, shot):
    with serving() as client, client.websocket_connect(LIVE, headers=HOST) as socket:
        engine = client.app.state.engine
        replaced = engine.metrics.frames.labels("replaced")._value
        gate = threading.Event()
        client.portal.start_task_soon(engine.pool.run, "another", gate.wait)
        socket.send_bytes(shot)
        until(lambda: engine.pool.waiting)
        socket.send_bytes(shot)
        until(replaced.get)
        gate.set()
        answer = socket.receive_json()
        assert (answer["kind"], answer["sequence"], answer["dropped"]) == ("reading", 1, 1)
        time.sleep(0.2)
        socket.send_bytes(shot)
        answer = socket.receive_json()
        assert (answer["kind"], answer["sequence"], answer["dropped"]) == ("reading", 2, 1)


def test_pace(serving, shot):
    with serving(live_fps=4) as client, client.websocket_connect(LIVE, headers=HOST) as socket:
        begun = time.monotonic()
        for _ in range(4):
            socket.send_bytes(shot)
            socket.receive_json()
        assert time.monotonic() - begun > 0.7


@pytest.mark.parametrize(
    ("frame", "status", "word"),
    [
        (b"no picture", 415, "must be a JPEG or WebP picture"),
        (encoded(np.zeros((2000, 1001), np.uint8)), 413, "pixels"),
        (encoded(np.zeros((16, 24), np.uint8), np.full((16, 24), 255, np.uint8)), 415, "must be"),
    ],
    ids=["no picture", "too large", "an animation"],
)
def test_a_bad_frame_is_a_problem_and_not_the_end(client, shot, frame, status, word):
    with client.websocket_connect(LIVE, headers=HOST) as socket:
        socket.send_bytes(frame)
        problem = socket.receive_json()
        assert (problem["kind"], problem["status"]) == ("problem", status)
        assert word in problem["detail"]
        assert "<bytes>" not in problem["detail"]
        assert "--max-pixels" not in problem["detail"]
        socket.send_bytes(shot)
        assert socket.receive_json()["kind"] == "reading"


@pytest.mark.parametrize(("frame", "code"), [(b"x" * 300_001, 1009), ("text", 1003)])
def test_other_messages_end_it(client, frame, code):
    with client.websocket_connect(LIVE, headers=HOST) as socket:
        socket.send_text(frame) if isinstance(frame, str) else socket.send_bytes(frame)
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_json()
    assert closed.value.code == code


def test_a_reading_that_comes_while_its_socket_is_closed(client, shot, monkeypatch):
    async def close_slowly(viewer, code, reason):
        await close(viewer, code, reason)
        closed.set()
        await asyncio.sleep(0.5)

    def read_late(_):
        assert closed.wait(10)
        return "{}"

    async def serve_noting(viewer):
        try:
            await serve(viewer)
        except BaseException as error:
            ends.append(error)
        else:
            ends.append(None)

    close, serve = _Viewer._close, _Viewer.serve
    closed, ends = threading.Event(), []
    monkeypatch.setattr(_Viewer, "serve", serve_noting)
    monkeypatch.setattr(_Viewer, "_close", close_slowly)
    monkeypatch.setattr(_Viewer, "_read", read_late)
    with client.websocket_connect(LIVE, headers=HOST) as socket:
        socket.send_bytes(shot)
        socket.send_text("text")
        with pytest.raises(WebSocketDisconnect):
            socket.receive_json()
        until(lambda: ends)
    assert ends == [None]


def refusal(client):
    """The problem sent to a page, and the close code of its socket."""
    with client.websocket_connect(LIVE, headers=HOST) as socket:
        problem = socket.receive_json()
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_json()
    return problem, closed.value.code


def test_viewers_are_limited_and_forgotten(client):
    with (
        client.websocket_connect(LIVE, headers=HOST),
        client.websocket_connect(LIVE, headers=HOST),
    ):
        problem, code = refusal(client)
        assert client.app.state.engine.live == 2
    assert code == 1013
    assert problem == {
        "kind": "problem",
        "type": "about:blank",
        "title": "Too Many Requests",
        "status": 429,
        "detail": "the limit of 2 live connections is reached; try again later",
    }
    assert 'method="WEBSOCKET",status="429"' in client.get("/metrics").text
    with client.websocket_connect(LIVE, headers=HOST):
        assert client.app.state.engine.live == 1


def test_a_viewer_without_the_token_is_told(serving):
    with serving(token=TOKEN) as client:
        problem, code = refusal(client)
        assert client.app.state.engine.live == 0
    assert (problem["kind"], problem["status"], code) == ("problem", 401, 1008)
    assert "token" in problem["detail"]


def test_a_viewer_that_comes_too_early_is_told(serving):
    with serving() as client:
        engine, client.app.state.engine = client.app.state.engine, None
        problem, code = refusal(client)
        client.app.state.engine = engine
    assert (problem["status"], code) == (503, 1013)


def test_closing_to_a_viewer_that_is_gone_is_no_error():
    closed = []

    async def close(code, reason):
        closed.append(code)
        raise WebSocketDisconnect(code=1006)

    socket = SimpleNamespace(application_state=WebSocketState.CONNECTED, close=close)
    sequence = SimpleNamespace(sequence=lambda live: None)
    engine = SimpleNamespace(
        pool=SimpleNamespace(owner=lambda name: name),
        analyzer=SimpleNamespace(parts=sequence),
    )
    asyncio.run(live._Viewer(socket, engine)._close(live.GOING_AWAY, ""))
    assert closed == [live.GOING_AWAY]
