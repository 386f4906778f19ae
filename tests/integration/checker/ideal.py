"""The target as a migration without a fault would leave it, filled from what the checker expects."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl
import psycopg
from psycopg import sql

from examples.clinic.load import DOMAINS, create_source, create_target
from tests.checker import expected as fates
from tests.checker.database import snapshot
from tests.checker.entities import CLINIC
from tests.checker.entity import Entity
from tests.checker.expected import Expected, expect
from tests.checker.mapping import EXCLUDED, LIVE

NAMESPACE = "6f1c1a52-6d0e-5d0b-9a53-0f2f5c1e7a10"
CONTROL = Path(__file__).parents[3] / "schemas" / "control"


def migrate(
    source_dsn: str, target_dsn: str, *, scale: float = 0.005, domains: Sequence[str] = DOMAINS
) -> None:
    """Create the clinic on both sides, and fill the tables of some domains."""
    create_source(source_dsn, scale, seed=1, domains=domains)
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
        for entity in CLINIC:
            _fill(target, entity, expected[entity.name])


def _fill(target: psycopg.Connection, entity: Entity, expected: Expected) -> None:
    """Write the rows of an entity, its mappings and what waits."""
    if not entity.joins:
        _copy(target, ("clinic", entity.target), expected.live.select("id", *expected.columns))
    name = {"entity": pl.lit(entity.name), "source": pl.lit(entity.source)}
    states = pl.col("fate").replace_strict({fates.LIVE: LIVE, fates.EXCLUDED: EXCLUDED}, default="")
    mappings = expected.rows.select(
        "legacy_key",
        "id",
        **name,
        state=states,
        generation=1,
        epoch=1,
        commit_lsn=1,
        ordinal=0,
        spec_version=1,
    )
    _copy(target, ("understudy", "migration_mappings"), mappings.filter(pl.col("state") != ""))
    reasons = pl.col("fate").replace_strict(
        {fates.PARKED: "parent", fates.DEAD: "rule"}, default=""
    )
    waiting = expected.rows.select(
        "legacy_key", **name, reason=reasons, epoch=1, commit_lsn=1, ordinal=0, deleted=pl.lit("f")
    )
    _copy(target, ("understudy", "waiting"), waiting.filter(pl.col("reason") != ""))


def _copy(target: psycopg.Connection, table: tuple[str, str], rows: pl.DataFrame) -> None:
    """Write rows; in CSV an empty text has quotes, NULL has none."""
    query = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(
        sql.Identifier(*table), sql.SQL(", ").join(map(sql.Identifier, rows.columns))
    )
    with target.cursor().copy(query) as copy:
        copy.write(rows.write_csv(include_header=False))
