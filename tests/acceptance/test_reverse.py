"""The way there and back: forward, switched, written on the target, taken back, and forward again."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from ops import wiring
from ops.cutover import reverse
from ops.stack.state import Endpoints
from tests import shop
from tests.fix_pipeline import Pipeline, one, pipeline_of

LOCK = "SELECT FROM understudy.entities ORDER BY entity FOR UPDATE"
SWITCH = "UPDATE understudy.entities SET phase = 'switched' RETURNING pg_current_wal_insert_lsn() - '0/0'::pg_lsn"
# Each side as the other would say it: names, what they owe, and their states.
LEGACY = """
    SELECT c.name, c.born::text, o.cents, o.status FROM customers c LEFT JOIN orders o ON o.customer_id = c.id
    WHERE o.cents IS NULL OR o.cents >= 0 ORDER BY 1, 3"""
TARGET = """
    SELECT c.name, c.born::text, (o.total * 100)::integer, CASE o.status WHEN 'open' THEN 0 WHEN 'paid' THEN 1 END
    FROM shop.customers c LEFT JOIN shop.orders o ON o.customer_id = c.id ORDER BY 1, 3"""

# What the applications of the target do, a transaction each; the question mark is a word.
WRITES = (
    "UPDATE shop.customers SET name = name || '?' WHERE name < 'c15'",
    """
    WITH born AS (
        INSERT INTO shop.customers VALUES (gen_random_uuid(), 'new ?', '2000-01-01', '2024-07-01 10:00+00', 'AT')
        RETURNING id)
    INSERT INTO shop.orders SELECT gen_random_uuid(), id, 'paid', 12.34, NULL FROM born""",
    "DELETE FROM shop.orders WHERE customer_id IN (SELECT id FROM shop.customers WHERE name LIKE 'c10%')",
    "DELETE FROM shop.customers WHERE name LIKE 'c10%'",
    "UPDATE shop.orders SET status = 'paid', total = total + 1 WHERE status = 'open'",
)
BIRTH = "INSERT INTO shop.customers VALUES ('0b6c7c1a-5c0f-4b8e-9a53-0f2f5c1e7a10', 'born', NULL, now(), 'AT')"
REBORN = "SELECT name FROM shop.customers WHERE id = '0b6c7c1a-5c0f-4b8e-9a53-0f2f5c1e7a10'"


@pytest.fixture
def pipeline(tmp_path: Path, prefix: str, endpoints: Endpoints) -> Iterator[Pipeline]:
    """The shop with keys from sequences and a way back; nothing runs yet."""
    folder = tmp_path / "shop"
    folder.mkdir()
    opened = shop.open_shop(folder, prefix, endpoints)
    opened.edit("entities/orders.toml", '/ 100"', '/ 100", inverse = "(total * 100)::integer"')
    opened.source("""
        CREATE SEQUENCE numbers START 100;
        ALTER TABLE customers ALTER id SET DEFAULT nextval('numbers');
        ALTER TABLE orders ALTER id SET DEFAULT nextval('numbers');
        INSERT INTO customers SELECT n, 'c' || n, NULL, '2024-01-01' FROM generate_series(1, 20) n;
        INSERT INTO orders SELECT n, n, n % 2, n * 100 - 100 * (n % 7) FROM generate_series(1, 20) n;
    """)
    for made in pipeline_of(folder, prefix, endpoints):
        yield made
        reverse.drop(wiring.read(folder), endpoints)


def rows(dsn: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(query.encode()).fetchall()


def run(dsn: str, *statements: str) -> None:
    """Each statement is a transaction."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def switch(pipeline: Pipeline) -> None:
    """What the cutover does between fence and switch."""
    migration = wiring.read(pipeline.folder)
    reverse.prepare(migration, pipeline.at)
    with psycopg.connect(pipeline.at.target_dsn) as target:
        target.execute(LOCK)
        lsn = int(str(target.execute(SWITCH).fetchall()[0][0]))
    reverse.begin_at_switch(migration, pipeline.at, lsn)


def roll_back(pipeline: Pipeline) -> None:
    """What a rollback does once the target is drained."""
    reverse.end_at_rollback(wiring.read(pipeline.folder), pipeline.at)
    run(pipeline.at.target_dsn, "UPDATE understudy.entities SET phase = 'tail'")


def await_way_back(pipeline: Pipeline) -> None:
    """Wait until everything that the target has committed is applied."""
    migration = wiring.read(pipeline.folder)
    lsn = int(
        str(one(pipeline.at.target_dsn, "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn"))
    )
    pipeline.wait_for("the way back", lambda: reverse.has_applied(migration, pipeline.at, lsn))


def write(dsn: str, word: str) -> None:
    """What the applications of the target do."""
    run(dsn, *(statement.replace("?", word) for statement in WRITES))


def test_reverse_is_refused_until_the_entities_are_switched(pipeline: Pipeline) -> None:
    part = pipeline.start("reverse")
    assert part.process.wait(30) == 7
    assert "understudy cutover begin" in part.log.read_text()
    pipeline.parts.remove(part)


@pytest.mark.long
@pytest.mark.parametrize("point", ["back.before_commit", "back.after_commit"])
def test_there_and_back_and_forward_again_with_a_kill_around_the_commit(
    pipeline: Pipeline, point: str
) -> None:
    at = pipeline.at
    pipeline.start("run")
    pipeline.wait_for("the tail", pipeline.in_tail)
    pipeline.drain()
    assert rows(at.target_dsn, TARGET) == rows(at.source_dsn, LEGACY)
    switch(pipeline)
    write(at.target_dsn, "x")
    run(at.target_dsn, BIRTH)
    pipeline.await_kill(pipeline.start("reverse", failpoint_=f"{point}:kill@1"))
    back = pipeline.start("reverse")
    await_way_back(pipeline)
    write(at.target_dsn, "y")
    await_way_back(pipeline)
    assert rows(at.source_dsn, LEGACY) == rows(at.target_dsn, TARGET)
    pipeline.stop(back)
    roll_back(pipeline)
    run(at.source_dsn, "UPDATE customers SET name = 'reborn' WHERE name = 'borny'")
    run(at.source_dsn, "UPDATE orders SET cents = cents + 1 WHERE status = 1")
    pipeline.drain()
    assert rows(at.target_dsn, TARGET) == rows(at.source_dsn, LEGACY)
    assert rows(at.target_dsn, REBORN) == [("reborn",)]
    assert one(at.target_dsn, "SELECT count(*) FROM understudy.waiting") == 0
