"""The commands as processes: run, produce, consume, status, pause, resume, drop, on real servers."""

import json
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from psycopg import sql

from tests.acceptance.commands import DEADLINE_S, STOP_S_MAX, command, running, wait_for
from tests.crowding import crowding_of_late
from tests.shop import Shop

# The start of an interpreter with its libraries, on a busy machine, and the wait for one that is ending.
REFUSED_S_MAX = 45.0


@pytest.fixture
def shop(empty_shop: Shop) -> Shop:
    empty_shop.source("""
        INSERT INTO customers SELECT n, 'customer ' || n, NULL, '2020-02-02 12:00' FROM generate_series(1, 50) n;
        INSERT INTO orders SELECT n, 1 + n % 50, n % 2, n, NULL FROM generate_series(1, 500) n;
    """)
    return empty_shop


def status(shop: Shop) -> dict[str, Any]:
    ended = command("status", shop.folder, "--output", "json")
    assert ended.returncode == 0, ended.stderr
    document: dict[str, Any] = json.loads(ended.stdout)
    return document


def states(shop: Shop) -> dict[str, str]:
    return {entity["name"]: entity["state"] for entity in status(shop)["entities"]}


def count(dsn: str, table: str) -> int:
    with psycopg.connect(dsn) as connection:
        query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(*table.split(".")))
        ((rows,),) = connection.execute(query).fetchall()
    return int(rows)


def has_arrived(shop: Shop, customers: int, orders: int) -> bool:
    found = (count(shop.target_dsn, "shop.customers"), count(shop.target_dsn, "shop.orders"))
    return found == (customers, orders)


def child_of(process: subprocess.Popen[bytes], word: str) -> psutil.Process | None:
    for child in psutil.Process(process.pid).children():
        try:
            if word in child.cmdline():
                return child
        except psutil.NoSuchProcess:
            continue
    return None


def test_run_migrates_obeys_pause_and_resume_and_stops_within_ten_seconds(
    shop: Shop, tmp_path: Path
) -> None:
    log = tmp_path / "run.log"
    with running(log, "run", shop.folder) as process:
        wait_for("all rows", lambda: has_arrived(shop, 50, 500), log)
        wait_for("the tail", lambda: states(shop) == {"customers": "tail", "orders": "tail"}, log)
        assert_all_is_well(status(shop))
        pause_orders_while_customers_flow(shop, log)
        wait_for("a status line", lambda: "; Records left: " in log.read_text(), log)
        children = psutil.Process(process.pid).children()
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_S_MAX * crowding_of_late()) == 0
    assert log.read_text().endswith("stopped; the next run goes on from here\n")
    assert not [child for child in children if child.is_running()]
    assert "level=error" not in log.read_text()


def assert_all_is_well(seen: dict[str, Any]) -> None:
    assert seen["capture"]["is_active"]
    assert seen["workers"] == 1
    assert seen["lag_ms"] is not None
    assert {
        e["name"]: (e["rows"], e["parked"], e["dead_letters"], e["lag_records"])
        for e in seen["entities"]
    } == {
        "customers": (50, 0, 0, 0),
        "orders": (500, 0, 0, 0),
    }


def pause_orders_while_customers_flow(shop: Shop, log: Path) -> None:
    paused = command("pause", shop.folder, "--entity", "orders")
    assert (paused.returncode, paused.stderr) == (0, "paused: orders\n")
    shop.source("""
        INSERT INTO orders VALUES (501, 1, 0, 100, NULL);
        INSERT INTO customers VALUES (51, 'late', NULL, '2020-02-02 12:00');
    """)
    wait_for("the customer", lambda: has_arrived(shop, 51, 500), log)
    assert states(shop) == {"customers": "tail", "orders": "paused"}
    assert f"understudy resume {shop.folder} --entity orders" in status(shop)["next_steps"]
    resumed = command("resume", shop.folder)
    assert (resumed.returncode, resumed.stderr) == (0, "resumed: orders\n")
    wait_for("the order", lambda: has_arrived(shop, 51, 501), log)


@pytest.mark.long
def test_one_legacy_table_feeds_two_entities(shop: Shop, tmp_path: Path) -> None:
    shop.target("CREATE TABLE shop.names (id uuid PRIMARY KEY, name text NOT NULL)")
    (shop.folder / "entities" / "names.toml").write_text("""
        source = "public.customers"
        target = "shop.names"
        [columns]
        id   = { uuid = true }
        name = "name"
    """)
    checked = command("check", shop.folder)
    assert checked.returncode == 0, checked.stdout
    log = tmp_path / "run.log"
    with running(log, "run", shop.folder):
        wait_for("all rows", lambda: has_arrived(shop, 50, 500), log)
        wait_for("the names", lambda: count(shop.target_dsn, "shop.names") == 50, log)
        shop.source("DELETE FROM orders; DELETE FROM customers WHERE id > 10")
        wait_for("the deletes", lambda: has_arrived(shop, 10, 0), log)
        wait_for("as many names", lambda: count(shop.target_dsn, "shop.names") == 10, log)


