"""Rows that the target's applications write reach the legacy tables."""

from dataclasses import replace

import psycopg
import pytest

from consumers import control as forward
from ops.cutover import reverse
from tests.integration.reverse.conftest import Opened
from tests.integration.reverse.way import DEADLINE_S, Files, Way, wait_for

BORN = "0b6c7c1a-5c0f-4b8e-9a53-0f2f5c1e7a10"

SHOP = Files(
    source="""
        CREATE TABLE customers (
            id serial PRIMARY KEY, name varchar(20) NOT NULL, tag text UNIQUE, note text DEFAULT 'kept', old text);
        CREATE TABLE orders (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer integer NOT NULL REFERENCES customers,
            status smallint, cents integer NOT NULL, placed timestamp);
        INSERT INTO customers (id, name, tag, old) VALUES (1, 'Ada', 'a', 'x'), (2, 'Bert', 'b', 'y');
        INSERT INTO orders (customer, status, cents) VALUES (1, 0, 100);
        SELECT setval('customers_id_seq', 2);
    """,
    target="""
        CREATE SCHEMA shop;
        CREATE TYPE shop.state AS ENUM ('open', 'paid');
        CREATE TABLE shop.customers (id uuid PRIMARY KEY, name text NOT NULL, tag text UNIQUE, vip boolean);
        CREATE TABLE shop.orders (
            id uuid PRIMARY KEY, customer_id uuid NOT NULL REFERENCES shop.customers ON DELETE CASCADE,
            state shop.state, total numeric(12, 2), placed_at timestamptz);
    """,
    entities={
        "customers": """
            source = "public.customers"
            target = "shop.customers"
            [columns]
            id   = { uuid = true }
            name = "name"
            tag  = "tag"
            vip  = { constant = false }
        """,
        "orders": """
            source = "public.orders"
            target = "shop.orders"
            [columns]
            id          = { uuid = true }
            customer_id = { ref = "customers", from = "customer" }
            state       = { from = "status", values = { 0 = "open", 1 = "paid" } }
            total       = { sql = "cents::numeric / 100", inverse = "(total * 100)::integer" }
            placed_at   = { from = "placed", timezone = "Europe/Vienna" }
        """,
    },
)
CUSTOMERS = "SELECT id, name, tag, note, old FROM customers ORDER BY id"
ORDERS = "SELECT id, customer, status, cents, placed::text FROM orders ORDER BY id"


def migrated(opened: Opened, files: Files = SHOP) -> Way:
    way = opened(files)
    way.map("customers", 1, 2)
    way.map("orders", 1)
    for key, name, tag in ((1, "Ada", "a"), (2, "Bert", "b")):
        way.target(
            "INSERT INTO shop.customers VALUES (%s, %s, %s, false)",
            way.id("customers", key),
            name,
            tag,
        )
    way.target(
        "INSERT INTO shop.orders VALUES (%s, %s, 'open', 1.00, NULL)",
        way.id("orders", 1),
        way.id("customers", 1),
    )
    way.switch()
    return way


def ends_by_itself(way: Way) -> int:
    """Roll back while it runs: it goes no further."""
    with way.running() as stop:
        known = reverse.end_at_rollback(way.migration, way.at)
        assert stop.wait(DEADLINE_S)
    return known


def test_an_update_an_insert_with_a_child_and_a_delete_arrive_as_they_were_made(
    opened: Opened,
) -> None:
    way = migrated(opened)
    with way.running():
        way.target(
            "UPDATE shop.customers SET name = 'Ada L.', tag = NULL WHERE id = %s",
            way.id("customers", 1),
        )
        way.target(
            "WITH born AS (INSERT INTO shop.customers VALUES (gen_random_uuid(), 'Cleo', 'c', true) RETURNING id)"
            " INSERT INTO shop.orders SELECT gen_random_uuid(), id, 'paid', 12.34, '2024-07-01 10:00+00' FROM born"
        )
        way.target("DELETE FROM shop.customers WHERE id = %s", way.id("customers", 2))
        way.applied()
    assert way.source(CUSTOMERS) == [
        (1, "Ada L.", None, "kept", "x"),
        (3, "Cleo", "c", "kept", None),
    ]
    assert way.source(ORDERS) == [
        (1, 1, 0, 100, None),
        (2, 3, 1, 1234, "2024-07-01 12:00:00"),
    ]


