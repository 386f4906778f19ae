"""Some rows through the rules of the shop, and nothing written."""

from collections.abc import Callable
from typing import Any

import psycopg

from tests.integration.ops.conftest import Ended
from tests.shop import Shop

Understudy = Callable[..., Ended]
ROWS = """
    INSERT INTO customers VALUES (1, 'Ada', NULL, '2020-02-02 12:00'), (2, 'Bob', NULL, '2020-03-29 02:30');
    INSERT INTO orders VALUES (1, 1, 0, 150, NULL), (2, 1, 7, 100, NULL), (3, 99, 0, 5, NULL), (4, 1, 0, -1, NULL),
        (5, 2, 0, 5, NULL);
"""


def tried(understudy: Understudy, shop: Shop, *words: object) -> dict[str, dict[str, Any]]:
    """The rows of the orders by key."""
    ended = understudy("try", shop.folder, "--entity", "orders", "-o", "json", *words)
    assert ended.code == 0, ended.err
    return {row["key"]: row for row in ended.document["rows"]}


def test_each_row_has_its_verdict_its_reason_and_both_sides(
    shop: Shop, understudy: Understudy
) -> None:
    shop.source(ROWS)
    found = tried(understudy, shop)
    assert list(found) == ["2", "3", "5", "4", "1"]
    assert {key: row["verdict"] for key, row in found.items()} == {
        "1": "written",
        "2": "refused",
        "3": "waits",
        "4": "excluded",
        "5": "waits",
    }
    assert found["2"]["why"] == "status: the code is not in values"
    assert found["3"]["why"] == "customer_id: customers has no such row"
    assert found["5"]["why"] == "customer_id: its row of customers is refused"
    assert found["1"]["source"]["cents"] == 150
    assert found["1"]["target"]["total"] == "1.50"
    assert found["1"]["target"]["status"] == "open"


def test_the_table_shows_errors_first_and_counts_last(shop: Shop, understudy: Understudy) -> None:
    shop.source(ROWS)
    ended = understudy("try", shop.folder, "--rows", 100)
    assert ended.code == 0, ended.err
    places = [
        ended.out.index(text)
        for text in ("customers 2: refused", "orders 2: refused", "orders 1: written", "TRIED")
    ]
    assert places == sorted(places)
    assert "created_at" in ended.out


def test_nothing_is_left_on_the_target(shop: Shop, understudy: Understudy) -> None:
    shop.source(ROWS)
    tried(understudy, shop)
    assert shop.read("SELECT count(*) FROM shop.orders") == [(0,)]
    assert shop.read("SELECT to_regnamespace('understudy') IS NULL") == [(True,)]


def test_a_target_without_the_tables_is_one_line(shop: Shop, understudy: Understudy) -> None:
    shop.target("DROP TABLE shop.orders")
    ended = understudy("try", shop.folder)
    assert ended.code == 6
    assert "the target table does not exist" in ended.err


def test_a_value_that_the_target_refuses_is_found_among_the_others(
    shop: Shop, understudy: Understudy
) -> None:
    shop.target("ALTER TABLE shop.orders ADD CHECK (total < 1000)")
    with psycopg.connect(shop.source_dsn, autocommit=True) as source:
        source.execute("INSERT INTO customers VALUES (1, 'Ada', NULL, '2020-02-02 12:00')")
        source.execute(
            "INSERT INTO orders SELECT n, 1, 0, CASE n WHEN 17 THEN 99999900 ELSE n END FROM generate_series(1, 50) n"
        )
    found = tried(understudy, shop)
    assert [key for key, row in found.items() if row["verdict"] != "written"] == ["17"]
    assert len(found) == 50