@pytest.mark.parametrize("word", ["run", pytest.param("produce", marks=pytest.mark.long)])
def test_case_054_a_second_capture_is_refused_at_once_and_starts_no_worker(
    shop: Shop, tmp_path: Path, word: str
) -> None:
    log = tmp_path / "run.log"
    with running(log, "run", shop.folder):
        wait_for("all rows", lambda: has_arrived(shop, 50, 500), log)
        began = time.monotonic()
        ended = command(word, shop.folder)
        assert time.monotonic() - began < REFUSED_S_MAX
        assert ended.returncode == 9
        assert re.search(r"another process streams the slot pid=\d+", ended.stderr)
        assert "Traceback" not in ended.stderr
        assert "Rebalance" not in ended.stderr
        assert status(shop)["workers"] == 1


def test_run_starts_killed_parts_again_and_when_it_is_killed_the_next_run_goes_on_at_once(
    shop: Shop, tmp_path: Path
) -> None:
    log = tmp_path / "run.log"
    with running(log, "run", shop.folder) as process:
        wait_for("all rows", lambda: has_arrived(shop, 50, 500), log)
        for word in ("produce", "consume"):
            victim = child_of(process, word)
            assert victim is not None
            victim.kill()
        shop.source("INSERT INTO customers VALUES (51, 'late', NULL, '2020-02-02 12:00')")
        wait_for("the late row", lambda: has_arrived(shop, 51, 500), log)
        assert log.read_text().count("event=restarting") == 2
        children = psutil.Process(process.pid).children()
        assert len(children) == 2
        process.kill()
        with running(tmp_path / "again.log", "run", shop.folder):
            shop.source("INSERT INTO customers VALUES (52, 'later', NULL, '2020-02-02 12:00')")
            wait_for("the later row", lambda: has_arrived(shop, 52, 500), tmp_path / "again.log")
        assert psutil.wait_procs(children, timeout=DEADLINE_S)[1] == []


def test_parts_run_alone_and_drop_removes_all_that_they_made(shop: Shop, tmp_path: Path) -> None:
    log = tmp_path / "parts.log"
    with running(log, "produce", shop.folder), running(log, "consume", shop.folder):
        wait_for("all rows", lambda: has_arrived(shop, 50, 500), log)
        refused = command("drop", shop.folder, "--confirm", shop.pipeline)
        assert refused.returncode == 9
    unconfirmed = command("drop", shop.folder)
    assert unconfirmed.returncode == 2
    assert f"topic {shop.pipeline}.public.orders" in unconfirmed.stdout
    wait_for(
        "the drop",
        lambda: command("drop", shop.folder, "--confirm", shop.pipeline).returncode == 0,
        log,
    )
    again = command("drop", shop.folder, "--dry-run")
    assert (again.returncode, again.stdout) == (0, "")
    # Its rows are nobody's now: the next run would not know them.
    rerun = command("run", shop.folder)
    assert rerun.returncode == 6
    assert "holds rows that understudy did not write" in rerun.stderr
    assert "understudy drop, then TRUNCATE" in rerun.stderr
    assert status(shop)["next_steps"][0] == f"understudy check {shop.folder}"


def test_run_refuses_to_start_on_an_error_and_shows_it_once(shop: Shop) -> None:
    shop.edit("entities/orders.toml", '"code"', '"kode"')
    ended = command("run", shop.folder)
    assert ended.returncode == 4
    assert ended.stdout == ""
    assert ended.stderr.count("has no column kode") == 1
    assert ended.stderr.startswith("error: The source database is not as it has to be: ")
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(("side", "code"), [("source", 4), ("target", 6)])
def test_run_says_of_a_dead_server_once_that_it_is(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, side: str, code: int
) -> None:
    monkeypatch.setenv(f"UNDERSTUDY_{side.upper()}__DSN", "postgresql://nobody@127.0.0.1:1/x")
    ended = command("run", shop.folder)
    assert ended.returncode == code
    assert ended.stderr.count(f"The {side} database refused or failed") == 1
    assert ended.stderr.count("Connection refused") == 1
    assert "Traceback" not in ended.stderr
