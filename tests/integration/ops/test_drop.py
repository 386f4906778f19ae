import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import psycopg
import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from ops import databases, wiring
from ops.cutover import reverse
from ops.replay import tables
from ops.replay.shadow import Shadow
from schemas.names import shadow_group
from tests.integration.ops.conftest import Ended, register
from tests.shop import Shop

Command = Callable[..., Ended]
VIEW = "CREATE VIEW shop.unpaid AS SELECT id FROM {}.orders"
JOINS_S = 20.0
FORGOTTEN_S = 0.5
# What a swap leaves, as far as a drop can see it.
SWAPPED = """
ALTER SCHEMA blue RENAME TO blue_old;
ALTER TABLE blue_old.migration_mappings DETACH PARTITION blue_old.migration_mappings_orders;
DROP TABLE blue_old.migration_mappings;
DELETE FROM understudy.entities WHERE generation = 2;
UPDATE understudy.rebuilds SET swapped_at = now()"""


def test_drop_lists_and_removes_the_subjects_of_the_pipeline_and_no_others(
    shop: Shop, understudy: Command
) -> None:
    ours = {f"{shop.pipeline}.public.orders-{part}" for part in ("key", "value")}
    others = {f"{shop.pipeline}.public.others-value", f"{shop.pipeline}2.public.orders-value"}
    migration = wiring.read(shop.folder)
    with closing(wiring.registry(migration, wiring.endpoints(migration))) as registry:
        for subject in ours | others:
            registry.ensure(subject, {"type": "string"}, "BACKWARD")
        listed = understudy("drop", shop.folder, "--dry-run").out.splitlines()
        assert listed == [f"registry subject {subject}" for subject in sorted(ours)]
        assert understudy("drop", shop.folder, "--confirm", shop.pipeline).code == 0
        assert registry.subjects() & (ours | others) == others
    assert understudy("drop", shop.folder).err == "nothing was removed\n"


def test_drop_removes_the_way_back_which_would_hold_back_wal(
    shop: Shop, understudy: Command
) -> None:
    register(shop)
    migration = wiring.read(shop.folder)
    reverse.prepare(migration, wiring.endpoints(migration))
    kept = "SELECT FROM pg_replication_slots WHERE database = current_database()"
    assert shop.read(kept)
    assert "the way back" in understudy("drop", shop.folder, "--dry-run").out
    assert understudy("drop", shop.folder, "--confirm", shop.pipeline).code == 0
    assert not shop.read(kept)
    assert understudy("drop", shop.folder).err == "nothing was removed\n"


@pytest.mark.parametrize("swapped", [False, True])
def test_drop_removes_what_a_rebuild_has_left_and_no_table_of_others(
    shop: Shop, understudy: Command, *, swapped: bool
) -> None:
    register(shop)
    migration = wiring.read(shop.folder)
    at = wiring.endpoints(migration)
    shadow = Shadow(live=migration, at=at, schema="blue", entities=("orders",))
    with databases.target(at.target_dsn, "test") as target:
        tables.create(target, shadow, shadow.migration(target))
    joined(shadow_group(shop.pipeline), f"{shop.pipeline}.public.orders", at.bootstrap)
    shop.target("CREATE TABLE blue.notes (order_id uuid)")
    schema, what = "blue", "of a rebuild"
    if swapped:
        schema, what = "blue_old", "live until its swap"
        shop.target(SWAPPED)
    shop.target(VIEW.format(schema))
    listed = understudy("drop", shop.folder, "--dry-run").out.splitlines()
    assert f"table {schema}.orders, {what}" in listed
    assert f"consumer group {shop.pipeline}-shadow" in listed
    assert not [line for line in listed if "notes" in line]
    refused = understudy("drop", shop.folder, "--confirm", shop.pipeline)
    assert (refused.code, f"depends on tables in {schema}" in refused.err) == (9, True)
    shop.target("DROP VIEW shop.unpaid")
    assert understudy("drop", shop.folder, "--confirm", shop.pipeline).code == 0
    left = "SELECT tablename::text FROM pg_tables WHERE schemaname LIKE 'blue%'"
    assert shop.read(left) == [("notes",)]
    assert shop.read("SELECT count(*) FROM shop.orders") == [(0,)]
    assert understudy("drop", shop.folder).err == "nothing was removed\n"


def test_a_dry_run_lists_what_a_running_pipeline_has_and_says_who_is_in_the_way(
    shop: Shop, understudy: Command
) -> None:
    with member(shop), psycopg.connect(shop.target_dsn, application_name="understudy worker"):
        listed = understudy("drop", shop.folder, "--dry-run")
        refused = understudy("drop", shop.folder, "--confirm", shop.pipeline)
    assert (listed.code, f"topic {shop.pipeline}.public.orders" in listed.out) == (0, True)
    assert f"in the way: workers are running group={shop.pipeline}\n" in listed.err
    assert (refused.code, "workers are running" in refused.err) == (9, True)


def test_a_worker_that_kafka_has_not_forgotten_yet_is_waited_for(
    shop: Shop, understudy: Command
) -> None:
    with member(shop) as consumer:
        forgetting = threading.Timer(FORGOTTEN_S, consumer.close)
        forgetting.start()
        ended = understudy("drop", shop.folder, "--confirm", shop.pipeline)
        forgetting.join()
    assert ended.code == 0, ended.err


@contextmanager
def member(shop: Shop) -> Iterator[Consumer]:
    """A member of the group of the workers, as one is that died a moment ago: it has no session with the target."""
    at = wiring.endpoints(wiring.read(shop.folder))
    topic = f"{shop.pipeline}.public.orders"
    joined(shop.pipeline, topic, at.bootstrap)
    options = {"bootstrap.servers": at.bootstrap, "group.id": shop.pipeline}
    consumer = Consumer(options)
    consumer.subscribe([topic])
    deadline = time.monotonic() + JOINS_S
    while not consumer.assignment() and time.monotonic() < deadline:
        consumer.poll(0.1)
    try:
        yield consumer
    finally:
        consumer.close()


def joined(group: str, topic: str, bootstrap: str) -> None:
    """Make a group, as whoever commits an offset does."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    for made in admin.create_topics([NewTopic(topic, 1)]).values():
        made.result()
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group})
    consumer.commit(offsets=[TopicPartition(topic, 0, 0)], asynchronous=False)
    consumer.close()
