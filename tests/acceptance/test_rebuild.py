"""Rebuilding entities from their topics beside the live tables, and the swap, as commands on a pipeline that runs."""

import signal
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.acceptance.commands import command, wait_for
from tests.beside import repeating
from tests.shop import Shop

NAMESPACE = uuid.UUID("6f1c1a52-6d0e-5d0b-9a53-0f2f5c1e7a10")
AROUND = """
CREATE TABLE shop.notes (id int PRIMARY KEY, order_id uuid CONSTRAINT of_order REFERENCES shop.orders);
INSERT INTO shop.notes SELECT 1, id FROM shop.orders WHERE total = 5;
CREATE VIEW shop.paid AS SELECT id, total FROM shop.orders WHERE status = 'paid';
CREATE INDEX by_total ON shop.orders (total);
ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY;
CREATE POLICY paid_ones ON shop.orders FOR SELECT TO PUBLIC USING (status = 'paid');
GRANT SELECT ON shop.orders TO PUBLIC"""
# Of the test's own: what the rules make of the legacy rows that fit, before the change and after it.
EXPECTED = """
SELECT id, cents::numeric / %s, CASE status WHEN 0 THEN 'open' ELSE 'paid' END
FROM orders WHERE status IN (0, 1) AND customer_id IN (1, 2) AND cents >= 0"""
ROWS = "SELECT id, total, status::text FROM {}.orders"
TOTAL = "SELECT total FROM {}.orders WHERE id = '{}'"
OID = "SELECT '{}.orders'::regclass::oid"
AS_LIVE = {
    "foreign key": "SELECT confrelid = 'shop.orders'::regclass AND convalidated FROM pg_constraint "
    "WHERE conname = 'of_order'",
    "reference": "SELECT confrelid = 'shop.customers'::regclass AND convalidated FROM pg_constraint "
    "WHERE conrelid = 'shop.orders'::regclass AND contype = 'f'",
    "indexes": "SELECT array_agg(indexname::text ORDER BY indexname) = '{by_total,orders_pkey}' FROM pg_indexes "
    "WHERE schemaname = 'shop' AND tablename = 'orders'",
    "policy": "SELECT polname = 'paid_ones' AND relrowsecurity FROM pg_policy JOIN pg_class c ON c.oid = polrelid "
    "WHERE polrelid = 'shop.orders'::regclass",
    "grant": "SELECT has_table_privilege('public', 'shop.orders', 'SELECT')",
    "view": "SELECT (SELECT sum(total) FROM shop.paid) = (SELECT sum(total) FROM shop.orders WHERE status = 'paid')",
}


@contextmanager
def ordering(shop: Shop) -> Iterator[None]:
    """A writer that adds orders and changes them."""
    with psycopg.connect(shop.source_dsn, autocommit=True) as connection:

        def write(number: int) -> None:
            connection.execute("INSERT INTO orders VALUES (%s, 1, 0, 7, NULL)", [100 + number])
            connection.execute(
                "UPDATE orders SET cents = cents + 3, status = 1 - status WHERE id IN (%s, %s)",
                [99 + number, 2 + number % 19],
            )

        with repeating(write, pause_s=0.02):
            yield


def expected(shop: Shop, divisor: int) -> set[tuple[object, ...]]:
    with psycopg.connect(shop.source_dsn) as connection:
        return {
            (uuid.uuid5(NAMESPACE, f"orders:{key}"), round(total, 2), status)
            for key, total, status in connection.execute(EXPECTED, [divisor]).fetchall()
        }


def killed(place: str, *words: object) -> None:
    """Have a command end itself by SIGKILL at a named place."""
    ended = command(*words, failpoint_=f"{place}:kill")
    assert ended.returncode == -signal.SIGKILL, ended.stderr


def succeeded(*words: object) -> str:
    ended = command(*words)
    assert ended.returncode == 0, ended.stderr
    return ended.stderr


def refused(code: int, *words: object) -> str:
    ended = command(*words)
    assert ended.returncode == code, ended.stderr
    return ended.stderr


@pytest.mark.long
def test_an_entity_is_rebuilt_by_new_rules_under_a_writer_and_changes_places(
    shop: Shop, run: Path
) -> None:
    shop.target(AROUND)
    old = shop.read(OID.format("shop"))
    rebuild = ("replay", shop.folder, "--entity", "orders", "--into", "blue")
    shop.edit("entities/orders.toml", "cents::numeric / 100", "cents::numeric / 50")
    with ordering(shop):
        killed("cons.after_commit", *rebuild)
        assert "in step" in succeeded(*rebuild)
        killed("swap.before_commit", "swap", shop.folder)
        assert shop.read(OID.format("shop")) == old
        assert shop.read(OID.format("blue")) != old
        killed("swap.swapped", "swap", shop.folder)
        assert shop.read(OID.format("blue_old")) == old
        assert "blue_old" in succeeded("swap", shop.folder)
    wait_for(
        "the pipeline to go on into the new table",
        lambda: set(shop.read(ROWS.format("shop"))) == expected(shop, 50),
        run,
    )
    assert {what for what, query in AS_LIVE.items() if shop.read(query) != [(True,)]} == set()
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        shop.target("INSERT INTO shop.notes VALUES (2, gen_random_uuid())")
    first = uuid.uuid5(NAMESPACE, "orders:1")  # By the rules that it was made by.
    assert shop.read(TOTAL.format("blue_old", first)) == [(1,)]
    succeeded("verify", shop.folder)
    assert "dropped blue_old.orders" in succeeded("replay", shop.folder, "--into", "blue", "--drop")
    assert shop.read("SELECT to_regnamespace('blue'), to_regnamespace('blue_old')") == [
        (None, None)
    ]


@pytest.mark.long
@pytest.mark.usefixtures("run")
def test_what_would_be_lost_or_cannot_change_places_is_refused(shop: Shop) -> None:
    rebuild = ("replay", shop.folder, "--entity", "orders", "--into", "blue")
    assert "nothing is rebuilt" in refused(7, "swap", shop.folder)
    assert "begins at the beginning" in refused(2, *rebuild, "--from", "5")
    assert "schema shop is there" in refused(9, *rebuild[:-1], "shop")
    shop.target("CREATE MATERIALIZED VIEW shop.sums AS SELECT sum(total) FROM shop.orders")
    assert "materialized view shop.sums" in refused(9, *rebuild)
    shop.target(
        "DROP MATERIALIZED VIEW shop.sums;"
        "INSERT INTO shop.orders SELECT gen_random_uuid(), id, 'open', 1, NULL FROM shop.customers LIMIT 1"
    )
    assert "1 row of the live target that others wrote: orders: " in refused(8, *rebuild)
    assert shop.read("SELECT to_regnamespace('blue')") == [(None,)]
    succeeded(*rebuild, "--accept", "1")
    assert "orders are rebuilt in blue" in refused(9, *rebuild[:-1], "green")
    assert "--accept 1" in refused(8, "swap", shop.folder)
    shop.edit("entities/orders.toml", "cents::numeric / 100", "cents::numeric / 50")
    assert "is not what the rules make of the source" in refused(8, "swap", shop.folder)
    succeeded("replay", shop.folder, "--into", "blue", "--drop")
    assert shop.read("SELECT to_regnamespace('blue')") == [(None,)]
    assert shop.read("SELECT count(*) FROM understudy.entities WHERE generation = 2") == [(0,)]
