"""What only a capture or a worker knows of itself, served by the process where [metrics] gives it a port."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import structlog

from ops.metrics import definitions as m
from ops.metrics.definitions import Metric, Sample
from schemas.migration import Migration

if TYPE_CHECKING:
    from consumers.durations import Durations
    from consumers.worker import Worker
    from producers.capture import Capture

# A capture and its workers on one machine share the ports from the one that is configured on.
PORTS = 20

log = structlog.get_logger(__name__)


def of_capture(capture: "Capture") -> Iterator[Sample]:
    """The samples of a capture."""
    progress = capture.progress()
    yield Sample(m.CHANGES, (), progress.changes)
    yield Sample(m.CAPTURE_RESTARTS, (), progress.restarts)
    yield Sample(m.THROTTLED, (), progress.throttled)


def of_worker(worker: "Worker") -> Iterator[Sample]:
    """The samples of a worker, but for its histogram."""
    for entity in worker.progress().entities:
        yield Sample(m.WORKER_APPLIED, (entity.entity,), entity.applied_rows)
        yield Sample(m.BUFFERED, (entity.entity,), entity.buffered_rows)


@contextmanager
def capture_metrics(migration: Migration, capture: "Capture") -> Iterator[None]:
    """Serve a capture's own metrics, if it is to."""
    with _serving(migration, m.OF_CAPTURE, lambda: of_capture(capture)):
        yield


@contextmanager
def worker_metrics(migration: Migration, worker: "Worker") -> Iterator[None]:
    """Serve a worker's own metrics, if it is to."""
    with _serving(migration, m.OF_WORKER, lambda: of_worker(worker), worker.durations):
        yield


@contextmanager
def _serving(
    migration: Migration,
    metrics: Sequence[Metric],
    ask: Callable[[], Iterable[Sample]],
    durations: Callable[[], "Durations"] | None = None,
) -> Iterator[None]:
    settings = migration.pipeline.metrics
    if settings.port is None:
        yield
        return
    from ops.metrics.endpoint import Samples, serving  # noqa: PLC0415 - most processes serve nothing

    samples = Samples(migration.pipeline.pipeline, metrics, ask, durations)
    with serving(samples, settings.address, range(settings.port, settings.port + PORTS)) as port:
        log.info("metrics", url=f"http://{settings.address}:{port}/metrics")
        yield
