"""A rebuild of entities of every kind at once: rows joined, united, stubbed, referring to each other and themselves."""

from pathlib import Path

import pytest

from tests.acceptance.commands import command, phases, running, wait_for
from tests.shop import Shop

SOURCE = """
ALTER TABLE orders ADD parent_id bigint;
CREATE TABLE old_orders (id integer PRIMARY KEY, customer_id integer NOT NULL, cents integer NOT NULL);
CREATE TABLE order_notes (order_id bigint PRIMARY KEY, note text);
INSERT INTO customers SELECT n, 'Ada', NULL, '2020-02-02 12:00' FROM generate_series(1, 2) n;
INSERT INTO orders SELECT n, 1 + n % 3, n % 2, 100 * n, NULL, nullif(n / 2, 0) FROM generate_series(1, 20) n;
INSERT INTO orders VALUES (21, 1, 7, 2100, NULL, 1);
INSERT INTO old_orders SELECT n, 1 + n % 4, n FROM generate_series(1, 9) n;
INSERT INTO order_notes SELECT n, 'note ' || n FROM generate_series(1, 20, 3) n"""
TARGET = """
ALTER TABLE shop.customers ALTER name SET DEFAULT 'unknown', ALTER created_at SET DEFAULT 'epoch';
ALTER TABLE shop.orders ADD parent_id uuid REFERENCES shop.orders, ADD note text,
    ADD number integer GENERATED ALWAYS AS IDENTITY UNIQUE,
    ADD seen timestamptz DEFAULT clock_timestamp(), ADD remark text"""
OLD_ORDERS = """
source = "public.old_orders"
target = "shop.orders"
merge  = "union"
[columns]
id          = { uuid = true }
customer_id = { ref = "customers", from = "customer_id", missing = "stub" }
status      = { constant = "paid" }
total       = { sql = "cents::numeric / 100" }
"""
NOTES = """
source = "public.order_notes"
target = "shop.orders"
[columns]
id   = { join = "orders", from = "order_id" }
note = "note"
"""
ROWS = "SELECT to_jsonb(o) FROM shop.orders o UNION SELECT to_jsonb(c) FROM shop.customers c ORDER BY 1"
# Customers 3 and 4 are stubs: orders name them, and the source has no such rows.
COUNTS = "SELECT count(*), count(note), (SELECT count(*) FROM shop.customers) FROM shop.orders"
NEWEST = "SELECT number FROM shop.orders WHERE total = 21 OR total = 22 ORDER BY total"


@pytest.fixture
def shop(empty_shop: Shop) -> Shop:
    edit = empty_shop.edit
    edit(
        "entities/orders.toml",
        "[columns]",
        'merge = "union"\n[columns]\nparent_id = { ref = "orders", from = "parent_id", missing = "null" }',
    )
    edit("entities/orders.toml", '"park"', '"stub"')
    (empty_shop.folder / "entities" / "old_orders.toml").write_text(OLD_ORDERS)
    (empty_shop.folder / "entities" / "order_notes.toml").write_text(NOTES)
    empty_shop.source(SOURCE)
    empty_shop.target(TARGET)
    return empty_shop


@pytest.mark.long
@pytest.mark.parametrize(
    "words", [["--all"], ["--entity", "customers"], ["--entity", "order_notes"]], ids=" ".join
)
def test_every_row_is_what_it_was(shop: Shop, tmp_path: Path, words: list[str]) -> None:
    log = tmp_path / "run.log"
    with running(log, "run", shop.folder):
        wait_for("the tail", lambda: phases(shop) == ["tail"] * 4, log)
        wait_for("all rows", lambda: shop.read(COUNTS) == [(29, 7, 4)], log)
        shop.target("UPDATE shop.orders SET remark = total::text WHERE number % 2 = 0")
        before = shop.read(ROWS)
        done("replay", shop.folder, *words, "--into", "blue")
        done("swap", shop.folder)
        assert shop.read(ROWS) == before
        shop.source(
            "INSERT INTO orders VALUES (22, 1, 1, 2200, NULL, 21); UPDATE orders SET status = 0 WHERE id = 21"
        )
        wait_for("new rows", lambda: shop.read(NEWEST) != [], log)
        wait_for("new rows", lambda: len(shop.read(NEWEST)) == 2, log)
        done("verify", shop.folder)


def done(*words: object) -> None:
    ended = command(*words)
    assert ended.returncode == 0, ended.stderr + ended.stdout
