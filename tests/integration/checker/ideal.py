"""The target as a migration without a fault would leave it, filled from what the checker expects."""

from collections.abc import Iterable
from pathlib import Path

import psycopg
from psycopg import sql

from examples.clinic.load import create_source, create_target
from tests.checker.database import snapshot
from tests.checker.entities import CLINIC
from tests.checker.expected import Expected, expect
from tests.checker.mapping import EXCLUDED, LIVE

NAMESPACE = "6f1c1a52-6d0e-5d0b-9a53-0f2f5c1e7a10"
CONTROL = Path(__file__).parents[3] / "schemas" / "control"
MAPPING = (
    "COPY understudy.migration_mappings (generation, entity, source, legacy_key, id, state,"
    " epoch, commit_lsn, ordinal, spec_version) FROM STDIN"
)
WAITING = (
    "COPY understudy.waiting (entity, source, legacy_key, epoch, commit_lsn, ordinal, deleted,"
    " reason) FROM STDIN"
)


def migrate(source_dsn: str, target_dsn: str, *, scale: float = 0.005, seed: int = 1) -> None:
    """Create the clinic on both sides, the target filled."""
    create_source(source_dsn, scale, seed)
    create_target(target_dsn)
    with snapshot(source_dsn) as source:
        expected = expect(source, CLINIC, NAMESPACE)
    with psycopg.connect(target_dsn) as target:
        for path in sorted(CONTROL.glob("*.sql")):
            target.execute(path.read_bytes())
        target.execute(
            "CREATE TABLE understudy.rest PARTITION OF understudy.migration_mappings DEFAULT"
        )
        target.execute("SET session_replication_role = replica")  # Projects and plans are a ring.
        for name, rows in expected.items():
            _fill(target, name, rows)


def _fill(target: psycopg.Connection, entity: str, expected: Expected) -> None:
    table = sql.SQL("COPY clinic.{} (id, {}) FROM STDIN").format(
        sql.Identifier(entity), sql.SQL(", ").join(map(sql.Identifier, expected.columns))
    )
    source = f"public.{entity}"
    _copy(target, table, ((expected.ids[key], *row) for key, row in expected.live.items()))
    states = [(key, LIVE) for key in expected.live] + [(key, EXCLUDED) for key in expected.excluded]
    _copy(
        target,
        sql.SQL(MAPPING),
        ((1, entity, source, key, expected.ids[key], state, 1, 1, 0, 1) for key, state in states),
    )
    reasons = [(key, "parent") for key in expected.parked] + [
        (key, "rule") for key in expected.dead
    ]
    _copy(
        target,
        sql.SQL(WAITING),
        ((entity, source, key, 1, 1, 0, False, reason) for key, reason in reasons),
    )


def _copy(
    target: psycopg.Connection, query: sql.SQL | sql.Composed, rows: Iterable[tuple[object, ...]]
) -> None:
    with target.cursor() as cursor, cursor.copy(query) as copy:
        for row in rows:
            copy.write_row(row)
