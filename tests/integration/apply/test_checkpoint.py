"""The locks at the beginning of a transaction, and the checkpoint at its end."""

from importlib.resources import files

import psycopg
import pytest

from consumers import checkpoint, control
from consumers.checkpoint import Stretch
from schemas.errors import NotReadyError, OwnershipLostError
from schemas.event_id import EventId
from tests.integration.apply.migrated import Connection, Migrated, connect

TOPIC = "test.legacy.orders"
FIRST = Stretch(topic=TOPIC, partition=0, first=0, next=10)


@pytest.fixture
def orders(migrated: Migrated) -> Migrated:
    migrated.table("orders", "id int PRIMARY KEY", "id uuid PRIMARY KEY")
    migrated.migrate({"orders": {"columns": {"id": {"uuid": True}}}})
    return migrated


def advance(connection: Connection, *stretches: Stretch) -> None:
    with connection.transaction(), connection.cursor() as cursor:
        checkpoint.lock(cursor, ["orders"], stretches)
        checkpoint.advance(cursor, ["orders"], stretches)


def offsets(migrated: Migrated) -> list[int]:
    query = "SELECT next_offset FROM understudy.checkpoints ORDER BY partition"
    return [offset for (offset,) in migrated.rows(query)]


def test_a_checkpoint_moves_with_the_transaction(orders: Migrated) -> None:
    advance(orders.connection, FIRST)
    assert offsets(orders) == [10, 0]


def test_a_stretch_that_does_not_begin_at_the_checkpoint_is_refused(orders: Migrated) -> None:
    advance(orders.connection, FIRST)
    for first in (0, 9, 11):
        with pytest.raises(OwnershipLostError) as caught:
            advance(orders.connection, Stretch(topic=TOPIC, partition=0, first=first, next=20))
        assert caught.value.context["checkpoint"] == 10
    assert offsets(orders) == [10, 0]


def test_a_partition_that_nobody_registered_is_refused(orders: Migrated) -> None:
    with pytest.raises(OwnershipLostError):
        advance(orders.connection, Stretch(topic=TOPIC, partition=7, first=0, next=10))


def test_one_stretch_that_is_refused_refuses_all(orders: Migrated) -> None:
    with pytest.raises(OwnershipLostError):
        advance(orders.connection, FIRST, Stretch(topic=TOPIC, partition=1, first=5, next=10))
    assert offsets(orders) == [0, 0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("held_at = now()", "the entity is paused"),
        ("stopped_reason = 'no right'", "the entity is stopped: no right"),
        ("phase = 'switched'", "the entity is switched to the target"),
    ],
)
def test_an_entity_that_is_held_stopped_or_switched_is_not_written(
    orders: Migrated, change: str, message: str
) -> None:
    hold = f"UPDATE understudy.entities SET {change}"  # noqa: S608 - one of the above
    orders.connection.execute(hold.encode())
    with pytest.raises(NotReadyError, match=message):
        advance(orders.connection, FIRST)


def test_the_ground_is_the_truncation_and_the_lowest_watermark(orders: Migrated) -> None:
    orders.connection.execute(
        "UPDATE understudy.entities SET truncated_epoch = 1, truncated_lsn = 5"
    )
    orders.connection.execute("UPDATE understudy.checkpoints SET watermark = 10 + partition")
    with orders.connection.transaction(), orders.connection.cursor() as cursor:
        ground = checkpoint.lock(cursor, ["orders"], None)["orders"]
    assert (ground.truncated, dict(ground.watermarks)) == (EventId(1, 5, 0), {"orders": 10})


def test_a_second_writer_of_a_partition_waits_and_one_of_another_does_not(
    orders: Migrated,
) -> None:
    second = Stretch(topic=TOPIC, partition=1, first=0, next=10)
    with connect(orders.connection.info.dsn) as other:
        other.execute("SET lock_timeout = '100ms'")
        with orders.connection.transaction(), orders.connection.cursor() as cursor:
            checkpoint.lock(cursor, ["orders"], [FIRST])
            advance(other, second)
            with pytest.raises(psycopg.errors.LockNotAvailable):
                advance(other, FIRST)
    assert offsets(orders) == [0, 10]


def test_who_holds_an_entity_waits_for_the_batch_under_way(orders: Migrated) -> None:
    with connect(orders.connection.info.dsn) as other:
        other.execute("SET lock_timeout = '100ms'")
        with orders.connection.transaction(), orders.connection.cursor() as cursor:
            checkpoint.lock(cursor, ["orders"], [FIRST])
            with pytest.raises(psycopg.errors.LockNotAvailable):
                other.execute("UPDATE understudy.entities SET held_at = now()")


def test_migrating_and_registering_again_changes_nothing(orders: Migrated) -> None:
    advance(orders.connection, FIRST)
    orders.migrate({})
    control.register_partitions(orders.connection, ["orders"], TOPIC, "", 2)
    assert offsets(orders) == [10, 0]
    scripts = len(list(files("schemas").joinpath("control").iterdir()))
    versions = orders.rows("SELECT version FROM understudy.schema_version ORDER BY version")
    assert versions == [(number,) for number in range(1, scripts + 1)]
