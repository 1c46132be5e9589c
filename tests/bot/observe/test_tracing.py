"""Traces go where OpenTelemetry's variables say, hold nothing that was asked, and are not missed."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.bot.web.test_serve_command import serving, without_store

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@contextmanager
def collector() -> Iterator[tuple[str, list[Span], list[bytes]]]:
    """Take traces over OTLP; yields the endpoint, the spans that came, and what they came in."""
    spans: list[Span] = []
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            bodies.append(body)
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                spans.extend(span for scope in resource.scope_spans for span in scope.spans)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", spans, bodies
        finally:
            server.shutdown()
            thread.join(30)


def ask_once(home: Path, **environment: str) -> str:
    """Ask a server and stop it; returns its log."""
    with serving(home, "--port", "0", **environment) as (process, line):
        url = line.split()[-1]
        with httpx.Client(base_url=url, trust_env=False, timeout=60) as http:
            end = time.monotonic() + 60
            while http.get("/readyz").status_code != 200:
                assert time.monotonic() < end
                time.sleep(0.02)
            asked = {"question": "flannel-hairpin, please?"}
            assert http.post("/v1/ask", json=asked, headers={"traceparent": PARENT}).status_code == 200
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    return without_store(errors)


def test_a_question_is_a_trace_that_goes_on_from_whoever_asked(tmp_path: Path) -> None:
    with collector() as (endpoint, spans, bodies):
        errors = ask_once(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint)

    assert errors == ""
    trace, parent = (bytes.fromhex(part) for part in PARENT.split("-")[1:3])
    mine = {span.name: span for span in spans if span.trace_id == trace}
    assert set(mine) == {"HTTP POST", "ask"}
    assert mine["HTTP POST"].parent_span_id == parent
    assert mine["ask"].parent_span_id == mine["HTTP POST"].span_id
    attributes = {one.key: one.value.string_value for one in mine["ask"].attributes}
    assert attributes == {"acknet.surface": "http", "acknet.outcome": "answer", "acknet.entry": "flannel-hairpin"}
    assert not any(b"please" in body for body in bodies)


def test_nothing_is_sent_where_it_is_switched_off(tmp_path: Path) -> None:
    with collector() as (endpoint, spans, _):
        errors = ask_once(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, OTEL_SDK_DISABLED="true")

    assert (errors, spans) == ("", [])
