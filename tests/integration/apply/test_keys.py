"""Which row is which, and which version of it counts."""

from typing import Any

import psycopg
import pytest

from tests.integration.apply.migrated import Migrated, change, delete, moved

ORDERS = {"columns": {"id": {"uuid": True}, "note": "note", "size": "size"}}


@pytest.fixture
def orders(migrated: Migrated) -> Migrated:
    migrated.table(
        "orders",
        "id bigint PRIMARY KEY, note text, size int",
        "id uuid PRIMARY KEY, note text, size int",
    )
    migrated.migrate({"orders": ORDERS})
    return migrated


def found(migrated: Migrated) -> dict[str, list[Any]]:
    """The target's rows by legacy key."""
    query = """
        SELECT m.legacy_key, t.note, t.size FROM app.orders t
        JOIN understudy.migration_mappings m ON m.id = t.id AND m.entity = 'orders'"""
    return {key: row for key, *row in migrated.rows(query)}


def test_a_row_has_the_uuid_of_its_key(orders: Migrated) -> None:
    orders.apply("orders", change(10, id=1, note="a", size=2))
    assert orders.rows("SELECT * FROM app.orders") == [(orders.id("orders", "1"), "a", 2)]


def test_case_001_what_was_not_sent_stays_as_it_is(orders: Migrated) -> None:
    orders.apply("orders", change(10, id=1, note="a", size=2))
    orders.apply("orders", change(20, id=1, size=3, lacks=["note"]))
    assert found(orders) == {"1": ["a", 3]}


def test_case_004_events_of_a_key_are_merged_in_their_order(orders: Migrated) -> None:
    full, partial = change(10, id=1, note="a", size=2), change(20, id=1, size=3, lacks=["note"])
    orders.apply("orders", full, partial)
    assert found(orders) == {"1": ["a", 3]}


def test_case_004_also_where_they_come_in_another_order(orders: Migrated) -> None:
    full, partial = change(10, id=1, note="a", size=2), change(20, id=1, size=3, lacks=["note"])
    orders.apply("orders", partial, full)
    assert found(orders) == {"1": ["a", 3]}


def test_a_partial_event_without_its_base_waits_until_that_comes(orders: Migrated) -> None:
    orders.apply("orders", change(20, id=1, size=3, lacks=["note"]))
    assert (found(orders), orders.waiting("orders")) == ({}, {"1": "base"})
    orders.apply("orders", change(10, id=1, note="a", size=2))
    assert (found(orders), orders.waiting("orders")) == ({"1": ["a", 3]}, {})


def test_a_partial_event_waits_on_when_a_base_lacks_the_same(orders: Migrated) -> None:
    orders.apply("orders", change(20, id=1, size=3, lacks=["note"]))
    orders.apply("orders", change(30, id=1, size=4, lacks=["note"]))
    assert (found(orders), orders.waiting("orders")) == ({}, {"1": "base"})
    orders.apply("orders", change(10, id=1, note="a", size=2))
    assert found(orders) == {"1": ["a", 4]}


def test_a_null_that_was_sent_is_no_value_that_was_not_sent(orders: Migrated) -> None:
    orders.apply("orders", change(10, id=1, note="a", size=2))
    orders.apply("orders", change(20, id=1, note=None, size=None))
    assert found(orders) == {"1": [None, None]}


def test_case_012_a_key_change_leaves_nothing_under_the_old_key(orders: Migrated) -> None:
    orders.apply("orders", change(10, id=1, note="a", size=2))
    gone, come = moved(20, "2", id=1), change(20, 2, id=2, note="a", size=2)
    orders.apply("orders", gone, come)
    assert found(orders) == {"2": ["a", 2]}
    assert orders.states("orders") == {"1": "d", "2": "l"}
    assert orders.moved("orders") == {"1": "2"}


def test_case_012_a_key_that_is_used_again_has_not_moved(orders: Migrated) -> None:
    orders.apply("orders", change(10, id=1, note="a", size=2))
    orders.apply("orders", moved(20, "2", id=1))
    orders.apply("orders", change(30, id=1, note="b", size=3))
    assert orders.moved("orders") == {}


def test_case_012_its_halves_may_come_in_any_order(orders: Migrated) -> None:
    orders.apply("orders", change(20, 2, id=2, note="a", size=2))
    orders.apply("orders", change(10, id=1, note="a", size=2))
    orders.apply("orders", delete(20, 1, id=1))
    assert found(orders) == {"2": ["a", 2]}


def test_case_013_a_row_deleted_and_inserted_again_in_one_batch_is_there(orders: Migrated) -> None:
    orders.apply("orders", change(10, id=1, note="a", size=2))
    orders.apply("orders", delete(20, id=1), change(30, id=1, note="b", size=3))
    assert found(orders) == {"1": ["b", 3]}


def test_case_013_a_row_inserted_and_deleted_in_one_batch_is_not(orders: Migrated) -> None:
    orders.apply("orders", change(10, id=1, note="a", size=2), delete(20, id=1))
    assert (found(orders), orders.states("orders")) == ({}, {"1": "d"})


def test_case_014_a_deleted_row_does_not_come_back_by_a_replay(orders: Migrated) -> None:
    orders.apply("orders", change(10, id=1, note="a", size=2))
    orders.apply("orders", delete(20, id=1))
    orders.apply("orders", change(10, id=1, note="a", size=2))
    assert found(orders) == {}
    orders.apply("orders", change(30, id=1, note="b", size=3))
    assert found(orders) == {"1": ["b", 3]}


