"""The estimate before the start, on real servers."""

from collections.abc import Callable

import pytest

from ops.capacity import estimate
from tests.integration.ops.conftest import Ended
from tests.shop import Shop

Command = Callable[..., Ended]


def test_it_counts_samples_and_watches_the_source_and_writes_nothing(
    shop: Shop, understudy: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(estimate, "WAL_S", 0.0)
    shop.source("""
        INSERT INTO customers SELECT n, 'Ada ' || n, NULL, '2020-02-02 12:00' FROM generate_series(1, 3000) n;
        ANALYZE customers, orders""")
    asked = understudy("plan", shop.folder, "--capacity", "--output", "json")
    assert asked.code == 0, asked.err
    found = asked.document
    customers, orders = sorted(found["entities"], key=lambda one: one["entity"])
    assert (customers["rows"], orders["rows"], orders["kafka_bytes"]) == (3000, 0, 0)
    assert 3000 * 20 < customers["kafka_bytes"] < 3000 * 150
    assert 3000 * 80 < customers["target_bytes"] < 3000 * 250
    assert 3000 * 150 < customers["mapping_bytes"] < 3000 * 500
    assert found["disk_bytes"] == customers["target_bytes"] + customers["mapping_bytes"]
    assert 0 < found["snapshot_hours_min"] < found["snapshot_hours_max"]
    assert found["wal_bytes_per_hour"] >= 0
    shown = understudy("plan", shop.folder, "--capacity")
    assert (shown.code, "Kafka after the snapshot" in shown.out) == (0, True)
    assert shop.read("SELECT to_regnamespace('understudy')") == [(None,)]
