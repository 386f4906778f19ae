"""Random transactions of several sessions of the target arrive, whatever the batches are and however often it stops."""

import random
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from consumers.reverse import backlog
from tests.integration.reverse.conftest import Opened
from tests.integration.reverse.test_rows import migrated
from tests.integration.reverse.way import Way

SESSIONS = 3
TRANSACTIONS = 60
STATEMENTS_MAX = 6
STOPS = 3
# PostgreSQL's own chance, from the seed of the session.
STATEMENTS = (
    "INSERT INTO shop.customers SELECT gen_random_uuid(), left(random()::text, 20) FROM generate_series(1, 3)",
    (
        "INSERT INTO shop.orders SELECT gen_random_uuid(), id, 'paid', floor(random() * 9), NULL"
        " FROM (SELECT id FROM shop.customers ORDER BY random() LIMIT 3) s"
    ),
    (
        "UPDATE shop.customers SET name = left(random()::text, 20) WHERE id IN"
        " (SELECT id FROM shop.customers ORDER BY random() LIMIT 2)"
    ),
    (
        "UPDATE shop.customers SET tag = floor(random() * 5)::text WHERE id IN"
        " (SELECT id FROM shop.customers ORDER BY random() LIMIT 1)"
    ),
    "UPDATE shop.customers SET tag = NULL WHERE tag IS NOT NULL",
    (
        "UPDATE shop.orders SET total = total + 1 WHERE customer_id IN"
        " (SELECT id FROM shop.customers ORDER BY random() LIMIT 3)"
    ),
    "DELETE FROM shop.orders WHERE customer_id IN (SELECT id FROM shop.customers ORDER BY random() LIMIT 1)",
    "DELETE FROM shop.customers WHERE id IN (SELECT id FROM shop.customers ORDER BY random() LIMIT 1)",
)
LEGACY = """
    SELECT c.name, c.tag, (SELECT array_agg(o.cents ORDER BY o.cents) FROM orders o WHERE o.customer = c.id)
    FROM customers c ORDER BY 1, 2, 3"""
TARGET = """
    SELECT c.name, c.tag, (SELECT array_agg((o.total * 100)::integer ORDER BY o.total) FROM shop.orders o
        WHERE o.customer_id = c.id)
    FROM shop.customers c ORDER BY 1, 2, 3"""


def write(way: Way, seed: int) -> int:
    """Write as a session of an application; what the target refuses, it has not accepted.

    Returns:
        How many transactions it accepted.
    """
    chosen, accepted = random.Random(seed), 0  # noqa: S311 - a test repeats itself
    with psycopg.connect(way.at.target_dsn, autocommit=True) as target:
        target.execute("SELECT setseed(%s)", [1 / (1 + seed)])
        for _ in range(TRANSACTIONS):
            count = chosen.randint(1, STATEMENTS_MAX)
            try:
                with target.transaction():
                    for statement in chosen.choices(STATEMENTS, k=count):
                        target.execute(statement.encode())
                accepted += 1
            except (psycopg.errors.IntegrityError, psycopg.errors.DeadlockDetected):
                pass
    return accepted


@pytest.mark.long
@pytest.mark.parametrize("rows_max", [1, 20, 20_000])
def test_random_transactions_arrive(
    opened: Opened, monkeypatch: pytest.MonkeyPatch, rows_max: int
) -> None:
    monkeypatch.setattr(backlog, "ROWS_MAX", rows_max)
    way = migrated(opened)
    with ThreadPoolExecutor() as pool:
        writing = [pool.submit(write, way, seed) for seed in range(SESSIONS)]
        for _ in range(STOPS):
            with way.running():
                way.applied()
    assert sum(written.result() for written in writing) > TRANSACTIONS
    with way.running():
        way.applied()
    assert way.source(LEGACY) == way.target(TARGET)
