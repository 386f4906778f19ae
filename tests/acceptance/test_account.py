"""The account and the trace, as commands, on a pipeline that runs and is written to."""

import json
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.acceptance.commands import command, running, wait_for
from tests.shop import Shop

HOLD = """
UPDATE understudy.checkpoints SET held_offset = next_offset, held_until = clock_timestamp() + interval '{}'"""
GROWS = """
WITH moved AS (
    UPDATE orders SET cents = cents + CASE id WHEN 1 THEN -1 ELSE 1 END WHERE id IN (1, %(other)s)
) INSERT INTO orders VALUES (%(id)s, 1 + %(id)s %% 2, %(id)s %% 2, %(id)s, NULL)"""


@pytest.fixture
def shop(empty_shop: Shop) -> Shop:
    """Orders in two partitions: 1 to 20 fit, 21 has a status that nobody knows, 22 no customer, 23 is not wanted."""
    empty_shop.edit(
        "entities/orders.toml",
        "where",
        'partitions = 2\ntotals_by = ["status", "customer_id"]\nwhere',
    )
    empty_shop.source("""
        INSERT INTO customers SELECT n, 'Ada', NULL, '2020-02-02 12:00' FROM generate_series(1, 2) n;
        INSERT INTO orders SELECT n, 1 + n % 2, n % 2, 100 * n, NULL FROM generate_series(1, 20) n;
        INSERT INTO orders VALUES (21, 1, 7, 1, NULL), (22, 99, 0, 5, NULL), (23, 1, 0, -1, NULL);
    """)
    return empty_shop


@pytest.fixture
def run(shop: Shop, tmp_path: Path) -> Iterator[Path]:
    """The pipeline of the shop, in its tail; its log."""
    log = tmp_path / "run.log"
    with running(log, "run", shop.folder):
        wait_for("the tail", lambda: phases(shop) == ["tail", "tail"], log)
        yield log


def phases(shop: Shop) -> list[str]:
    try:
        return [phase for (phase,) in shop.read("SELECT phase FROM understudy.entities")]
    except psycopg.errors.UndefinedTable:
        return []


@contextmanager
def growing(shop: Shop) -> Iterator[None]:
    """A writer whose every transaction makes the total of the orders larger."""
    stop = threading.Event()

    def write() -> None:
        number = 100
        with psycopg.connect(shop.source_dsn, autocommit=True) as connection:
            while not stop.wait(0.002):
                connection.execute(GROWS, {"id": number, "other": 2 + number % 19})
                number += 1

    with ThreadPoolExecutor() as pool:
        written = pool.submit(write)
        try:
            yield
        finally:
            stop.set()
    written.result()


def account(shop: Shop, *words: str) -> tuple[int, dict[str, Any]]:
    """Exit code and the account of the orders."""
    ended = command("account", shop.folder, "--output", "json", *words)
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
    command("dead-letters", "discard", shop.folder, "--only", "key=21", "--because", "a test order")
    _, orders = account(shop)
    assert orders["excluded_by_rule"] == {"cents >= 0": 1, "given up: a test order": 1}
    page = command("account", shop.folder, "--output", "html").stdout
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


def test_an_account_that_cannot_be_exact_is_refused(shop: Shop, run: Path) -> None:
    assert run.exists()
    command("pause", shop.folder, "--entity", "orders")
    ended = command("account", shop.folder)
    assert (ended.returncode, ended.stdout) == (7, "")
    assert "orders is paused" in ended.stderr
    assert command("account", shop.folder, "--entity", "customers").returncode == 0
    command("resume", shop.folder)
    with psycopg.connect(shop.target_dsn) as other:
        other.execute("SELECT pg_advisory_lock(hashtext('understudy'), hashtext('exact point'))")
        ended = command("account", shop.folder)
    assert (ended.returncode, ended.stdout) == (9, "")
    assert "somebody else looks" in ended.stderr


def trace(*words: object) -> subprocess.CompletedProcess[str]:
    return command("trace", *words, "--output", "json")


def test_a_row_is_followed_from_either_side_with_all_its_events(shop: Shop, run: Path) -> None:
    shop.source("UPDATE orders SET cents = 4242 WHERE id = 2; DELETE FROM orders WHERE id = 4")
    updated = "SELECT count(*) FROM shop.orders WHERE total IN (42.42, 4.00)"
    wait_for("both changes", lambda: shop.read(updated) == [(1,)], run)
    ended = trace("source", "public.orders", "2", "--folder", shop.folder)
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
    text = command("trace", "source", "public.orders", "22", "-f", shop.folder).stdout
    assert text.startswith("public.orders 22 -> shop.orders (entity orders): parked\n")


NOT_TO_BE_TRACED = (
    (("source", "public.ordes", "1"), "did you mean public.orders?"),
    (("source", "public.orders", "1", "2"), "the key has 1 columns"),
    (("target", "shop.orders", "6f1c1a52-6d0e-5d0b-9a53-0f2f5c1e7a10"), "no legacy row ever"),
    (("target", "shop.orders", "6f1c"), "is no UUID"),
)


def test_what_cannot_be_traced_is_said_in_a_line(shop: Shop, run: Path) -> None:
    assert run.exists()
    for words, text in NOT_TO_BE_TRACED:
        ended = trace(*words, "--folder", shop.folder)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert text in ended.stderr
