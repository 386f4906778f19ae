"""Serves samples over HTTP in Prometheus' text format, through prometheus_client."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.core import (
    Metric as Family,
)
from prometheus_client.registry import Collector

from consumers.durations import Durations
from ops.metrics.definitions import DURATION, Metric, Sample
from schemas.errors import ConflictError

FAMILIES = {"gauge": GaugeMetricFamily, "counter": CounterMetricFamily}


class Samples(Collector):
    """Asks for samples with each scrape; one scrape at a time."""

    def __init__(
        self,
        pipeline: str,
        metrics: Sequence[Metric],
        ask: Callable[[], Iterable[Sample]],
        durations: Callable[[], Durations] | None = None,
    ) -> None:
        """Tell of these metrics.

        Args:
            pipeline: A label of all.
            metrics: Those that are told, samples or not.
            ask: For the samples of now.
            durations: For the only histogram, if it is among the metrics.
        """
        self._pipeline = pipeline
        self._metrics = metrics
        self._ask = ask
        self._durations = durations
        self._lock = threading.Lock()

    def describe(self) -> Iterable[Family]:
        """Nothing, so that registering asks for no samples."""
        return ()

    def collect(self) -> Iterator[Family]:
        """The metrics of now."""
        families = {
            metric.name: FAMILIES[metric.kind](
                metric.full_name, metric.help, labels=("pipeline", *metric.labels)
            )
            for metric in self._metrics
            if metric.kind in FAMILIES
        }
        with self._lock:
            for sample in self._ask():
                labels = (self._pipeline, *sample.labels)
                families[sample.metric.name].add_metric(labels, float(sample.value))
        yield from families.values()
        if self._durations is not None:
            yield self._histogram(self._durations())

    def _histogram(self, durations: Durations) -> Family:
        family = HistogramMetricFamily(DURATION.full_name, DURATION.help, labels=("pipeline",))
        family.add_metric((self._pipeline,), durations.cumulative(), durations.sum_s)
        return family


@contextmanager
def serving(samples: Samples, address: str, ports: Sequence[int]) -> Iterator[int]:
    """Serve at the first of some ports that is free, and tell which.

    Raises:
        ConflictError: None is.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(samples)
    for port in ports:
        try:
            server, thread = start_http_server(port, address, registry)
        except OSError:
            continue
        try:
            yield port
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
        return
    raise ConflictError(
        "no port for metrics is free",
        address=address,
        port=ports[0],
        remedy="Name another: --port, or port in [metrics] of understudy.toml.",
    )
