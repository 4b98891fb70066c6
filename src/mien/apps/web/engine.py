"""The parts that requests share: readers, threads, films and the private folder."""

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
    """What lives as long as the server does.

    Attributes:
        analyzer: reads pictures and films as the command line does, and live frames.
        live: connections of viewers.
        uploads: those under way.
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
            ArtifactError: if they are missing or altered.
        """
        settings = self.settings
        config = Config(precision=settings.precision, threads=1, max_pixels=settings.max_pixels)
        self.analyzer = Analyzer(config)
        self.pool = FairPool(settings.workers, observe=self.metrics.inference.observe)
        self.jobs = JobStore(self.analyzer, self.pool, self.workspace, settings)

    async def close(self) -> None:
        """End what is running and delete what is kept."""
        await self.jobs.close()
        self.pool.close()