def test_case_014_a_delete_that_comes_before_its_row_keeps_it_out(orders: Migrated) -> None:
    orders.apply("orders", delete(20, id=1))
    orders.apply("orders", change(10, id=1, note="a", size=2))
    assert found(orders) == {}


def test_an_older_event_changes_nothing(orders: Migrated) -> None:
    orders.apply("orders", change(20, id=1, note="new", size=2))
    orders.apply("orders", change(10, id=1, note="old", size=1))
    orders.apply("orders", change(20, id=1, note="the same id", size=1))
    assert found(orders) == {"1": ["new", 2]}


def test_case_096_a_key_that_changes_often_in_a_batch_is_written_once(orders: Migrated) -> None:
    orders.apply("orders", *(change(10, n, id=1, note=str(n), size=n) for n in range(1, 200)))
    assert found(orders) == {"1": ["199", 199]}


def test_a_truncation_deletes_what_is_older_and_nothing_else(orders: Migrated) -> None:
    orders.apply("orders", change(10, id=1, note="a", size=2), change(30, id=2, note="b", size=2))
    orders.apply("orders", change(12, id=3, size=2, lacks=["note"]))
    orders.truncate("orders", 20)
    assert (list(found(orders)), orders.waiting("orders")) == (["2"], {})
    orders.apply("orders", change(15, id=1, note="late", size=2))
    assert list(found(orders)) == ["2"]


def test_case_010_a_composite_key_keeps_the_order_of_the_primary_key(migrated: Migrated) -> None:
    migrated.table(
        "lines",
        "n int, day date, note text, PRIMARY KEY (day, n)",
        "id uuid PRIMARY KEY, note text",
    )
    migrated.migrate({"lines": {"columns": {"id": {"uuid": True}, "note": "note"}}})
    migrated.apply("lines", change(10, n=1, day="2020-02-29", note="a"))
    migrated.apply("lines", change(20, n=1, day="2020-02-29", note="b"))
    key = '["2020-02-29","1"]'
    assert migrated.rows("SELECT * FROM app.lines") == [(migrated.id("lines", key), "b")]


def test_case_015_equal_keys_are_one_row_however_they_are_written(migrated: Migrated) -> None:
    migrated.table("a", "k numeric PRIMARY KEY, note text", "id uuid PRIMARY KEY, note text")
    migrated.table("b", "k char(4) PRIMARY KEY, note text", "id uuid PRIMARY KEY, note text")
    rules = {"columns": {"id": {"uuid": True}, "note": "note"}}
    migrated.migrate({"a": rules, "b": rules})
    migrated.apply("a", change(10, k="1.0", note="x"), change(20, k="1.00", note="y"))
    migrated.apply("b", change(10, k="ab  ", note="x"), change(20, k="ab", note="y"))
    assert migrated.rows("SELECT * FROM app.a") == [(migrated.id("a", "1"), "y")]
    assert migrated.rows("SELECT * FROM app.b") == [(migrated.id("b", "ab"), "y")]


def test_case_015_keys_that_differ_in_case_are_two_rows(migrated: Migrated) -> None:
    migrated.table("a", "k text PRIMARY KEY, note text", "id uuid PRIMARY KEY, k text, note text")
    migrated.migrate({"a": {"columns": {"id": {"uuid": True}, "k": "k", "note": "note"}}})
    migrated.apply("a", change(10, k="Ab", note="x"), change(10, 2, k="ab ", note="z"))
    migrated.apply("a", delete(20, 1, k="Ab"), change(20, 2, k="aB", note="y"))
    assert migrated.rows("SELECT k, note FROM app.a ORDER BY note") == [("aB", "y"), ("ab ", "z")]


def test_an_override_of_the_identity_wins_everywhere(migrated: Migrated) -> None:
    migrated.table("p", "id int PRIMARY KEY", "id uuid PRIMARY KEY")
    migrated.table("c", "id int PRIMARY KEY, p int", "id uuid PRIMARY KEY, p uuid REFERENCES app.p")
    entities: dict[str, dict[str, Any]] = {
        "p": {"columns": {"id": {"uuid": True}}},
        "c": {"columns": {"id": {"uuid": True}, "p": {"ref": "p", "from": "p"}}},
    }
    migrated.migrate(entities)
    migrated.connection.execute(
        "INSERT INTO understudy.identity_overrides VALUES ('p', 'legacy.p', '7', %s, 'born there')",
        ["018f3c1e-0000-7000-8000-000000000001"],
    )
    migrated.migrate(entities)
    migrated.apply("p", change(10, id=7))
    migrated.apply("c", change(20, id=1, p=7))
    assert migrated.rows("SELECT CAST(p AS text) FROM app.c") == [
        ("018f3c1e-0000-7000-8000-000000000001",)
    ]


def test_a_batch_that_fails_leaves_nothing_behind(orders: Migrated) -> None:
    orders.connection.execute("ALTER TABLE app.orders RENAME TO gone")
    with pytest.raises(psycopg.errors.UndefinedTable):
        orders.apply("orders", change(10, id=1, note="a", size=2))
    assert (orders.states("orders"), orders.waiting("orders")) == ({}, {})
