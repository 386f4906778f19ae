"""F4: a stopped worker whose partitions went to another writes nothing when it wakes, and blocks nobody."""

import signal

import psycopg
import pytest

from tests.fix_pipeline import Part, Pipeline, one, writing

# Of this, 3 s pass until Kafka gives the partitions away, and 5 s until a silent session is ended.
TAKEOVER_S = 60.0
# Each lets the worker go on, on the server only, once the lock is released.
STOPPED_IN = [
    pytest.param(
        "LOCK TABLE extra.ledger IN ACCESS EXCLUSIVE MODE",
        id="with the locks of its batch",
        marks=pytest.mark.long,
    ),
    pytest.param(
        "SELECT FROM understudy.entities WHERE entity = 'ledger' FOR UPDATE",
        id="before its locks",
    ),
]


@pytest.mark.long
@pytest.mark.parametrize("lock", STOPPED_IN)
def test_case_070_a_stopped_worker_is_replaced_and_wakes_without_effect(
    clinic: Pipeline, lock: str
) -> None:
    with writing(clinic.at, seed=3):
        clinic.start("produce")
        first = clinic.start("consume")
        clinic.wait_for("the tail", clinic.in_tail)
        stop_in_a_batch(clinic, first, lock)
        stood_at = clinic.applied("ledger")
        clinic.start("consume")
        clinic.wait_for("the successor", lambda: clinic.applied("ledger") > stood_at, TAKEOVER_S)
        first.signal(signal.SIGCONT)
        clinic.wait_for("its new share", lambda: first.log.read_text().count("assigned") > 1)
    clinic.drain()
    assert clinic.problems() == []


def stop_in_a_batch(clinic: Pipeline, worker: Part, lock: str) -> None:
    """SIGSTOP a worker while its transaction waits for a lock of ours."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE %s = ANY (pg_blocking_pids(pid))"
    with psycopg.connect(clinic.at.target_dsn) as blocker:
        blocker.execute(lock.encode())
        pid = blocker.info.backend_pid
        clinic.wait_for("a batch", lambda: one(clinic.at.target_dsn, waiting, pid))
        worker.signal(signal.SIGSTOP)
