"""Prometheus metrics of the server, in their own registry."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

__all__ = ["Metrics"]

_SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class Metrics:
    """Metrics of requests, frames and connections; never of the content of readings."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "mien_requests", "Answers by method and status.", ["method", "status"],
            registry=self.registry,
        )  # fmt: skip
        self.inference = Histogram(
            "mien_inference_seconds", "Time of one piece of work.", buckets=_SECONDS,
            registry=self.registry,
        )  # fmt: skip
        self.live = Gauge("mien_live_connections", "Open live sockets.", registry=self.registry)
        self.frames = Counter(
            "mien_live_frames", "Live frames, read or replaced by a newer one.", ["fate"],
            registry=self.registry,
        )  # fmt: skip
        self.jobs = Gauge("mien_jobs", "Films known to the server.", registry=self.registry)

    def text(self) -> bytes:
        """All metrics in the Prometheus text format."""
        return generate_latest(self.registry)
