"""`resync` on a pipeline that runs: what the capture never heard of, and what others wrote on the target."""

from pathlib import Path

import pytest

from tests.acceptance.commands import command, growing, running, waiting
from tests.fix_pipeline import Pipeline, one, writing
from tests.shop import Shop

pytestmark = pytest.mark.long
LOST = """
BEGIN;
SELECT pg_logical_emit_message(true, 'understudy', 'applied');
DELETE FROM orders WHERE id = 3;
UPDATE customers SET name = 'Grace' WHERE id = 2;
COMMIT"""
STRANGER = "00000000-0000-0000-0000-000000000001"
ROGUE = """
DELETE FROM shop.orders WHERE total = 5;
UPDATE shop.customers SET country = 'XX';
INSERT INTO shop.customers VALUES ('00000000-0000-0000-0000-000000000001', 'nobody', NULL, now(), 'AT')"""
ORDERS = "SELECT count(*), sum(total) FILTER (WHERE total IN (3, 5)) FROM shop.orders"


def test_lost_changes_arrive_rogues_are_put_right_and_strangers_are_named(
    shop: Shop, run: Path
) -> None:
    shop.source(LOST)
    shop.target(ROGUE)
    both = ("--entity", "orders", "--entity", "customers")
    ended = command("resync", shop.folder, *both)
    assert (ended.returncode, STRANGER in ended.stderr) == (8, True), ended.stderr + run.read_text()
    assert shop.read(ORDERS) == [(19, 5)]
    customers = "SELECT name, country FROM shop.customers ORDER BY name"
    assert shop.read(customers) == [("Ada", "AT"), ("Grace", "AT"), ("nobody", "AT")]
    assert waiting(shop) == 2
    shop.target("DELETE FROM shop.customers WHERE name = 'nobody'")
    with growing(shop):
        ended = command("resync", shop.folder, *both)
        assert ended.returncode == 0, ended.stderr
    ended = command("verify", shop.folder)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    asked = "SELECT subject FROM understudy.audit_log WHERE action = 'resync' ORDER BY id"
    assert [subject for (subject,) in shop.read(asked)] == ["customers", "orders"] * 2


def test_it_is_refused_before_the_tail_and_left_to_the_next_capture(
    shop: Shop, tmp_path: Path
) -> None:
    ended = command("resync", shop.folder, "--entity", "orders")
    assert (ended.returncode, "nothing was captured yet" in ended.stderr) == (7, True)
    log = tmp_path / "consume.log"
    with running(tmp_path / "run.log", "run", shop.folder):
        assert command("resync", shop.folder, "--entity", "orders").returncode in (0, 7)
        command("status", shop.folder)
    with running(log, "consume", shop.folder):
        ended = command("resync", shop.folder, "--entity", "orders")
    assert "the next one does it" in ended.stderr or ended.returncode == 7


@pytest.mark.parametrize("place", ["snap.chunk_read", "snap.chunk_acked_not_recorded", ""])
def test_kills_of_both_sides_in_the_middle_lose_nothing(clinic: Pipeline, place: str) -> None:
    with writing(clinic.at, seed=11):
        clinic.start("produce")
        clinic.start("consume")
        clinic.wait_for("the tail", clinic.in_tail)
        for part in list(clinic.parts):
            clinic.kill(part)
        armed = clinic.start("produce", failpoint_=f"{place}:kill" if place else "")
        clinic.start("consume", failpoint_="cons.before_commit:kill@9")
        asked = command("resync", clinic.folder, "--entity", "patients", "--timeout", "1")
        assert asked.returncode in {0, 7}, asked.stderr
        if place:
            clinic.await_kill(armed)
        else:
            clinic.kill(armed)
        clinic.start("produce")
        clinic.start("consume")
        open_ = "SELECT count(*) FROM understudy.entities WHERE resync_asked_lsn > resynced_lsn"
        clinic.wait_for("its end", lambda: one(clinic.at.target_dsn, open_) == 0)
    clinic.drain()
    assert clinic.problems() == []
