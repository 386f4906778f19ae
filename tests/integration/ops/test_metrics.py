"""The endpoints as Prometheus meets them."""

import time
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ops import wiring
from ops.metrics import definitions
from ops.metrics.exporter import exporting
from ops.metrics.processes import capture_metrics, worker_metrics
from ops.stack.state import Endpoints, free_port
from tests.integration.ops.conftest import Ended
from tests.integration.ops.parts import DEADLINE_S, running
from tests.shop import Shop

Command = Callable[..., Ended]
Scraped = dict[tuple[str, ...], float]


def scrape(url: str) -> Scraped:
    """Values by name and values of the labels, `pipeline` aside."""
    with urllib.request.urlopen(url, timeout=DEADLINE_S) as answer:  # noqa: S310 - our own
        text = answer.read().decode()
    return {
        (
            sample.name,
            *(v for name, v in sorted(sample.labels.items()) if name != "pipeline"),
        ): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def scrape_until(url: str, is_so: Callable[[Scraped], bool]) -> Scraped:
    deadline = time.monotonic() + DEADLINE_S
    while not is_so(seen := scrape(url)):
        assert time.monotonic() < deadline, seen
    return seen


def test_what_is_applied_is_told_by_exporter_capture_and_worker(
    shop: Shop, stack: Endpoints
) -> None:
    shop.source("""
        INSERT INTO customers VALUES (1, 'a', NULL, '2020-02-02 12:00');
        INSERT INTO orders SELECT n, 1, 0, n, NULL FROM generate_series(1, 100) n;
    """)
    first = free_port(avoid=())
    toml = shop.folder / "understudy.toml"
    toml.write_text(toml.read_text() + f"\nmetrics = {{ port = {first} }}\n")
    migration = wiring.read(shop.folder)
    at = replace(stack, source_dsn=shop.source_dsn, target_dsn=shop.target_dsn)
    capture, worker = wiring.capture(migration, at), wiring.worker(migration, at)
    with ExitStack() as stacked:
        url = stacked.enter_context(exporting(shop.folder, "127.0.0.1", free_port(avoid=(first,))))
        assert scrape(url)["understudy_entity_state", "orders", "new"] == 1
        stacked.enter_context(capture_metrics(migration, capture))
        stacked.enter_context(worker_metrics(migration, worker))
        stacked.enter_context(running(capture))
        stacked.enter_context(running(worker))
        seen = scrape_until(
            url, lambda s: s.get(("understudy_entity_state", "orders", "tail")) == 1
        )
        seen = scrape_until(
            url, lambda s: ("understudy_replication_lag_seconds", "orders", "total") in s
        )
        assert seen["understudy_applied_records_total", "orders"] == 100
        assert seen["understudy_snapshot_rows_copied", "orders"] == 100
        assert seen["understudy_health", "apply", "orders", "ok"] == 1
        assert seen["understudy_up", "kafka"] == seen["understudy_source_slot_active",] == 1
        of_capture = scrape(f"http://127.0.0.1:{first}/metrics")
        of_worker = scrape(f"http://127.0.0.1:{first + 1}/metrics")
    assert of_capture["understudy_capture_restarts_total",] == 0
    assert of_worker["understudy_worker_applied_records_total", "orders"] == 100
    assert of_worker["understudy_apply_duration_seconds_count",] >= 2
    told = {key[0] for scraped in (seen, of_capture, of_worker) for key in scraped}
    assert told <= set(definitions.series())


def test_a_server_that_is_down_is_told_and_the_rest_too(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNDERSTUDY_SOURCE__DSN", "postgresql://nobody@127.0.0.1:1/x")
    with exporting(shop.folder, "127.0.0.1", free_port(avoid=())) as url:
        seen = scrape(url)
    assert [seen["understudy_up", server] for server in ("source", "kafka", "target")] == [0, 1, 1]


def test_a_port_that_is_taken_is_one_line(shop: Shop, understudy: Command) -> None:
    port = free_port(avoid=())
    with exporting(shop.folder, "127.0.0.1", port):
        ended = understudy("metrics", shop.folder, "--port", port)
    assert ended.code == 9
    assert ended.err.startswith("error: ")
    assert "no port for metrics is free" in ended.err
    assert "--port" in ended.err
