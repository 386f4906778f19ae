"""The evening of the cutover, as commands, on a pipeline that runs and is written to."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.acceptance.commands import DEADLINE_S, UNDERSTUDY, command, running, wait_for
from tests.shop import Shop

ADD = "INSERT INTO orders VALUES (%s, 1, 0, %s, NULL)"
TOTALS = "SELECT total FROM shop.orders"
WAITING = "SELECT count(*) FROM understudy.waiting WHERE reason IN ('parent', 'rule')"
FULL = "UNDERSTUDY_TEST_FULL" in os.environ
PAUSE_S_MAX = 10.0


class Writer:
    """An application that goes on writing until it is told that it may not, and counts what was accepted."""

    def __init__(self, dsn: str, settings: str) -> None:
        self._dsn = dsn
        self._settings = settings
        self._stop = threading.Event()
        self.accepted: list[int] = []
        self.refusals: list[str | None] = []

    def run(self) -> None:
        number = 1000
        while not self._stop.wait(0.002):
            number += 1
            try:
                with psycopg.connect(self._dsn, autocommit=True) as connection:
                    connection.execute(self._settings.encode())
                    connection.execute(ADD, [number, number])
            except psycopg.Error as error:
                self.refusals.append(error.sqlstate)
            else:
                self.accepted.append(number)

    def stop(self) -> None:
        self._stop.set()


@contextmanager
def writing(dsn: str, settings: str = "") -> Iterator[Writer]:
    writer = Writer(dsn, settings)
    with ThreadPoolExecutor() as pool:
        ran = pool.submit(writer.run)
        try:
            yield writer
        finally:
            writer.stop()
    ran.result()


@pytest.fixture
def shop(empty_shop: Shop) -> Shop:
    empty_shop.source("""
        INSERT INTO customers SELECT n, 'Ada', NULL, '2020-02-02 12:00' FROM generate_series(1, 2) n;
        INSERT INTO orders SELECT n, 1 + n % 2, n % 2, 100 * n, NULL FROM generate_series(1, 20) n;
    """)
    empty_shop.target("ALTER TABLE shop.orders ADD number serial")
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


def cutover(
    shop: Shop, word: str, *words: str, failpoint: str = ""
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*UNDERSTUDY, "cutover", word, str(shop.folder), *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_S,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "UNDERSTUDY_FAILPOINT": failpoint},
    )


def begin(shop: Shop, *words: str, failpoint: str = "") -> subprocess.CompletedProcess[str]:
    return cutover(shop, "begin", "--confirm", shop.pipeline, *words, failpoint=failpoint)


def report(shop: Shop) -> dict[str, Any]:
    ended = cutover(shop, "status", "--output", "json")
    assert ended.returncode == 0, ended.stderr
    document: dict[str, Any] = json.loads(ended.stdout)
    return document


def verify(shop: Shop) -> None:
    ended = command("verify", shop.folder)
    assert ended.returncode == 0, ended.stderr


def missing(shop: Shop, writer: Writer) -> set[int]:
    """What the source accepted and the target does not have: by the writer's own count."""
    return set(writer.accepted) - {int(total * 100) for (total,) in shop.read(TOTALS)}


def configure(shop: Shop, **keys: str) -> None:
    """Put a section [cutover] into understudy.toml, in place of the one that is there."""
    file = shop.folder / "understudy.toml"
    head = file.read_text().partition("[cutover]")[0]
    lines = [f"{key} = {value}" for key, value in keys.items()]
    file.write_text("\n".join([head, "[cutover]", *lines, ""]))


def test_what_the_source_accepted_before_the_fence_is_in_the_target_after_the_switch(
    shop: Shop, run: Path
) -> None:
    hook = shop.folder / "hook"
    configure(shop, after_switch=f'"touch {hook}"')
    with writing(shop.source_dsn) as writer:
        verify(shop)
        wait_for("some writes", lambda: len(writer.accepted) > 50, run)
        ended = begin(shop)
        assert ended.returncode == 0, ended.stderr
        wait_for("a refusal", lambda: writer.refusals, run)
    assert set(writer.refusals) == {"25006"}
    assert missing(shop, writer) == set()
    assert phases(shop) == ["switched", "switched"]
    found = report(shop)
    assert f"write pause: {found['pause_s']:.2f} s" in ended.stderr
    assert found["pause_s"] < PAUSE_S_MAX
    assert hook.exists()
    shop.target("INSERT INTO shop.orders (id, customer_id, status, total)"
        " SELECT gen_random_uuid(), customer_id, status, 0 FROM shop.orders LIMIT 1")  # fmt: skip
    assert (begin(shop).returncode, cutover(shop, "abort").returncode) == (0, 7)
    page = cutover(shop, "status", "--output", "html").stdout
    assert page.startswith("<!doctype html>")
    assert cutover(shop, "finish").returncode == 0
    assert report(shop)["state"] == "finished"
    assert cutover(shop, "finish").returncode == 7


# In the order in which a cutover comes by.
PLACES = (
    "cut.planned", "cut.prepared", "cut.fence_recorded", "cut.fence_closed", "cut.fenced", "cut.applied",
    "cut.before_drained", "cut.drained", "cut.before_switch", "cut.switched",
)  # fmt: skip
SEED = 5
KILLED = sorted(random.Random(SEED).sample(range(len(PLACES)), 2))  # noqa: S311 - not cryptography


