"""Traces for OpenTelemetry: the stages of each batch as spans, sent where the standard OTEL_* variables say.

Without them nothing of it is imported. It is an extra: `understudy[otel]`, or `ops/requirements/otel.txt`.
"""

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING

import structlog

from schemas import spans
from schemas.migration import Migration

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
# The spans of the last seconds are not worth a longer stop.
LAST_S = 2.0

log = structlog.get_logger(__name__)


def is_wanted(environment: Mapping[str, str]) -> bool:
    """Whether somebody has said where traces go.

    Source: OpenTelemetry specification, "Environment Variable Specification".
    """
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    exporters = environment.get("OTEL_TRACES_EXPORTER", "")
    if exporters:
        return "otlp" in exporters.split(",")
    return any(environment.get(name) for name in ENDPOINTS)


@contextmanager
def traced(migration: Migration, part: str) -> Iterator[None]:
    """Send the spans of this process while the block runs, if somebody wants them.

    Args:
        migration: What runs.
        part: capture or worker.
    """
    if not is_wanted(os.environ):
        yield
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415 - an extra
            OTLPSpanExporter,
        )
    except ModuleNotFoundError:
        # Such variables may be there for all programs of a machine: no reason not to move rows.
        log.warning("OTEL_* asks for traces: install the extra otel", part=part)
        yield
        return
    with following(OTLPSpanExporter(), migration.pipeline.pipeline, part):
        yield


@contextmanager
def following(exporter: "SpanExporter", pipeline: str, part: str) -> Iterator[None]:
    """Have spans told to an exporter, in batches and by a thread of its own, while the block runs."""
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource  # noqa: PLC0415 - an extra
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    from ops.spans import Spans  # noqa: PLC0415

    ours = {
        "service.name": "understudy",
        "service.version": version("understudy"),
        "understudy.pipeline": pipeline,
        "understudy.part": part,
    }
    resource = Resource.create({**ours, **OTELResourceDetector().detect().attributes})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    spans.follow(Spans(provider.get_tracer("understudy")))
    try:
        yield
    finally:
        spans.follow(None)
        last = threading.Thread(target=provider.shutdown, daemon=True)
        last.start()
        last.join(LAST_S)
