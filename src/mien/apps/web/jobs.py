"""Background jobs that read videos: progress, cancellation, and expiry of results."""

import asyncio
import logging
import os
import secrets
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

from mien.apps.settings import WebSettings
from mien.apps.web.inference import FairPool
from mien.apps.web.problems import ProblemError
from mien.apps.web.schemas import EventView, JobState, JobView
from mien.apps.web.uploads import Upload
from mien.apps.web.video_reading import VideoReader
from mien.apps.web.workspace import Workspace
from mien.core.errors import MienError
from mien.core.media import Media
from mien.pipeline.analyzer import Analyzer
from mien.report.events import Event

__all__ = ["Job", "JobStore"]

log = logging.getLogger(__name__)


@dataclass
class Job:
    """One video and its progress; the results are in `folder`."""

    id: str
    source: str
    folder: Path
    frame_count: int | None
    share: float | None
    state: JobState = JobState.QUEUED
    frames_read: int = 0
    warning: str | None = None
    error: str | None = None
    touched: float = field(default_factory=time.monotonic)
    results: dict[str, Path] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)

    def view(self) -> JobView:
        """The job as the API shows it."""
        done = self.state is JobState.DONE
        return JobView(
            id=self.id,
            state=self.state,
            source=self.source,
            frames_read=self.frames_read,
            frame_count=self.frame_count,
            progress=1.0 if done else self.share,
            warning=self.warning,
            error=self.error,
            results={name: self._address(name) for name in self.results} if done else {},
            events=[EventView(**event.to_dict()) for event in self.events] if done else [],
        )

    def without_path(self, message: str) -> str:
        """A message without the path of the folder, which clients must not learn."""
        return message.replace(f"{self.folder}{os.sep}", "")

    def _address(self, result: str) -> str:
        return f"/api/v1/jobs/{self.id}/{'' if result == 'report' else 'results/'}{result}"


class JobStore:
    """All jobs of the server; to be used from the event loop only."""

    def __init__(
        self, analyzer: Analyzer, pool: FairPool, workspace: Workspace, settings: WebSettings
    ) -> None:
        self._analyzer = analyzer
        self._pool = pool
        self._workspace = workspace
        self._settings = settings
        self._jobs: dict[str, Job] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._coming: set[Path] = set()
        self._turns = asyncio.Semaphore(settings.workers)

    def __len__(self) -> int:
        return len(self._jobs)

    def reserve(self, folder: Path) -> None:
        """Reserve a place for the video being uploaded to a folder, until it is released.

        Raises:
            ProblemError: if the server already holds `max_jobs` videos.
        """
        limit = self._settings.max_jobs
        if len(self._jobs) + len(self._coming) >= limit:
            raise ProblemError(
                HTTPStatus.TOO_MANY_REQUESTS,
                f"the server already holds {limit} films; delete one or try again later",
                {"Retry-After": "60"},
            )
        self._coming.add(folder)

    def release(self, folder: Path) -> None:
        """Release the place reserved for a folder, if there is one."""
        self._coming.discard(folder)

    def start(self, upload: Upload, media: Media, every: int, annotate: bool) -> Job:
        """Queue a video for reading; the job takes over the folder of the upload.

        Open videos take much memory, so at most `workers` videos are open at a time.

        Raises:
            ProblemError: if the video is too long, or there are too many.
        """
        self._check(media)
        if upload.path.parent not in self._coming:
            self.reserve(upload.path.parent)
        reader = VideoReader(
            self._analyzer,
            upload.path,
            media,
            upload.path.parent,
            self._settings.max_duration_s,
            every,
            annotate,
        )
        job = Job(
            id=secrets.token_urlsafe(16),
            source=upload.name,
            folder=upload.path.parent,
            frame_count=reader.frame_count,
            share=reader.share,
        )
        self.release(job.folder)
        self._jobs[job.id] = job
        self._tasks[job.id] = asyncio.create_task(self._read(job, reader, upload.path))
        return job

    def find(self, identifier: str) -> Job:
        """The job with an id; restarts its expiry time.

        Raises:
            ProblemError: if there is none.
        """
        job = self._jobs.get(identifier)
        if job is None:
            raise ProblemError(
                HTTPStatus.NOT_FOUND,
                "there is no such job; it may have been deleted, so upload the film again",
            )
        job.touched = time.monotonic()
        return job

    async def delete(self, identifier: str) -> None:
        """Stop a job and delete its video and results.

        Raises:
            ProblemError: if there is none.
        """
        job = self.find(identifier)
        del self._jobs[job.id]
        task = self._tasks.pop(job.id)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        self._workspace.remove(job.folder)

    async def sweep(self) -> None:
        """Delete finished jobs that have not been requested for `keep_s`."""
        oldest = time.monotonic() - self._settings.keep_s
        idle = [
            job
            for job in self._jobs.values()
            if job.touched < oldest and self._tasks[job.id].done()
        ]
        await self._delete_all(idle)

    async def close(self) -> None:
        """Stop and delete all jobs, the newest first, so that no waiting job starts meanwhile."""
        await self._delete_all(list(reversed(self._jobs.values())))

    async def _delete_all(self, jobs: list[Job]) -> None:
        for job in jobs:
            # A client may delete another job while this one is awaited.
            if job.id in self._jobs:
                await self.delete(job.id)

    def _check(self, media: Media) -> None:
        limit = self._settings.max_duration_s
        if media.duration_s is not None and media.duration_s > limit:
            raise ProblemError(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"the film takes more than {limit:g} seconds; cut it into parts",
            )

    async def _read(self, job: Job, reader: VideoReader, video: Path) -> None:
        """Read a video when it is its turn, then delete it; only its results are kept."""
        try:
            async with self._turns:
                job.state = JobState.RUNNING
                await self._read_now(job, reader)
        finally:
            video.unlink(missing_ok=True)
            job.touched = time.monotonic()

    async def _read_now(self, job: Job, reader: VideoReader) -> None:
        owner = self._pool.owner("film")
        step: asyncio.Future[Any] | None = None
        try:
            while True:
                # Shielded: a step must end before the video is closed.
                step = asyncio.ensure_future(self._pool.run(owner, reader.step))
                if not await asyncio.shield(step):
                    break
                job.frames_read, job.share = reader.frames_read, reader.share
            step = asyncio.ensure_future(asyncio.to_thread(reader.finish))
            job.results = await asyncio.shield(step)
            job.warning = None if reader.warning is None else job.without_path(reader.warning)
            job.events = reader.events
            job.state = JobState.DONE
        except (MienError, ProblemError) as error:
            job.state, job.error = JobState.FAILED, job.without_path(str(error))
        except Exception:
            log.exception("a film could not be read")
            job.state, job.error = JobState.FAILED, "the film could not be read; see the log"
        finally:
            if step is not None:
                await asyncio.wait([step])
            await asyncio.to_thread(reader.close)
