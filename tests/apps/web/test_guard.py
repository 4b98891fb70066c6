"""The guard while the server stops."""

import asyncio
import json

import pytest

from mien.apps.settings import WebSettings
from mien.apps.web.access import Gate
from mien.apps.web.guard import Guard
from mien.apps.web.metrics import Metrics


def cancelled(kind, *begun):
    """The messages sent for a request that is cancelled during the response."""

    async def app(_scope, _receive, send):
        for message in begun:
            await send(message)
        waiting.set()
        await asyncio.Event().wait()

    async def send(message):
        sent.append(message)

    async def main():
        scope = {"type": kind, "path": "/healthz", "headers": [(b"host", b"127.0.0.1")]}
        guard = Guard(app, Gate(WebSettings()), Metrics(), 1, 1)
        task = asyncio.create_task(guard(scope | {"method": "GET"}, None, send))
        await waiting.wait()
        task.cancel()
        await task

    sent, waiting = [], asyncio.Event()
    asyncio.run(main())
    return sent


def test_what_is_under_way_when_the_server_stops_is_to_be_sent_again():
    start, body = cancelled("http")
    assert start["status"] == 503
    assert "the server is stopping" in json.loads(body["body"])["detail"]


def test_an_answer_that_has_begun_breaks_off():
    start = {"type": "http.response.start", "status": 200}
    assert cancelled("http", start) == [start]


def test_a_socket_is_cancelled_as_it_is():
    with pytest.raises(asyncio.CancelledError):
        cancelled("websocket")
