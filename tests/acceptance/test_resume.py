"""The whole pipeline goes on after what happens to it; afterwards both sides are equal."""

from functools import partial
from pathlib import Path

import psutil
import psycopg
import pytest

from tests.checker.entities.foundation import FOUNDATION
from tests.crowding import crowding_of_late
from tests.fix_pipeline import Pipeline, one, writing

STOP_S_MAX = 10.0
MEMORY_MB_MAX = 400
HUGE = """
INSERT INTO ledger (account, amount, note) SELECT n, n, repeat(md5(n::text), 125) FROM generate_series(1, 40000) n"""
# Rows whose reference is owed are tried again whenever the parent comes by, to the same end.
ROW_VERSIONS = """
SELECT md5(string_agg(concat(ctid, xmin, id), ',' ORDER BY id)) FROM {}
WHERE id NOT IN (SELECT id FROM understudy.migration_mappings WHERE owed IS NOT NULL)"""
TABLES = ("extra.ledger", *(f"clinic.{name}" for name in sorted({e.target for e in FOUNDATION})))


def start(clinic: Pipeline) -> None:
    """Start both parts, and wait for the tail."""
    clinic.start("produce")
    clinic.start("consume")
    clinic.wait_for("the tail", clinic.in_tail)


@pytest.mark.long
def test_case_016_a_huge_transaction_takes_little_memory(clinic: Pipeline) -> None:
    start(clinic)
    with psycopg.connect(clinic.at.source_dsn) as source:
        source.execute(HUGE.encode())
    clinic.drain()
    assert [part.name for part in clinic.parts if peak_mb(part.process.pid) > MEMORY_MB_MAX] == []
    assert clinic.problems() == []


def peak_mb(pid: int) -> int:
    """Resident memory at its highest."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) // 1024


def test_case_019_transactions_that_are_open_while_the_slot_is_made_arrive(
    clinic: Pipeline,
) -> None:
    waits = "SELECT count(*) FROM pg_stat_activity WHERE %s = ANY (pg_blocking_pids(pid))"
    insert = "INSERT INTO ledger (account, amount) VALUES (7, 7)"
    source = clinic.at.source_dsn
    with psycopg.connect(source) as before, psycopg.connect(source) as after:
        before.execute(insert)
        clinic.start("produce")
        pid = before.info.backend_pid
        clinic.wait_for("the slot to wait", lambda: one(source, waits, pid))
        after.execute(insert)
        before.commit()
        clinic.wait_for("the slot to wait", lambda: one(source, waits, after.info.backend_pid))
        after.execute(insert)
    clinic.start("consume")
    clinic.wait_for("the tail", clinic.in_tail)
    clinic.drain()
    assert clinic.problems() == []


@pytest.mark.long
def test_case_067_a_replay_from_the_beginning_changes_no_row(clinic: Pipeline) -> None:
    with writing(clinic.at, seed=4):
        start(clinic)
    clinic.drain()
    assert clinic.problems() == []  # Rows that waited for each other have come to rest, too.
    clinic.stop(clinic.parts[1])
    before = row_versions(clinic)
    with psycopg.connect(clinic.at.target_dsn) as target:
        target.execute("DROP TRIGGER audit ON understudy.checkpoints")
        target.execute("UPDATE understudy.checkpoints SET next_offset = 0, watermark = 0")
    clinic.start("consume")
    clinic.drain()
    assert row_versions(clinic) == before
    assert clinic.problems() == []


def row_versions(clinic: Pipeline) -> dict[str, object]:
    """Changes when any row is written, whatever it holds."""
    return {table: one(clinic.at.target_dsn, ROW_VERSIONS.format(table)) for table in TABLES}


@pytest.mark.long
def test_f13_sessions_that_are_ended_again_and_again_cost_nothing(clinic: Pipeline) -> None:
    end = (
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name LIKE 'understudy%%'"
    )
    with writing(clinic.at, seed=5):
        start(clinic)
        for dsn in (clinic.at.target_dsn, clinic.at.source_dsn) * 5:
            clinic.wait_for("sessions", partial(one, dsn, end))
            clinic.wait_for_progress()
    clinic.drain()
    assert clinic.problems() == []


@pytest.mark.long
def test_sigterm_in_the_middle_ends_run_in_time_and_the_next_goes_on(clinic: Pipeline) -> None:
    with writing(clinic.at, seed=6):
        for _ in range(2):
            run = clinic.start("run", "--workers", "2")
            clinic.wait_for_progress()
            children = psutil.Process(run.process.pid).children()
            assert clinic.stop(run) < STOP_S_MAX * crowding_of_late()
            assert not [child for child in children if child.is_running()]
        clinic.start("run")
    clinic.wait_for("the tail", clinic.in_tail)
    clinic.drain()
    assert clinic.problems() == []
