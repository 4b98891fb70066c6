import asyncio
import threading
import time
from types import SimpleNamespace
from unittest.mock import Mock

import pytest

from mien.apps.settings import WebSettings
from mien.apps.web import app as application
from mien.apps.web import jobs
from mien.apps.web.engine import Engine
from mien.apps.web.inference import FairPool
from mien.apps.web.jobs import JobStore
from mien.apps.web.schemas import JobState
from mien.apps.web.uploads import Upload
from mien.core.errors import MediaError
from mien.core.media import Media, MediaKind


class Reader:
    """A reader without frames whose `finish` blocks until its gate opens."""

    warning, events = None, ()
    frame_count = share = None

    def __init__(self):
        self.calls, self.steps = [], 0
        self.finishing, self.gate = threading.Event(), threading.Event()

    def step(self):
        self.steps += 1
        return False

    def finish(self):
        self.finishing.set()
        self.gate.wait(5)
        self.calls.append("finish")
        return {}

    def close(self):
        self.calls.append("close")


@pytest.fixture
def films(tmp_path, monkeypatch):
    """A job store, and a function that starts a job of a reader."""
    monkeypatch.setattr(jobs, "VideoReader", lambda analyzer, *_: analyzer)
    workspace = SimpleNamespace(remove=lambda _: None)
    store = JobStore(None, FairPool(1), workspace, WebSettings(workers=1, keep_s=1e-9))
    media = Media("a.mp4", MediaKind.VIDEO, 64, 48)

    def start(reader):
        store._analyzer = reader
        folder = tmp_path / str(len(store))
        return store.start(Upload(folder / "upload", "a.mp4"), media, 1, False)

    return store, start


def test_results_are_ended_before_their_film_is_closed(films):
    store, start = films
    reader = Reader()

    async def main():
        job = start(reader)
        await asyncio.to_thread(reader.finishing.wait, 5)
        deletion = asyncio.create_task(store.delete(job.id))
        await asyncio.sleep(0.05)
        reader.gate.set()
        await deletion

    asyncio.run(main())
    assert reader.calls == ["finish", "close"]


def test_a_film_waits_until_one_before_it_has_been_read(films):
    store, start = films
    first, second, third = Reader(), Reader(), Reader()
    second.gate.set()
    third.gate.set()

    async def main():
        begun = [start(first), start(second), start(third)]
        await asyncio.to_thread(first.finishing.wait, 5)
        await store.sweep()
        states = [job.view().state for job in begun]
        assert states == [JobState.RUNNING, JobState.QUEUED, JobState.QUEUED]
        await store.delete(begun[1].id)
        first.gate.set()
        await store._tasks[begun[2].id]
        assert (begun[0].state, begun[2].state) == (JobState.DONE, JobState.DONE)

    asyncio.run(main())
    assert (first.calls[-1], second.steps, third.steps) == ("close", 0, 1)


def test_no_film_is_begun_while_all_are_stopped(films):
    store, start = films
    first, second = Reader(), Reader()
    second.gate.set()

    async def main():
        start(first)
        start(second)
        await asyncio.to_thread(first.finishing.wait, 5)
        ending = asyncio.create_task(store.close())
        await asyncio.sleep(0.05)
        first.gate.set()
        await ending

    asyncio.run(main())
    assert (len(store), first.calls, second.steps) == (0, ["finish", "close"], 0)


@pytest.mark.parametrize("fault", [None, MediaError("the film is damaged")])
def test_a_film_is_deleted_once_it_was_read_whatever_came_of_it(films, tmp_path, fault):
    store, start = films
    film = tmp_path / "0" / "upload"
    film.parent.mkdir()
    film.touch()
    reader = Reader()
    reader.gate.set()
    if fault is not None:
        reader.step = Mock(side_effect=fault)

    async def main():
        job = start(reader)
        await store._tasks[job.id]
        assert (film.exists(), film.parent.exists()) == (False, True)
        assert job.state is (JobState.DONE if fault is None else JobState.FAILED)

    asyncio.run(main())


@pytest.mark.parametrize("ending", [JobStore.sweep, JobStore.close])
def test_somebody_deletes_a_film_while_others_are_swept(films, ending):
    store, start = films

    async def main():
        begun = []
        for _ in range(3):
            reader = Reader()
            reader.gate.set()
            begun.append(start(reader))
        end = time.monotonic() + 5
        while any(job.state is not JobState.DONE for job in begun) or len(asyncio.all_tasks()) > 1:
            assert time.monotonic() < end
            await asyncio.sleep(0.01)
        await asyncio.gather(ending(store), store.delete(begun[1].id))

    asyncio.run(main())
    assert len(store) == 0


def test_a_server_whose_sweeping_failed_still_ends_in_order(serving, monkeypatch):
    async def broken(_):
        raise RuntimeError("a fault while sweeping")

    async def close(engine):
        closed.append(engine)
        await ending(engine)

    closed, ending = [], Engine.close
    monkeypatch.setattr(application, "_sweep", broken)
    monkeypatch.setattr(Engine, "close", close)
    with pytest.raises(RuntimeError, match="while sweeping"), serving():
        pass
    assert len(closed) == 1
