"""`/api/v1/live`: a WebSocket that receives frames and sends readings of the newest one."""

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
"""Seconds after which a client that sends nothing is disconnected."""
UNSUPPORTED, TOO_LARGE, GOING_AWAY = 1003, 1009, 1001


@dataclass(frozen=True)
class _Shot:
    """One frame as it arrived."""

    data: bytes
    sequence: int
    arrived: float


@router.websocket("/live")
async def live(socket: WebSocket, engine: EngineNeeded) -> None:
    """Read the frames of one client until it disconnects."""
    limit = engine.settings.max_live
    if engine.live >= limit:
        raise ProblemError(
            HTTPStatus.TOO_MANY_REQUESTS,
            f"the limit of {limit} live connections is reached; try again later",
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
    """State of one connection: its tracks, the newest frame and the start time."""

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
        """Receive frames and send readings concurrently, until either task ends."""
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
            # Not `gather`: it would hide a cancellation from an enclosing cancel scope.
            await asyncio.wait(tasks)
            for task in tasks:
                # Retrieve the exception, or asyncio logs it as never retrieved.
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
                # The frame was already read in place of an older one that waited for a thread.
                continue
            begun = time.monotonic()
            # `_read` takes the newest frame only when a thread is free.
            try:
                text = await self._engine.pool.run(self._owner, self._read)
            except (MienError, ProblemError) as error:
                text = problem_message(status_of(error), str(error))
            if self._socket.application_state is WebSocketState.DISCONNECTED:
                return
            await self._socket.send_text(text)
            await asyncio.sleep(max(begun + pause - time.monotonic(), 0))

    def _exchange(self, shot: _Shot | None) -> _Shot | None:
        """Replace the newest frame and return the previous one; thread-safe."""
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
        if not _is_jpeg_or_webp(shot.data):
            raise MediaError("a live frame must be a JPEG or WebP picture")
        limit = self._engine.settings.max_pixels
        with open_media(shot.data, max_pixels=limit, name="the frame") as stream:
            if stream.media.kind is not MediaKind.IMAGE:
                raise MediaError("a live frame must be a picture, not an animation")
            image = next(iter(stream)).image
        frame = Frame(image, shot.sequence, shot.arrived - self._begun)
        return stream.media, self._reader.read(frame)

    async def _close(self, code: int, reason: str) -> None:
        if self._socket.application_state is not WebSocketState.DISCONNECTED:
            try:
                await self._socket.close(code, reason)
            except (RuntimeError, OSError, WebSocketDisconnect):
                return


def _is_jpeg_or_webp(data: bytes) -> bool:
    return data.startswith(b"\xff\xd8\xff") or (data[:4], data[8:12]) == (b"RIFF", b"WEBP")
