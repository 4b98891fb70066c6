"""`/api/v1/live`: frames in, readings out; the newest frame wins."""

import asyncio
import threading
import time
from dataclasses import dataclass
from http import HTTPStatus

from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from starlette.websockets import WebSocketState

from mien.apps.web.context import EngineNeeded
from mien.apps.web.engine import Engine
from mien.apps.web.problems import ProblemError, problem_message, status_of
from mien.apps.web.schemas import Live
from mien.core.errors import MediaError, MienError
from mien.core.media import Frame, Media, MediaKind
from mien.core.types import FrameReading
from mien.vision.media import open_media

__all__ = ["router"]

router = APIRouter()

IDLE_S = 60.0
"""A viewer that sends nothing for so long is gone."""
UNSUPPORTED, TOO_LARGE, GOING_AWAY = 1003, 1009, 1001


@dataclass(frozen=True)
class _Shot:
    """One frame as it arrived."""

    data: bytes
    sequence: int
    arrived: float


@router.websocket("/live")
async def live(socket: WebSocket, engine: EngineNeeded) -> None:
    """Read the frames of one viewer until it goes."""
    if engine.live >= engine.settings.max_live:
        raise ProblemError(
            HTTPStatus.TOO_MANY_REQUESTS,
            "as many viewers as may are watching; try again later",
            {"Retry-After": "30"},
        )
    engine.live += 1
    engine.metrics.live.inc()
    try:
        await socket.accept()
        await _Viewer(socket, engine).serve()
    finally:
        engine.live -= 1
        engine.metrics.live.dec()


class _Viewer:
    """The state of one connection: its tracks, the newest frame, and when it began."""

    def __init__(self, socket: WebSocket, engine: Engine) -> None:
        self._socket = socket
        self._engine = engine
        self._owner = engine.pool.owner("live")
        self._reader = engine.analyzer.parts.sequence(live=True)
        self._newest: _Shot | None = None
        self._lock = threading.Lock()
        self._arrival = asyncio.Event()
        self._begun = time.monotonic()
        self._dropped = 0

    async def serve(self) -> None:
        """Take frames and answer them, each at its own pace, until either ends."""
        tasks = [asyncio.create_task(self._take()), asyncio.create_task(self._answer())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        except (WebSocketDisconnect, TimeoutError):
            pass
        finally:
            for task in tasks:
                task.cancel()
            # Not gather: it forgets who cancelled, and a scope around this would not know its own.
            await asyncio.wait(tasks)
            for task in tasks:
                # What is not looked at is logged as never retrieved.
                _ = task.cancelled() or task.exception()
            self._exchange(None)
            await self._close(GOING_AWAY, "")

    async def _take(self) -> None:
        sequence = 0
        while True:
            message = await asyncio.wait_for(self._socket.receive(), IDLE_S)
            if message["type"] == "websocket.disconnect":
                return
            data = message.get("bytes")
            if not data:
                await self._close(UNSUPPORTED, "send JPEG or WebP pictures as binary messages")
                return
            if len(data) > self._engine.settings.max_frame:
                await self._close(TOO_LARGE, "the frame is too large; send a smaller picture")
                return
            if self._exchange(_Shot(data, sequence, time.monotonic())) is not None:
                self._dropped += 1
                self._engine.metrics.frames.labels("replaced").inc()
            sequence += 1
            self._arrival.set()

    async def _answer(self) -> None:
        pause = 1 / self._engine.settings.live_fps
        while True:
            await self._arrival.wait()
            self._arrival.clear()
            if self._newest is None:
                # The frame that arrived while another waited for a thread was read in its place.
                continue
            begun = time.monotonic()
            # Taken when a thread is free, so that a frame that waited is not older than need be.
            try:
                text = await self._engine.pool.run(self._owner, self._read)
            except (MienError, ProblemError) as error:
                text = problem_message(status_of(error), str(error))
            if self._socket.application_state is WebSocketState.DISCONNECTED:
                return
            await self._socket.send_text(text)
            await asyncio.sleep(max(begun + pause - time.monotonic(), 0))

    def _exchange(self, shot: _Shot | None) -> _Shot | None:
        """Put a frame or none in the place of the newest, which is handed back; in any thread."""
        with self._lock:
            before, self._newest = self._newest, shot
            return before

    def _read(self) -> str:
        shot = self._exchange(None)
        if shot is None:
            raise MienError("the viewer has gone; connect again")
        media, reading = self._read_shot(shot)
        self._engine.metrics.frames.labels("read").inc()
        return Live.model_validate(
            {
                **reading.to_dict(),
                "sequence": shot.sequence,
                "dropped": self._dropped,
                "delay_ms": round((time.monotonic() - shot.arrived) * 1000, 1),
                "width": media.width,
                "height": media.height,
            }
        ).model_dump_json(exclude={"faces": {"__all__": {"activation"}}})

    def _read_shot(self, shot: _Shot) -> tuple[Media, FrameReading]:
        limit = self._engine.settings.max_pixels
        with open_media(shot.data, max_pixels=limit, name="the frame") as stream:
            if stream.media.kind is not MediaKind.IMAGE:
                raise MediaError("a live frame must be a JPEG or WebP picture, not a film")
            image = next(iter(stream)).image
        frame = Frame(image, shot.sequence, shot.arrived - self._begun)
        return stream.media, self._reader.read(frame)

    async def _close(self, code: int, reason: str) -> None:
        if self._socket.application_state is not WebSocketState.DISCONNECTED:
            try:
                await self._socket.close(code, reason)
            except (RuntimeError, OSError, WebSocketDisconnect):
                return