def test_a_killed_begin_goes_on_with_begin_and_nothing_is_lost(shop: Shop, run: Path) -> None:
    places = PLACES if FULL else [PLACES[place] for place in KILLED]
    with writing(shop.source_dsn) as writer:
        verify(shop)
        for place in places:
            ended = begin(shop, failpoint=f"{place}:kill")
            assert ended.returncode == -signal.SIGKILL, (place, ended.stderr)
        ended = begin(shop)
        assert ended.returncode == 0, ended.stderr
        wait_for("a refusal", lambda: writer.refusals, run)
    assert missing(shop, writer) == set()
    assert report(shop)["state"] == "switched"


def test_a_fence_that_leaks_opens_again_and_names_the_table(shop: Shop, run: Path) -> None:
    with writing(shop.source_dsn, settings="SET understudy.fence = off;") as leaking:
        verify(shop)
        wait_for("some writes", lambda: len(leaking.accepted) > 5, run)
        ended = begin(shop)
        assert ended.returncode == 7, ended.stderr
        assert "the fence leaks: public.orders was written to" in ended.stderr
    assert leaking.refusals == []
    assert report(shop)["state"] == "prepared"
    shop.source("INSERT INTO orders VALUES (500, 1, 0, 500, NULL)")
    assert begin(shop).returncode == 0
    assert missing(shop, leaking) == set()
    assert shop.read("SELECT count(*) FROM shop.orders WHERE total = 5") == [(2,)]


def test_a_drain_that_takes_too_long_opens_the_fence_by_itself(shop: Shop, run: Path) -> None:
    pause = f"{sys.executable} -P -m ops pause {shop.folder}"
    with writing(shop.source_dsn) as writer:
        verify(shop)
        configure(shop, before_fence=f'"{pause}"')
        ended = begin(shop, "--timeout", "2")
        assert ended.returncode == 7, ended.stderr
        assert "the write pause would be too long" in ended.stderr
        before = len(writer.accepted)
        wait_for("writes", lambda: len(writer.accepted) > before, run)
        command("resume", shop.folder)
        configure(shop)
        ended = begin(shop, "--max-lag", "60")
        assert ended.returncode == 0, ended.stderr
    assert missing(shop, writer) == set()


def test_an_abort_leaves_a_writable_legacy_side_and_a_pipeline_that_goes_on(
    shop: Shop, run: Path
) -> None:
    role, hook = f"{shop.pipeline}_app", shop.folder / "hook"
    shop.source(f"CREATE ROLE {role} LOGIN; GRANT INSERT ON orders TO {role}")
    configure(shop, writers=f'["{role}"]', after_abort=f'"touch {hook}"')
    dsn = shop.source_dsn.replace("postgres@", f"{role}@")
    try:
        with writing(dsn) as writer:
            verify(shop)
            assert begin(shop, failpoint="cut.fenced:kill").returncode == -signal.SIGKILL
            wait_for("a refusal", lambda: writer.refusals, run)
            assert report(shop)["next_steps"][0].endswith("(the legacy side is closed to writes)")
            before = len(writer.accepted)
            assert cutover(shop, "abort").returncode == 0
            wait_for("writes", lambda: len(writer.accepted) > before + 10, run)
        wait_for("what was written after it", lambda: not missing(shop, writer), run)
    finally:
        shop.source(f"DROP OWNED BY {role}; DROP ROLE {role}")
    assert (report(shop)["state"], hook.exists()) == ("aborted", True)
    assert phases(shop) == ["tail", "tail"]
    assert cutover(shop, "abort").returncode == 7


def test_gates_that_are_not_met_refuse_all_at_once_and_are_signed_off_by_name_and_count(
    shop: Shop, run: Path
) -> None:
    shop.source("INSERT INTO orders VALUES (31, 99, 0, 1, NULL), (32, 1, 7, 1, NULL)")
    shop.target("ALTER TABLE shop.orders DISABLE TRIGGER ALL")
    wait_for("both to wait", lambda: shop.read(WAITING) == [(2,)], run)
    signed = ("--accept", "parked:orders=1", "--accept", "dead-letters:orders=1")
    refused = begin(shop)
    assert refused.returncode == 7
    for name in ("verified", "triggers", "parked:orders", "dead-letters:orders"):
        assert f"{name}: " in refused.stderr
    assert json.loads(cutover(shop, "plan", "--output", "json").stdout)["next_steps"]
    assert begin(shop, *signed).returncode == 2
    verify(shop)
    shop.target("ALTER TABLE shop.orders ENABLE TRIGGER ALL")
    wrong = begin(shop, *signed[:2], "--accept", "dead-letters:orders=3", "--because", "tests")
    assert (wrong.returncode, "1 rows, not 3 as was typed" in wrong.stderr) == (7, True)
    assert cutover(shop, "begin", "--dry-run", *signed, "--because", "tests").returncode == 0
    with psycopg.connect(shop.target_dsn) as other:
        other.execute("SELECT pg_advisory_lock(hashtext('understudy'), hashtext('cutover'))")
        assert begin(shop, *signed, "--because", "tests").returncode == 9
    ended = begin(shop, *signed, "--because", "tests")
    assert ended.returncode == 0, ended.stderr
    audited = "SELECT subject FROM understudy.audit_log WHERE action = 'cutover accept' ORDER BY 1"
    assert shop.read(audited) == [("dead-letters:orders",), ("parked:orders",)]
