"""Servers crash and come back while the pipeline runs; afterwards both sides are equal."""

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from ops.stack import stack as embedded
from ops.stack.process import send, wait_for_end
from ops.stack.state import load, temporary_home
from tests.fix_pipeline import Pipeline, clinic_of, one, writing

DEADLINE_S = 30.0


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A stack of our own to break."""
    folder = temporary_home("test")
    try:
        embedded.up(folder)
        yield folder
    finally:
        embedded.down(folder)
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def live(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """One run of the clinic for all of these tests, which leave it running and equal."""
    for clinic in clinic_of(tmp_path_factory.mktemp("live"), "live", embedded.up(home)):
        clinic.start("run")
        clinic.wait_for("the tail", clinic.in_tail)
        yield clinic


def crash(home: Path, name: str, how: signal.Signals) -> None:
    """End a server; SIGQUIT is PostgreSQL's immediate shutdown, which recovers as after a crash."""
    process = load(home).processes[name]
    send(process, how)
    assert not wait_for_end([process], DEADLINE_S)


def require_equal(live: Pipeline) -> None:
    live.drain()
    assert live.problems() == []


def test_case_058_f10_the_source_crashes_and_a_prepared_transaction_survives(
    live: Pipeline, home: Path
) -> None:
    with writing(live.at, seed=1):
        live.wait_for_progress()
    with psycopg.connect(live.at.source_dsn) as source:
        source.execute("INSERT INTO ledger (account, amount) VALUES (20, 20)")
        source.execute("PREPARE TRANSACTION 'case 20'")
    crash(home, "legacy", signal.SIGQUIT)
    embedded.up(home)
    require_equal(live)
    count = "SELECT count(*) FROM extra.ledger WHERE account = 20"
    assert one(live.at.target_dsn, count) == 0
    with psycopg.connect(live.at.source_dsn, autocommit=True) as source:
        source.execute("COMMIT PREPARED 'case 20'")
    with writing(live.at, seed=2):
        live.wait_for_progress()
    require_equal(live)
    assert one(live.at.target_dsn, count) == 1


@pytest.mark.long
def test_case_091_f13_the_target_crashes(live: Pipeline, home: Path) -> None:
    with writing(live.at, seed=3):
        live.wait_for_progress()
        crash(home, "target", signal.SIGQUIT)
        embedded.up(home)
        live.wait_for_progress()
    require_equal(live)


def test_case_063_f6_the_broker_is_killed(live: Pipeline, home: Path) -> None:
    with writing(live.at, seed=4) as bookkeeper:
        live.wait_for_progress()
        crash(home, "kafka", signal.SIGKILL)
        written = len(bookkeeper.entries)
        live.wait_for("more to capture", lambda: len(bookkeeper.entries) > written + 10)
        embedded.up(home)
        live.wait_for_progress()
    require_equal(live)


@pytest.mark.long
def test_case_078_known_schemas_go_on_while_the_registry_is_down(
    live: Pipeline, home: Path
) -> None:
    crash(home, "registry", signal.SIGKILL)
    with writing(live.at, seed=5):
        live.start("consume")  # It has yet to learn the schemas.
        live.wait_for_progress()
    require_equal(live)
    embedded.up(home)
