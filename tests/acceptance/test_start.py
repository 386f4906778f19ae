"""From a legacy database that nobody has described to a first sync that goes on, with nothing written by hand."""

from pathlib import Path

import psycopg
import pytest

from ops.stack.state import Endpoints
from tests.acceptance.commands import running, wait_for
from tests.here import command_here
from tests.unknown import AWKWARD, KEYED, LOOSE, Unknown, run

TAIL = "SELECT count(*) > 0 AND bool_and(phase = 'tail') FROM understudy.entities"


def in_tail(dsn: str) -> bool:
    with psycopg.connect(dsn) as connection:
        try:
            return connection.execute(TAIL.encode()).fetchall() == [(True,)]
        except psycopg.errors.UndefinedTable:
            return False


@pytest.fixture
def at(endpoints: Endpoints, monkeypatch: pytest.MonkeyPatch) -> Endpoints:
    """Two empty databases; Kafka and the registry as the environment names them."""
    monkeypatch.setenv("UNDERSTUDY_KAFKA__BOOTSTRAP", endpoints.bootstrap)
    monkeypatch.setenv("UNDERSTUDY_REGISTRY__URL", endpoints.registry_url)
    monkeypatch.setenv("UNDERSTUDY_HEARTBEAT_MS", "200")
    return endpoints


@pytest.mark.parametrize(
    "unknown",
    [KEYED, *(pytest.param(one, marks=pytest.mark.long) for one in (AWKWARD, LOOSE))],
    ids=lambda unknown: unknown.name,
)
def test_an_unknown_database_is_in_sync_after_init_its_ddl_and_run(
    unknown: Unknown, at: Endpoints, prefix: str, tmp_path: Path
) -> None:
    unknown.make(at.source_dsn)
    if unknown.repair:
        run(at.source_dsn, unknown.repair)
    folder, log = tmp_path / prefix, tmp_path / "run.log"
    begun = command_here("init", folder, "--source", at.source_dsn, "--target", at.target_dsn)
    assert begun.returncode == 0, begun.stderr
    run(at.target_dsn, (folder / "target.sql").read_text())

    def differences() -> list[str]:
        return unknown.differences(at.source_dsn, at.target_dsn, prefix)

    with running(log, "run", folder):
        wait_for("the tail", lambda: in_tail(at.target_dsn), log)
        wait_for("the snapshot", lambda: differences() == [], log)
        run(at.source_dsn, unknown.more)
        wait_for("what was written meanwhile", lambda: differences() == [], log)
        verified = command_here("verify", folder)
    assert verified.returncode == 0, verified.stdout + verified.stderr
