"""A viewer that is gone before it can be told good-bye."""

import asyncio
from types import SimpleNamespace

import pytest

pytest.importorskip("fastapi")

from starlette.websockets import WebSocketDisconnect, WebSocketState

from mien.apps.web import live


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
