"""What source, Kafka and target say, put together."""

from pathlib import Path

import pytest

from ops.watch import compose
from ops.watch.broker import Group, Progress
from ops.watch.compose import Answers
from ops.watch.status import EntityStatus, Status
from ops.watch.target import Checkpoint, Entity
from schemas import migration as folders
from schemas.errors import SourceError
from schemas.migration import Migration
from schemas.positions import Marker, SnapshotEnd
from tests import shop as files

ORDERS, CUSTOMERS = "shop.public.orders", "shop.public.customers"
NOW_MS = 10_000


@pytest.fixture
def migration(tmp_path: Path) -> Migration:
    (tmp_path / "entities").mkdir()
    (tmp_path / "entities" / "customers.toml").write_text(files.CUSTOMERS)
    (tmp_path / "entities" / "orders.toml").write_text(files.ORDERS)
    (tmp_path / "understudy.toml").write_text(
        'pipeline = "shop"\nnamespace = "6f1c1a52-6d0e-5d0b-9a53-0f2f5c1e7a10"\n'
    )
    return folders.load(tmp_path, {})


def entity(name: str, phase: str, *checkpoints: Checkpoint) -> Entity:
    return Entity(
        entity=name,
        target=f"shop.{name}",
        phase=phase,
        is_paused=False,
        stopped_reason=None,
        waiting={},
        dead_letters={},
        checkpoints=checkpoints,
    )


def composed(
    migration: Migration,
    *entities: Entity,
    captured: tuple[str, ...] = ("public.orders", "public.customers"),
    heartbeat_ms: int = 9_000,
) -> tuple[Status, dict[str, EntityStatus]]:
    progress = Progress(
        heartbeat=Marker(id="heartbeat", epoch=1, lsn=1, source_ms=heartbeat_ms, ends={})
    )
    for table in captured:
        progress.take(SnapshotEnd(table=table, topic="", epoch=1, lsn=1, rows=9, ends={}))
    said = Answers(
        now_ms=NOW_MS,
        source=None,
        entities=entities,
        progress=progress,
        group=Group(members=1, clients=frozenset(), owned=frozenset({(ORDERS, 0), (CUSTOMERS, 0)})),
        ends={(ORDERS, 0): 20, (CUSTOMERS, 0): 5},
        estimates={"orders": 100, "customers": 5},
        verified={},
        rows=None,
    )
    status = compose.status(migration, said, [SourceError("refused")])
    return status, {one.name: one for one in status.entities}


def at(topic: str, next_offset: int, watermark_ms: int) -> Checkpoint:
    return Checkpoint(topic, 0, next_offset, watermark_ms, watermark_ms, 0)


def test_in_the_snapshot_there_are_records_left_and_no_lag_in_seconds(migration: Migration) -> None:
    status, found = composed(
        migration,
        entity("customers", "backfill", at(CUSTOMERS, 3, 8_000)),
        entity("orders", "backfill", at(ORDERS, 0, 0)),
        captured=("public.customers",),
    )
    assert (found["customers"].lag_ms, found["customers"].apply_lag_ms) == (None, 1_000)
    assert (found["customers"].remaining_records, found["orders"].remaining_records) == (2, 100)
    assert status.lag_ms is None
    assert found["orders"].waits_for == ("customers",)
    assert found["customers"].waits_for == ()


def test_parents_that_are_in_the_tail_are_not_waited_for(migration: Migration) -> None:
    _, found = composed(
        migration,
        entity("customers", "tail", at(CUSTOMERS, 5, 9_000)),
        entity("orders", "backfill", at(ORDERS, 0, 0)),
    )
    assert found["orders"].waits_for == ()


def test_after_the_switch_there_is_no_lag(migration: Migration) -> None:
    status, found = composed(
        migration,
        entity("customers", "switched", at(CUSTOMERS, 5, 2_000)),
        entity("orders", "tail", at(ORDERS, 20, 9_000)),
    )
    assert (found["customers"].lag_ms, status.lag_ms) == (None, 1_000)


def test_a_marker_that_was_applied_after_kafka_was_asked_counts_for_the_capture(
    migration: Migration,
) -> None:
    status, found = composed(migration, entity("orders", "tail", at(ORDERS, 20, 9_800)))
    assert (status.capture_lag_ms, found["orders"].apply_lag_ms, found["orders"].lag_ms) == (
        200,
        0,
        200,
    )


def test_an_entity_that_no_worker_has_seen_has_all_of_its_topic_before_it(
    migration: Migration,
) -> None:
    status, found = composed(migration)
    assert (found["orders"].state, found["orders"].lag_records) == ("new", 20)
    assert status.unanswered == frozenset({"source"})
    assert status.exit_code == SourceError.exit_code
