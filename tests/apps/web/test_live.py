import io
import time

import PIL.Image
import pytest
from starlette.testclient import WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

LIVE = "/api/v1/live"
HOST = {"host": "127.0.0.1"}


@pytest.fixture
def shot(portrait):
    file = io.BytesIO()
    PIL.Image.fromarray(portrait).save(file, "WEBP", quality=90)
    return file.getvalue()


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


def test_pace(serving, shot):
    with serving(live_fps=4) as client, client.websocket_connect(LIVE, headers=HOST) as socket:
        begun = time.monotonic()
        for _ in range(4):
            socket.send_bytes(shot)
            socket.receive_json()
        assert time.monotonic() - begun > 0.7


def test_a_bad_frame_is_a_problem_and_not_the_end(client, shot):
    with client.websocket_connect(LIVE, headers=HOST) as socket:
        socket.send_bytes(b"no picture")
        problem = socket.receive_json()
        assert (problem["kind"], problem["status"]) == ("problem", 400)
        socket.send_bytes(shot)
        assert socket.receive_json()["kind"] == "reading"


@pytest.mark.parametrize(("frame", "code"), [(b"x" * 300_001, 1009), ("text", 1003)])
def test_other_messages_end_it(client, frame, code):
    with client.websocket_connect(LIVE, headers=HOST) as socket:
        socket.send_text(frame) if isinstance(frame, str) else socket.send_bytes(frame)
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_json()
    assert closed.value.code == code


def test_viewers_are_limited_and_forgotten(client):
    with (
        client.websocket_connect(LIVE, headers=HOST),
        client.websocket_connect(LIVE, headers=HOST),
        pytest.raises(WebSocketDenialResponse) as refused,
        client.websocket_connect(LIVE, headers=HOST),
    ):
        pass
    assert refused.value.status_code == 429
    with client.websocket_connect(LIVE, headers=HOST):
        assert client.app.state.engine.live == 1
