"""State that requests share: analyzer, threads, jobs and the private folder."""

from dataclasses import dataclass, field

from mien.apps.settings import WebSettings
from mien.apps.web.inference import FairPool
from mien.apps.web.jobs import JobStore
from mien.apps.web.metrics import Metrics
from mien.apps.web.workspace import Workspace
from mien.pipeline.analyzer import Analyzer
from mien.pipeline.build import Config

__all__ = ["Engine"]


@dataclass
class Engine:
    """Objects that live as long as the server.

    Attributes:
        settings: settings of the server.
        metrics: counters for Prometheus.
        workspace: the private folder.
        analyzer: reads images, videos and live frames.
        pool: threads for inference.
        jobs: videos in the background.
        live: number of open live connections.
        uploads: number of uploads in progress.
    """

    settings: WebSettings
    metrics: Metrics
    workspace: Workspace
    analyzer: Analyzer = field(init=False)
    pool: FairPool = field(init=False)
    jobs: JobStore = field(init=False)
    live: int = 0
    uploads: int = 0

    def __post_init__(self) -> None:
        """Load the weights.

        Raises:
            ArtifactError: if weights are missing or altered.
        """
        settings = self.settings
        config = Config(precision=settings.precision, threads=1, max_pixels=settings.max_pixels)
        self.analyzer = Analyzer(config)
        self.pool = FairPool(settings.workers, observe=self.metrics.inference.observe)
        self.jobs = JobStore(self.analyzer, self.pool, self.workspace, settings)

    async def close(self) -> None:
        """Stop all jobs and delete their results."""
        await self.jobs.close()
        self.pool.close()
