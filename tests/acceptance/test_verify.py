"""Verification, as a command, on a pipeline that runs: it finds each fault, and nothing else."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.commands import growing, running, wait_for
from tests.here import command_here
from tests.shop import Shop

ID_OF = """
CREATE FUNCTION id_of(text) RETURNS uuid LANGUAGE sql
RETURN (SELECT id FROM understudy.migration_mappings WHERE entity = 'orders' AND legacy_key = $1)"""


def verify(shop: Shop, *words: str) -> tuple[int, dict[str, Any], dict[str, str]]:
    """Exit code, what was found of the orders, and what is wrong with each of their keys."""
    ended = command_here("verify", shop.folder, "--output", "json", *words)
    assert ended.stdout, ended.stderr
    document = json.loads(ended.stdout)
    orders: dict[str, Any] = next(e for e in document["entities"] if e["entity"] == "orders")
    return ended.returncode, orders, {d["key"]: d["kind"] for d in orders["differences"]}


def status(shop: Shop) -> list[dict[str, Any]]:
    document = json.loads(command_here("status", shop.folder, "--output", "json").stdout)
    entities: list[dict[str, Any]] = document["entities"]
    return entities


@pytest.mark.long
def test_nothing_differs_while_every_commit_changes_two_rows(shop: Shop, run: Path) -> None:
    assert run.exists()
    with growing(shop):
        for _ in range(2):
            code, orders, differences = verify(shop)
            assert (code, differences) == (0, {})
            assert orders["found"] == {"dead letter": 1, "parked": 1}
            assert orders["rows"] >= 23
            assert [(t["column"], t["agrees"]) for t in orders["totals"] if t["by"] is None] == [
                ("total", True)
            ]


ROGUE, EXTRA = "written on the target by somebody else", "in the target, but not in the source"
NOBODY = "00000000-0000-0000-0000-000000000001"
# A statement on the target, the key that it concerns, what is found, and the columns that differ.
CORRUPTIONS: tuple[tuple[str, str, str, list[str]], ...] = (
    ("UPDATE shop.orders SET total = total + 0.01 WHERE id = id_of('7')", "7", ROGUE, ["total"]),
    (
        (
            "UPDATE shop.orders o SET customer_id = (SELECT id FROM shop.customers WHERE id <> o.customer_id)"
            " WHERE id = id_of('8')"
        ),
        "8",
        ROGUE,
        ["customer_id"],
    ),
    ("UPDATE shop.orders SET status = 'paid' WHERE id = id_of('2')", "2", ROGUE, ["status"]),
    ("DELETE FROM shop.orders WHERE id = id_of('9')", "9", "missing in the target", []),
    (
        (
            "INSERT INTO shop.orders SELECT '00000000-0000-0000-0000-000000000001', id, 'open', 1"
            " FROM shop.customers LIMIT 1"
        ),
        NOBODY,
        EXTRA,
        [],
    ),
    (
        "DELETE FROM understudy.migration_mappings WHERE entity = 'orders' AND legacy_key = '10'",
        "10",
        "nothing is recorded of it",
        [],
    ),
    (
        "UPDATE understudy.migration_mappings SET id = id_of('12') WHERE entity = 'orders' AND legacy_key = '11'",
        "11",
        "another legacy row has its UUID",
        [],
    ),
)


@pytest.mark.long
def test_each_corruption_is_found_and_named(shop: Shop, run: Path) -> None:
    assert run.exists()
    shop.target(ID_OF)
    for statement, *_ in CORRUPTIONS:
        shop.target(statement)
    code, orders, differences = verify(shop)
    assert code == 8
    columns = {d["key"]: list(d["columns"]) for d in orders["differences"]}
    expected = {key: (what, names) for _, key, what, names in CORRUPTIONS}
    assert {key: (differences[key], columns[key]) for key in expected} == expected
    # Both that share a UUID are named, and the rows of the target that are nobody's now: those of 10 and 11.
    others = sorted(differences[key] for key in differences.keys() - expected.keys())
    assert others == ["another legacy row has its UUID", EXTRA, EXTRA]


@pytest.fixture
def plain(shop: Shop) -> Shop:
    """Customers whose rows are compared by numbers: nothing has to be asked of the target to know them."""
    shop.source("ALTER TABLE customers ADD balance numeric(12, 2), ADD friend int")
    shop.source(
        "INSERT INTO customers SELECT n, 'Ada', NULL, '2020-02-02', n, n - 1 FROM generate_series(3, 30) n"
    )
    shop.target("""
        ALTER TABLE shop.customers ADD balance numeric(12, 2), ADD friend uuid;
        ALTER TABLE shop.customers ALTER created_at DROP NOT NULL""")
    shop.edit(
        "entities/customers.toml",
        'created_at = { from = "created", timezone = "Europe/Vienna" }',
        'balance = "balance"\nfriend = { ref = "customers", from = "friend", missing = "keep" }',
    )
    shop.edit("entities/customers.toml", 'country    = { constant = "AT" }', "")
    return shop


def of_customers(shop: Shop, *words: str) -> tuple[int, dict[str, Any]]:
    """Exit code, and what was found of the customers."""
    ended = command_here("verify", shop.folder, "--entity", "customers", "--output", "json", *words)
    assert ended.stdout, ended.stderr
    entities = json.loads(ended.stdout)["entities"]
    return ended.returncode, entities[0]


@pytest.mark.long
def test_each_corruption_is_found_where_rows_are_compared_by_numbers(
    plain: Shop, run: Path
) -> None:
    assert run.exists()
    code, found = of_customers(plain)
    assert (code, found["rows"], found["differences"]) == (0, 30, [])
    plain.target("""
        UPDATE shop.customers SET name = 'Adb' WHERE balance = 3;
        UPDATE shop.customers SET balance = 4.01 WHERE balance = 4;
        UPDATE shop.customers SET friend = id WHERE balance = 5;
        DELETE FROM shop.customers WHERE balance = 6;
        INSERT INTO shop.customers (id, name) VALUES ('00000000-0000-0000-0000-000000000001', 'Eve')""")
    code, found = of_customers(plain, "--values")
    assert (code, found["rows"]) == (8, 30)
    differences = {d["key"]: (d["kind"], list(d["columns"])) for d in found["differences"]}
    assert differences == {
        "3": (ROGUE, ["name"]),
        "4": (ROGUE, ["balance"]),
        "5": (ROGUE, ["friend"]),
        "6": ("missing in the target", []),
        NOBODY: (EXTRA, []),
    }
    # Where most rows differ, all of them are compared in full; and counted once.
    plain.target("UPDATE shop.customers SET name = 'Adb'")
    code, found = of_customers(plain)
    assert (code, found["rows"]) == (8, 30)
    assert found["found"] == {ROGUE: 29, "missing in the target": 1, EXTRA: 1}


@pytest.mark.long
def test_legacy_rows_with_one_uuid_are_named_though_every_row_of_the_target_is_somebodys(
    shop: Shop, run: Path
) -> None:
    assert run.exists()
    shop.target(ID_OF)
    shop.target("""
        DELETE FROM shop.orders WHERE id = id_of('11');
        UPDATE understudy.migration_mappings SET id = id_of('12') WHERE entity = 'orders' AND legacy_key = '11'""")
    code, orders, differences = verify(shop)
    assert code == 8
    assert orders["found"]["another legacy row has its UUID"] == 2
    assert {"11", "12"} <= differences.keys()


@pytest.mark.long
def test_one_flipped_byte_of_a_text_is_found_and_shown_only_on_request(
    shop: Shop, run: Path
) -> None:
    assert run.exists()
    shop.target(
        "UPDATE shop.customers SET name = 'Adb' WHERE id = (SELECT min(id::text)::uuid FROM shop.customers)"
    )
    quiet = command_here("verify", shop.folder)
    assert quiet.returncode == 8
    assert "Adb" not in quiet.stdout + quiet.stderr
    told = command_here("verify", shop.folder, "--entity", "customers", "--values")
    assert "name: expected 'Ada', found 'Adb'" in told.stdout


@pytest.mark.long
def test_what_was_lost_on_the_way_is_told_from_what_somebody_wrote(shop: Shop, run: Path) -> None:
    """As if an event of the source had never come: its checkpoint is past it, and the image is the old one."""
    command_here("pause", shop.folder, "--entity", "orders")
    shop.source("UPDATE orders SET cents = 777 WHERE id = 3")
    shop.target("UPDATE understudy.entities SET held_at = NULL WHERE entity = 'orders'")
    wait_for("the update", lambda: shop.read("SELECT FROM shop.orders WHERE total = 7.77"), run)
    shop.target(
        "UPDATE understudy.migration_mappings SET original = jsonb_set(original::jsonb, '{cents}', '300')::json"
        " WHERE entity = 'orders' AND legacy_key = '3'; UPDATE shop.orders SET total = 3 WHERE total = 7.77"
    )
    code, _, differences = verify(shop)
    assert (code, differences) == (8, {"3": "a change of the source was never applied"})


def test_what_changed_since_the_last_one_is_all_that_is_looked_at(shop: Shop, run: Path) -> None:
    ended = command_here("verify", shop.folder, "--since", "last")
    assert (ended.returncode, ended.stdout) == (7, "")
    assert "cannot be verified by its changes alone: it was never verified" in ended.stderr
    assert verify(shop)[0] == 0
    assert [e["verified"]["stale"] for e in status(shop)] == [False, False]
    shop.source("""
        UPDATE orders SET cents = 4242 WHERE id = 5; DELETE FROM orders WHERE id = 6;
        UPDATE orders SET id = 60 WHERE id = 7; INSERT INTO customers VALUES (99, 'Eve', NULL, '2020-02-02 12:00')
    """)
    there = "SELECT FROM shop.orders WHERE total IN (42.42, 0.05)"
    wait_for("the changes", lambda: len(shop.read(there)) == 2, run)
    known = status(shop)
    assert [(e["verified"]["clean"], e["verified"]["records_since"]) for e in known] == [
        (True, 1),
        (True, 6),
    ]
    code, orders, differences = verify(shop, "--since", "last")
    # 5, and 60 that was 7; 21 and 22 waited, and 22 has its customer now.
    assert (code, orders["rows"], differences) == (0, 4, {})
    shop.target("UPDATE understudy.verified_entities SET clean = false")
    ended = command_here("verify", shop.folder, "--since", "last")
    assert (ended.returncode, ended.stdout) == (7, "")
    assert "totals differed" in ended.stderr
    shop.target("UPDATE understudy.verified_entities SET clean = true")
    shop.target(ID_OF)
    shop.target(
        "INSERT INTO shop.orders SELECT id_of('6'), customer_id, status, 1 FROM shop.orders LIMIT 1"
    )
    shop.target(
        "UPDATE understudy.migration_mappings SET state = 'l' WHERE entity = 'orders' AND legacy_key = '6'"
    )
    code, orders, differences = verify(shop, "--since", "2026-01-01")
    assert (code, differences) == (8, {"6": "in the target, but not in the source"})


@pytest.mark.long
def test_a_sample_looks_at_some_rows(shop: Shop, run: Path) -> None:
    assert run.exists()
    code, orders, _ = verify(shop, "--sample", "5")
    assert code == 0
    assert 0 < orders["rows"] <= 5
    assert command_here("verify", shop.folder, "--since", "last").returncode == 7
    assert command_here("verify", shop.folder, "--since", "yesterday").returncode == 2


def stop_before_the_orders(shop: Shop, log: Path) -> None:
    """A verification that is killed once the customers are done, and before the orders are."""
    done = "SELECT count(*) FROM understudy.verified_entities"
    before = shop.read(done)
    with running(log, "verify", shop.folder, "--rate", "2") as process:
        wait_for("the customers", lambda: shop.read(done) != before, log)
        process.kill()
    newest = "SELECT finished FROM understudy.verifications ORDER BY id DESC LIMIT 1"
    assert shop.read(newest) == [(False,)]


@pytest.mark.long
def test_a_killed_verification_goes_on_with_the_entities_that_were_not_done(
    shop: Shop, run: Path, tmp_path: Path
) -> None:
    assert run.exists()
    ended = command_here("verify", shop.folder, "--resume")
    assert (ended.returncode, ended.stdout) == (7, "")
    assert "no verification was stopped before its end" in ended.stderr
    stop_before_the_orders(shop, tmp_path / "verify.log")
    # What was done is not read again; what was not is.
    shop.target("UPDATE shop.customers SET name = 'Eve'")
    ended = command_here("verify", shop.folder, "--resume", "--output", "json")
    document = json.loads(ended.stdout)
    ((lsn, at),) = shop.read("SELECT lsn, at FROM understudy.verifications ORDER BY id LIMIT 1")
    assert ended.returncode == 0, ended.stderr
    assert [entity["entity"] for entity in document["entities"]] == ["orders"]
    assert [(e["entity"], e["rows"], e["lsn"], e["at"]) for e in document["resumed"]] == [
        ("customers", 2, f"{lsn >> 32:X}/{lsn & 0xFFFFFFFF:X}", at.isoformat())
    ]
    assert document["lsn"] != document["resumed"][0]["lsn"]
    assert [check["met"] for check in document["checks"]] == [True] * 5
    assert command_here("verify", shop.folder, "--resume").returncode == 7
    # An entity that was not clean then is read again.
    assert command_here("verify", shop.folder, "--since", "last").returncode == 0
    stop_before_the_orders(shop, tmp_path / "verify.log")
    shop.target("UPDATE shop.customers SET name = 'Ada'")
    ended = command_here("verify", shop.folder, "--resume")
    assert ended.returncode == 0, ended.stderr
    assert "2 rows were verified" not in ended.stderr


@pytest.mark.long
def test_a_fault_of_the_structure_is_a_fault(shop: Shop, run: Path) -> None:
    assert run.exists()
    shop.target("""
        ALTER TABLE shop.orders ADD number serial;
        SELECT setval('shop.orders_number_seq', 1)""")
    ended = command_here("verify", shop.folder)
    assert ended.returncode == 8
    assert "sequences: shop.orders_number_seq is at 1" in ended.stdout
    code, _, differences = verify(shop, "--sample", "5")
    assert (code, differences) == (0, {})
    assert shop.read(
        "SELECT clean, finished FROM understudy.verifications ORDER BY id LIMIT 1"
    ) == [(False, True)]


def test_what_somebody_else_wrote_or_deleted_is_written_again(shop: Shop, run: Path) -> None:
    assert run.exists()
    shop.target(ID_OF)
    whole = "SELECT * FROM shop.orders ORDER BY id"
    before = shop.read(whole)
    shop.target(
        "UPDATE shop.orders SET total = 0 WHERE id = id_of('7'); DELETE FROM shop.orders WHERE id = id_of('9')"
    )
    ended = command_here("verify", shop.folder, "--repair")
    assert ended.returncode == 0, ended.stderr
    assert "orders: 2 rows written again" in ended.stderr
    assert shop.read(whole) == before
    audited = "SELECT subject, detail FROM understudy.audit_log WHERE action = 'repair'"
    assert shop.read(audited) == [("orders", {"count": 2, "keys": ["7", "9"]})]


@pytest.mark.long
def test_rows_of_older_rules_are_told_apart_and_written_by_new_ones(shop: Shop, run: Path) -> None:
    shop.edit("entities/orders.toml", "cents::numeric / 100", "cents::numeric / 1000")
    shop.edit("entities/orders.toml", 'where  = "cents >= 0"', 'where  = "cents <> 100"')
    code, orders, differences = verify(shop)
    assert code == 8
    assert set(differences.values()) == {"written by older rules"}
    assert orders["found"]["written by older rules"] == 21
    refused = command_here("reapply", shop.folder)
    assert (refused.returncode, refused.stdout) == (7, "")
    assert "do not have the present rules of orders yet" in refused.stderr
    rules = "SELECT spec_version FROM understudy.entities WHERE entity = 'orders'"
    before = shop.read(rules)
    command_here("dead-letters", "retry", shop.folder, "--wait", "60")
    wait_for("the present rules", lambda: shop.read(rules) != before, run)
    ended = command_here("reapply", shop.folder, "--entity", "orders")
    assert ended.returncode == 0, ended.stderr
    # Row 1 is excluded now, and 23 no longer.
    assert shop.read("SELECT count(*), sum(total) FROM shop.orders") == [(20, Decimal("20.90"))]
    assert verify(shop)[0] == 0


@pytest.mark.long
def test_a_replay_brings_back_what_was_lost_and_writes_nothing_else(shop: Shop, run: Path) -> None:
    versions = "SELECT id, xmin::text FROM shop.orders ORDER BY id"
    before = shop.read(versions)
    # As if it had never been applied.
    shop.target("""
        WITH lost AS (
            DELETE FROM understudy.migration_mappings WHERE entity = 'orders' AND legacy_key = '7' RETURNING id)
        DELETE FROM shop.orders o USING lost WHERE o.id = lost.id""")
    assert command_here("replay", shop.folder).returncode == 2
    ended = command_here("replay", shop.folder, "--entity", "orders")
    assert ended.returncode == 0, ended.stderr
    assert "23 records are read again" in ended.stderr
    wait_for("the lost order", lambda: len(shop.read(versions)) == len(before), run)
    assert len(set(shop.read(versions)) - set(before)) == 1
    assert verify(shop)[0] == 0
