"""Traces with OpenTelemetry, where its packages are installed and its own environment variables ask for them."""

from __future__ import annotations

import importlib.util
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

__all__ = ["Span", "span", "start_tracing"]

_logger = logging.getLogger("acknet.trace")

_ASKED_FOR = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_TRACES_EXPORTER")
_EXPORTER = "opentelemetry.exporter.otlp.proto.http"

Span = Callable[[str, Any], None]
"""Sets an attribute of a span: its name and its value."""

_tracer: Any = None


def start_tracing(version: str) -> Callable[[], None]:
    """Begin to export spans over OTLP (HTTP) as the ``OTEL_*`` variables say; return what sends the last of them.

    Without these variables nothing is loaded or sent, nor where ``OTEL_SDK_DISABLED`` or ``OTEL_TRACES_EXPORTER=none``
    forbids it.
    """
    global _tracer  # noqa: PLW0603 (one process has one tracer, as OpenTelemetry itself has it)
    wanted = any(os.environ.get(name) for name in _ASKED_FOR)
    refused = (
        os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or os.environ.get("OTEL_TRACES_EXPORTER") == "none"
    )
    if refused or not wanted:
        return lambda: None
    if not _is_installed():
        _logger.warning("OTEL_* asks for traces, which need more packages: pip install 'acknet[otel]'; there are none")
        return lambda: None
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    name = os.environ.get("OTEL_SERVICE_NAME", "acknet")
    provider = TracerProvider(resource=Resource.create({"service.name": name, "service.version": version}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    _tracer = provider.get_tracer("acknet", version)
    return provider.shutdown


@contextmanager
def span(name: str, attributes: Mapping[str, str] | None = None, *, parent: str | None = None) -> Iterator[Span]:
    """Trace what is done in the block, and yield what sets attributes. ``parent`` is a W3C ``traceparent``.

    Spans say what was done and how long it took, and hold nothing that people wrote.
    """
    if _tracer is None:
        yield lambda _name, _value: None
        return
    from opentelemetry.trace import SpanKind, Status, StatusCode
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    context = TraceContextTextMapPropagator().extract({"traceparent": parent}) if parent else None
    kind = SpanKind.SERVER if parent is not None else SpanKind.INTERNAL
    with _tracer.start_as_current_span(
        name, context, kind, dict(attributes or {}), record_exception=False, set_status_on_exception=False
    ) as begun:
        try:
            yield begun.set_attribute
        except BaseException as error:
            # The message may quote what somebody asked.
            begun.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise


def _is_installed() -> bool:
    try:
        return importlib.util.find_spec(f"{_EXPORTER}.trace_exporter") is not None and (
            importlib.util.find_spec("opentelemetry.sdk.trace") is not None
        )
    except ModuleNotFoundError:
        return False
