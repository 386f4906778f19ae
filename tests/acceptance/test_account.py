"""The account and the trace, as commands, on a pipeline that runs and is written to."""

import json
import subprocess
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.acceptance.commands import growing, wait_for
from tests.here import command_here
from tests.shop import Shop

HOLD = """
UPDATE understudy.checkpoints SET held_offset = next_offset, held_until = clock_timestamp() + interval '{}'"""


def account(shop: Shop, *words: str) -> tuple[int, dict[str, Any]]:
    """Exit code and the account of the orders."""
    ended = command_here("account", shop.folder, "--output", "json", *words)
    assert ended.stdout, ended.stderr
    document = json.loads(ended.stdout)
    orders: dict[str, Any] = next(e for e in document["entities"] if e["entity"] == "orders")
    return ended.returncode, orders


def test_both_sides_are_seen_at_the_same_point_while_every_commit_changes_the_total(
    shop: Shop, run: Path
) -> None:
    assert run.exists()
    rows = []
    with growing(shop):
        for _ in range(3):
            code, orders = account(shop)
            assert (code, orders["unaccounted"], orders["extra"]) == (0, 0, 0)
            whole = next(total for total in orders["totals"] if total["by"] is None)
            assert whole["source"] == whole["target"]
            assert {total["agrees"] for total in orders["totals"]} == {True}
            explained = ("rows_target", "dead_letters", "parked", "excluded")
            assert orders["rows_source"] == sum(orders[name] for name in explained)
            rows.append(orders["rows_source"])
    assert rows == sorted(set(rows))


def test_every_row_that_stays_behind_has_its_reason(shop: Shop, run: Path) -> None:
    assert run.exists()
    _, orders = account(shop)
    assert orders["dead_letters_by_reason"] == {"status: the code is not in values": 1}
    assert orders["parked_by_reason"] == {"no row of customers": 1}
    assert orders["excluded_by_rule"] == {"cents >= 0": 1}
    totals = {(t["by"], t["group"]): (t["source"], t["target"]) for t in orders["totals"]}
    assert totals == {
        (None, None): ("210.00", "210.00"),
        ("status", "open"): ("110.00", "110.00"),
        ("status", "paid"): ("100.00", "100.00"),
        ("customer_id", "1"): ("110.00", "110.00"),
        ("customer_id", "2"): ("100.00", "100.00"),
    }
    command_here(
        "dead-letters", "discard", shop.folder, "--only", "key=21", "--because", "a test order"
    )
    _, orders = account(shop)
    assert orders["excluded_by_rule"] == {"cents >= 0": 1, "given up: a test order": 1}
    page = command_here("account", shop.folder, "--output", "html").stdout
    assert page.startswith("<!doctype html>")
    assert "given up: a test order" in page
    assert "cents &gt;= 0" in page


# One after the other; what the account says then.
FAULTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("UPDATE shop.orders SET total = total + 0.01 WHERE total = 7", {"unaccounted": 0, "extra": 0}),
    ("DELETE FROM shop.orders WHERE total = 1", {"unaccounted": 1, "unaccounted_keys": ["1"]}),
    (
        (
            "WITH gone AS (DELETE FROM shop.orders WHERE total = 3 RETURNING id)"
            " DELETE FROM understudy.migration_mappings m USING gone WHERE m.id = gone.id"
        ),
        {"unaccounted": 2, "unaccounted_keys": ["1", "3"]},
    ),
    (
        (
            "INSERT INTO understudy.migration_mappings (generation, entity, source, legacy_key, id, state,"
            " epoch, commit_lsn, ordinal, spec_version)"
            " SELECT 1, 'orders', 'public.orders', '77', id, 'l', 1, 1, 1, 1 FROM shop.orders WHERE total = 4"
        ),
        {"extra": 1, "extra_keys": ["77"]},
    ),
)


def test_what_does_not_balance_is_named_and_ends_with_8(shop: Shop, run: Path) -> None:
    assert run.exists()
    for statement, found in FAULTS:
        shop.target(statement)
        code, orders = account(shop)
        assert code == 8
        assert {name: orders[name] for name in found} == found
        assert {total["agrees"] for total in orders["totals"]} == {True, False}


