"""Counts and times of one ingress replica, for Prometheus; never anything of a post."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from serve.messages import Timings

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """A registry of its own, so that several may live in one process.

    Behind several ingress replicas each scrape meets one of them; the label ``replica`` keeps
    their series apart.
    """

    def __init__(self, replica: str) -> None:
        self._registry = CollectorRegistry()
        self._replica = replica
        self._requests = Counter(
            "smm4h_requests", "Requests.", ("replica", "route", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "smm4h_request_seconds",
            "Seconds that a request took.",
            ("replica", "route"),
            buckets=BUCKETS,
            registry=self._registry,
        )
        self._stages = Counter(
            "smm4h_stage_seconds",
            "Seconds that requests spent waiting, tokenising and inferring.",
            ("replica", "stage"),
            registry=self._registry,
        )
        self._posts = Counter("smm4h_posts", "Posts.", ("replica",), registry=self._registry)
        self._in_flight = Gauge(
            "smm4h_in_flight", "Requests being answered.", ("replica",), registry=self._registry
        )

    def count_request(self, route: str, status: int, seconds: float) -> None:
        """Note an answered request; ``route`` is one that the interface knows, or ``other``."""
        self._requests.labels(self._replica, route, str(status)).inc()
        self._seconds.labels(self._replica, route).observe(seconds)

    def count_posts(self, num_posts: int, timings: Timings) -> None:
        """Note what was asked and what it took."""
        self._posts.labels(self._replica).inc(num_posts)
        for stage in ("queue", "tokenise", "infer"):
            self._stages.labels(self._replica, stage).inc(getattr(timings, stage))

    def note_in_flight(self, number: int) -> None:
        """Note how many requests are being answered."""
        self._in_flight.labels(self._replica).set(number)

    def text(self) -> bytes:
        """All of it in Prometheus's text format."""
        return generate_latest(self._registry)
