"""Rows that the target's applications write reach the legacy tables."""

from tests.integration.reverse.conftest import Opened
from tests.integration.reverse.way import Files, Way

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


def migrated(opened: Opened) -> Way:
    way = opened(SHOP)
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
            " SELECT 1"
        )
        way.target(
            "INSERT INTO shop.orders SELECT gen_random_uuid(), id, 'paid', 12.34, '2024-07-01 10:00+00'"
            " FROM shop.customers WHERE name = 'Cleo'"
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