@pytest.mark.long
def test_a_hold_that_nobody_renews_ends_by_itself(shop: Shop, run: Path) -> None:
    shop.target(HOLD.format("4 seconds"))
    shop.source("INSERT INTO orders VALUES (30, 1, 0, 9999, NULL)")
    held = "SELECT held_until > clock_timestamp() FROM understudy.checkpoints LIMIT 1"
    arrived = "SELECT count(*) FROM shop.orders WHERE total = 99.99"

    def is_over() -> bool:
        here, still = shop.read(arrived), shop.read(held)
        assert here == [(0,)] or still == [(False,)]
        return here == [(1,)]

    wait_for("the end of the hold", is_over, run)


@pytest.mark.long
def test_an_account_that_cannot_be_exact_is_refused(shop: Shop, run: Path) -> None:
    assert run.exists()
    command_here("pause", shop.folder, "--entity", "orders")
    ended = command_here("account", shop.folder)
    assert (ended.returncode, ended.stdout) == (7, "")
    assert "orders is paused" in ended.stderr
    assert command_here("account", shop.folder, "--entity", "customers").returncode == 0
    command_here("resume", shop.folder)
    with psycopg.connect(shop.target_dsn) as other:
        other.execute("SELECT pg_advisory_lock(hashtext('understudy'), hashtext('exact point'))")
        ended = command_here("account", shop.folder)
    assert (ended.returncode, ended.stdout) == (9, "")
    assert "somebody else looks" in ended.stderr


def trace(*words: object) -> subprocess.CompletedProcess[str]:
    return command_here("trace", *words, "--output", "json")


def test_a_row_is_followed_from_either_side_with_all_its_events(shop: Shop, run: Path) -> None:
    shop.source("UPDATE orders SET cents = 4242 WHERE id = 2; DELETE FROM orders WHERE id = 4")
    updated = "SELECT count(*) FROM shop.orders WHERE total IN (42.42, 4.00)"
    wait_for("both changes", lambda: shop.read(updated) == [(1,)], run)
    ended = trace("source", "public.orders", "002", "--folder", shop.folder)
    life = json.loads(ended.stdout)
    assert (life["state"], life["legacy_row"]["cents"]) == ("in the target", "4242")
    assert (life["target_row"]["total"], life["mapping"]["original"]["cents"]) == ("42.42", 4242)
    assert [event["op"] for event in life["events"]] == ["r", "u"]
    assert [event["row"]["cents"] for event in life["events"]] == [200, 4242]
    back = trace("target", "shop.orders", life["mapping"]["id"], "--folder", shop.folder)
    assert json.loads(back.stdout) == life
    gone = json.loads(trace("source", "public.orders", "4", "-f", shop.folder).stdout)
    assert (gone["state"], gone["legacy_row"], gone["target_row"]) == ("deleted", None, None)
    assert [event["op"] for event in gone["events"]] == ["r", "d", "t"]
    letter = json.loads(trace("source", "public.orders", "21", "-f", shop.folder).stdout)
    assert (letter["state"], letter["waiting"]["image"]["status"]) == ("dead letter", 7)
    text = command_here("trace", "source", "public.orders", "22", "-f", shop.folder).stdout
    assert text.startswith("public.orders 22 -> shop.orders (entity orders): parked\n")
    assert "  waits for the row public.customers 99\n" in text
    assert text.endswith(
        f"  next: understudy trace source --folder {shop.folder} -- public.customers 99\n"
    )


NOT_TO_BE_TRACED = (
    (("source", "public.ordes", "1"), "did you mean public.orders?"),
    (("source", "public.orders", "1", "2"), "the key has 1 columns"),
    (("target", "shop.orders", "6f1c1a52-6d0e-5d0b-9a53-0f2f5c1e7a10"), "no legacy row ever"),
    (("target", "shop.orders", "6f1c"), "is no UUID"),
)


@pytest.mark.long
def test_what_cannot_be_traced_is_said_in_a_line(shop: Shop, run: Path) -> None:
    assert run.exists()
    for words, text in NOT_TO_BE_TRACED:
        ended = trace(*words, "--folder", shop.folder)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert text in ended.stderr
