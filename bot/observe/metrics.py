"""Figures of what acknet does, for Prometheus to scrape."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from bot.answer import Answer
from bot.diagnosis.models import Diagnosis

__all__ = ["CONTENT_TYPE", "Metrics"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
_TENTHS = tuple(tenth / 10 for tenth in range(1, 10))


class Metrics:
    """The figures of one process, in a registry of their own, so that a process may hold several."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        self.asks = Counter("acknet_asks", "Questions answered.", ["surface", "outcome"], registry=registry)
        self.ask_seconds = Histogram(
            "acknet_ask_seconds",
            "Seconds from a question to its answer, looks included.",
            ["surface"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.confidence = Histogram(
            "acknet_confidence", "Confidence in the best entry.", buckets=_TENTHS, registry=registry
        )
        self.failures = Counter(
            "acknet_ask_failures", "Questions that got no answer.", ["surface", "reason"], registry=registry
        )
        self.verdicts = Counter(
            "acknet_verdicts", "Verdicts on entries after a look.", ["source", "verdict"], registry=registry
        )
        self.look_seconds = Histogram(
            "acknet_look_seconds", "Seconds a look took.", ["source"], buckets=_SECONDS, registry=registry
        )
        self.kubernetes_requests = Counter(
            "acknet_kubernetes_requests", "Requests to the Kubernetes API.", registry=registry
        )
        self.kubernetes_bytes = Counter(
            "acknet_kubernetes_read_bytes", "Bytes read from the Kubernetes API.", registry=registry
        )
        self.ratings = Counter("acknet_ratings", "Ratings of answers.", ["helpful"], registry=registry)
        self.alerts = Counter("acknet_alerts", "Alerts taken.", ["source"], registry=registry)
        self.notices = Counter(
            "acknet_notices", "What was said about incidents, or could not be.", ["place", "outcome"], registry=registry
        )
        self.store_failures = Counter(
            "acknet_store_failures", "What could not be recorded.", ["reason"], registry=registry
        )
        self.queue_depth = Gauge(
            "acknet_queue_depth", "Items of a queue in the store.", ["queue", "state"], registry=registry
        )
        self.slack_tasks = Counter(
            "acknet_slack_tasks",
            "What was asked in Slack, by its state.",
            ["kind", "state"],
            registry=registry,
        )
        self.slack_calls_failed = Counter(
            "acknet_slack_calls_failed", "Messages that Slack did not take, by why.", ["reason"], registry=registry
        )
        self.slack_connected = Gauge(
            "acknet_slack_connected", "Whether Socket Mode is connected (1) or not (0).", registry=registry
        )

    def answered(self, surface: str, answer: Answer, seconds: float) -> None:
        """Count an answer that took ``seconds``."""
        self.asks.labels(surface, answer.outcome).inc()
        self.ask_seconds.labels(surface).observe(seconds)
        if answer.candidates:
            self.confidence.observe(answer.candidates[0].confidence)

    def looked(self, diagnosis: Diagnosis) -> None:
        """Count a look and what it cost."""
        source = diagnosis.cluster.source.split(" ", 1)[0]
        for verdict in diagnosis.verdicts.values():
            self.verdicts.labels(source, verdict).inc()
        self.look_seconds.labels(source).observe(diagnosis.elapsed_ms / 1000)
        self.kubernetes_requests.inc(diagnosis.requests)
        self.kubernetes_bytes.inc(diagnosis.bytes)

    def text(self) -> bytes:
        """Return all figures as Prometheus reads them."""
        return generate_latest(self.registry)