def test_a_row_that_is_refused_stops_it_and_what_comes_behind_waits_until_it_is_mended(
    opened: Opened,
) -> None:
    way = migrated(opened)
    way.source("ALTER TABLE customers ADD CONSTRAINT short CHECK (length(name) < 10)")
    with way.running():
        way.target("UPDATE shop.customers SET tag = 'first' WHERE id = %s", way.id("customers", 1))
        way.target(
            "UPDATE shop.customers SET name = 'Bertholdina' WHERE id = %s", way.id("customers", 2)
        )
        way.target("UPDATE shop.orders SET total = 2 WHERE id = %s", way.id("orders", 1))
        reason = way.refusal()
        assert "short" in reason
        assert "public.customers" in reason
        assert way.id("customers", 2) in reason
        assert "Bertholdina" not in reason
        assert way.source("SELECT tag FROM customers WHERE id = 1") == [("first",)]
        assert way.source("SELECT cents FROM orders") == [(100,)]
        way.source("ALTER TABLE customers DROP CONSTRAINT short")
        lsn = way.now()
        wait_for("the mended row", lambda: way.state().applied_lsn >= lsn)
    assert way.source("SELECT name FROM customers WHERE id = 2") == [("Bertholdina",)]
    assert way.source("SELECT cents FROM orders") == [(200,)]
    assert way.state().stopped_reason is None


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ("UPDATE shop.customers SET name = 'Ada Maria Theresia Antonia'", "name"),
        ("UPDATE shop.orders SET placed_at = '2024-10-27 01:30+00'", "placed"),
    ],
)
def test_a_value_that_the_legacy_column_cannot_have_is_refused_and_not_cut(
    opened: Opened, change: str, column: str
) -> None:
    way = migrated(opened)
    with way.running():
        way.target(change)
        assert f"legacy column {column}" in way.refusal()
    assert way.source(CUSTOMERS)[0] == (1, "Ada", "a", "kept", "x")


def test_two_rows_that_swap_a_unique_value_arrive_in_the_order_that_the_target_accepted(
    opened: Opened,
) -> None:
    way = migrated(opened)
    one, two = way.id("customers", 1), way.id("customers", 2)
    with way.running():
        way.target("UPDATE shop.customers SET tag = 'c' WHERE id = %s", one)
        way.target("UPDATE shop.customers SET tag = 'a' WHERE id = %s", two)
        way.target("UPDATE shop.customers SET tag = 'b' WHERE id = %s", one)
        way.applied()
    assert way.source("SELECT id, tag FROM customers ORDER BY id") == [(1, "b"), (2, "a")]


def test_a_parent_that_takes_its_children_along_on_the_target_goes_with_them(
    opened: Opened,
) -> None:
    way = migrated(opened)
    with way.running():
        way.target("DELETE FROM shop.customers")
        way.applied()
    assert way.source(CUSTOMERS) == way.source(ORDERS) == []


@pytest.mark.parametrize("cascades", [True, False])
def test_a_parent_that_goes_before_its_children_leaves_its_unique_value_to_another(
    opened: Opened, *, cascades: bool
) -> None:
    way = migrated(opened)
    one, two = way.id("customers", 1), way.id("customers", 2)
    if not cascades:
        way.target(
            "ALTER TABLE shop.orders DROP CONSTRAINT orders_customer_id_fkey, ADD FOREIGN KEY (customer_id)"
            " REFERENCES shop.customers DEFERRABLE INITIALLY DEFERRED"
        )
    with way.running(), psycopg.connect(way.at.target_dsn) as target:
        target.execute("DELETE FROM shop.customers WHERE id = %s", [one])
        target.execute("DELETE FROM shop.orders WHERE customer_id = %s", [one])
        target.execute("UPDATE shop.customers SET tag = 'a' WHERE id = %s", [two])
        target.commit()
        way.applied()
    assert way.source(CUSTOMERS) == [(2, "Bert", "a", "kept", "y")]


@pytest.mark.parametrize("has_children", [True, False])
def test_a_row_that_is_deleted_before_its_children_and_inserted_again_is_there(
    opened: Opened, *, has_children: bool
) -> None:
    way = migrated(opened)
    one = way.id("customers", 1)
    way.target(
        "ALTER TABLE shop.orders DROP CONSTRAINT orders_customer_id_fkey, ADD FOREIGN KEY (customer_id)"
        " REFERENCES shop.customers DEFERRABLE INITIALLY DEFERRED"
    )
    with way.running(), psycopg.connect(way.at.target_dsn) as target:
        target.execute("DELETE FROM shop.customers WHERE id = %s", [one])
        if not has_children:
            target.execute("DELETE FROM shop.orders WHERE customer_id = %s", [one])
        target.execute("INSERT INTO shop.customers VALUES (%s, 'Ada L.', 'l', false)", [one])
        target.commit()
        way.applied()
    # What the target does not know is kept only where the legacy row has never gone.
    unknown = "x" if has_children else None
    assert way.source(CUSTOMERS)[0] == (1, "Ada L.", "l", "kept", unknown)
    assert way.source("SELECT count(*) FROM orders") == [(int(has_children),)]


