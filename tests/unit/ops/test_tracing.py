import http.server
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from ops import tracing, wiring
from ops.tracing import following, is_wanted, traced
from schemas import spans
from tests.browser.hand_made import write_folder

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
ROW = "Grace Hopper"


@contextmanager
def collector() -> Iterator[tuple[str, list[ExportTraceServiceRequest]]]:
    """A server that takes traces as a collector does."""
    taken: list[ExportTraceServiceRequest] = []

    class Take(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            taken.append(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Take)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", taken
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, False),
        ({ENDPOINT: "http://collector:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/v1/traces"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({"OTEL_TRACES_EXPORTER": "none", ENDPOINT: "http://collector:4318"}, False),
        ({"OTEL_SDK_DISABLED": "true", ENDPOINT: "http://collector:4318"}, False),
        ({ENDPOINT: ""}, False),
    ],
)
def test_traces_are_sent_where_the_standard_variables_say_so(
    environment: dict[str, str], *, wanted: bool
) -> None:
    assert is_wanted(environment) is wanted


def test_without_them_nothing_of_opentelemetry_is_imported() -> None:
    program = (
        "import sys, ops.cli.running, ops.tracing, consumers.lane, producers.tail\n"
        "from schemas import spans\n"
        "with ops.tracing.traced(None, 'worker'), spans.span('read', rows=1) as mark:\n"
        "    assert mark is None\n"
        "assert not [name for name in sys.modules if name.startswith('opentelemetry')]"
    )
    environment = {"PATH": "/usr/bin:/bin"}
    subprocess.run([sys.executable, "-P", "-c", program], check=True, env=environment)


def test_an_error_is_told_by_its_class_alone() -> None:
    kept = InMemorySpanExporter()
    with following(kept, "shop", "worker"):
        with spans.span("decode", topic="shop.public.customers", rows=1) as first:
            pass
        with pytest.raises(ValueError, match=ROW), spans.span("apply", first, rows=1):
            raise ValueError(ROW)
    decode, apply = kept.get_finished_spans()
    assert decode.context is not None
    assert apply.parent == decode.context
    assert apply.status.description == "ValueError"
    assert ROW not in decode.to_json() + apply.to_json()


def test_a_collector_gets_the_spans_by_otlp(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    migration = wiring.read(write_folder(tmp_path))
    with collector() as (url, taken):
        monkeypatch.setenv(ENDPOINT, url)
        monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
        with traced(migration, "worker"), spans.span("apply", topic="t", rows=3):
            pass
    ((resource,),) = ([*one.resource_spans] for one in taken)
    named = {one.key: one.value.string_value for one in resource.resource.attributes}
    assert named["service.name"] == "understudy"
    assert named["understudy.pipeline"] == "clinic"
    assert named["understudy.part"] == "worker"
    assert named["deployment.environment.name"] == "test"
    (span,) = resource.scope_spans[0].spans
    assert span.name == "apply"
    assert {one.key for one in span.attributes} == {"understudy.topic", "understudy.rows"}


def test_a_collector_that_is_away_does_not_hold_up_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracing, "LAST_S", 0.2)
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:1")
    began = time.monotonic()
    with traced(wiring.read(write_folder(tmp_path)), "worker"), spans.span("apply"):
        pass
    assert time.monotonic() - began < 2.0