def test_what_was_committed_before_the_switch_is_the_forward_sides_own(opened: Opened) -> None:
    way = migrated(opened)
    reverse.end_at_rollback(way.migration, way.at)
    way.target("UPDATE shop.customers SET name = 'echo' WHERE id = %s", way.id("customers", 1))
    reverse.begin_at_switch(way.migration, way.at, way.now())
    with way.running():
        way.target("UPDATE shop.customers SET name = 'Bea' WHERE id = %s", way.id("customers", 2))
        way.applied()
    assert way.source("SELECT name FROM customers ORDER BY id") == [("Ada",), ("Bea",)]


def test_who_was_born_on_the_target_keeps_its_uuid_when_the_forward_side_runs_again(
    opened: Opened,
) -> None:
    way = migrated(opened)
    with way.running():
        way.target("INSERT INTO shop.customers VALUES (%s, 'Cleo', NULL, false)", BORN)
        way.applied()
    assert ends_by_itself(way) == 1
    with psycopg.connect(way.at.target_dsn) as target:
        assert forward.overrides(target, ["customers"]) == {"customers": {"3": BORN}}


def test_many_rows_of_one_statement_arrive(opened: Opened) -> None:
    way = migrated(opened)
    with way.running():
        way.target(
            "INSERT INTO shop.customers SELECT gen_random_uuid(), 'n' || n, 't' || n, false"
            " FROM generate_series(1, 30000) n"
        )
        way.target("UPDATE shop.customers SET tag = upper(tag)")
        way.target("DELETE FROM shop.customers WHERE name LIKE 'n%9'")
        way.applied()
    assert way.source("SELECT count(*), count(DISTINCT id) FROM customers WHERE tag LIKE 'T%'") == [
        (27000, 27000)
    ]


def test_prepare_may_be_called_again_and_drop_leaves_nothing(opened: Opened) -> None:
    way = migrated(opened)
    first = reverse.prepare(way.migration, way.at)
    assert reverse.prepare(way.migration, way.at) == first
    assert first.indexes == 0
    reverse.drop(way.migration, way.at)
    reverse.drop(way.migration, way.at)
    assert way.target(
        "SELECT count(*) FROM pg_replication_slots WHERE database = current_database()"
    ) == [(0,)]
    assert way.target("SELECT count(*) FROM pg_publication") == [(0,)]
    assert way.source("SELECT to_regnamespace('understudy')") == [(None,)]


def test_a_table_that_is_truncated_on_the_target_waits_for_somebody_to_see_to_it(
    opened: Opened,
) -> None:
    way = migrated(opened)
    with way.running():
        way.target("UPDATE shop.customers SET name = 'before' WHERE name = 'Ada'")
        way.target("TRUNCATE shop.orders")
        way.target("UPDATE shop.customers SET name = 'behind' WHERE name = 'Bert'")
        reason = way.refusal()
        assert "shop.orders was truncated" in reason
        assert way.source("SELECT name FROM customers ORDER BY id") == [("before",), ("Bert",)]
        way.source("DELETE FROM orders")
        way.source(reason.partition("say there: ")[2].partition(" lsn=")[0])
        lsn = way.now()
        wait_for("what is behind it", lambda: way.state().applied_lsn >= lsn)
    assert way.source("SELECT name FROM customers ORDER BY id") == [("before",), ("behind",)]


def test_a_row_that_the_forward_side_would_leave_out_is_refused(opened: Opened) -> None:
    file = SHOP.entities["customers"].replace(
        "[columns]", "where = \"name <> 'nobody'\"\n[columns]"
    )
    way = migrated(opened, replace(SHOP, entities=SHOP.entities | {"customers": file}))
    with way.running():
        way.target("UPDATE shop.customers SET name = 'nobody' WHERE name = 'Ada'")
        assert "`where` would leave the row out" in way.refusal()
    assert way.source("SELECT name FROM customers WHERE id = 1") == [("Ada",)]


def test_a_row_that_a_trigger_leaves_out_without_an_error_is_refused(opened: Opened) -> None:
    way = migrated(opened)
    way.source("""
        CREATE FUNCTION leave_out() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
        CREATE TRIGGER leave_out BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION leave_out()""")
    with way.running():
        way.target("UPDATE shop.customers SET name = 'Eva'")
        assert "left the row out" in way.refusal()
