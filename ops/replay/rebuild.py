"""`replay --into`: entities are rebuilt from their topics beside the live tables; what a rebuild has left is dropped.

Filling a shadow may take hours, and disturbs nobody: no row of the live tables is written or locked for it, but for
the key share of a parent that no foreign key holds.
"""

from collections.abc import Sequence

from psycopg import sql

from ops import databases
from ops.controls import audit
from ops.databases import Connection
from ops.proof import verify
from ops.proof.exact_point import Say
from ops.replay import checks, journal, tables
from ops.replay.filling import filling
from ops.replay.journal import Rebuild
from ops.replay.patience import Patience
from ops.replay.shadow import OLD, Shadow, closed
from ops.stack.state import Endpoints
from schemas import failpoint
from schemas.errors import ConflictError, NotReadyError
from schemas.migration import Migration

APPLICATION = "rebuild"
_TABLES = """
    SELECT c.relname::text FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = %s AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1"""
_FORGET = (
    "DELETE FROM understudy.entities WHERE generation = 2 AND entity = ANY (%s)",
    "DELETE FROM understudy.checkpoints WHERE generation = 2 AND entity = ANY (%s)",
    "DELETE FROM understudy.waiting WHERE generation = 2 AND entity = ANY (%s)",
)
_DROPPED = "UPDATE understudy.rebuilds SET dropped_at = clock_timestamp() WHERE id = %s"


def into(
    migration: Migration,
    at: Endpoints,
    entities: Sequence[str],
    schema: str,
    say: Say,
    patience: Patience,
) -> bool:
    """Fill a shadow until it is in step with the live tables; interrupted, it goes on where it was.

    Args:
        migration: A pipeline that runs.
        at: Where its servers are.
        entities: Names; what cannot be rebuilt without them comes along.
        schema: Of the shadow.
        say: Told what is being done.
        patience: How.

    Returns:
        Whether it is in step; it is not where it was stopped.

    Raises:
        UsageError, NotReadyError, ConflictError, MismatchError: As `checks`.
    """
    shadow = Shadow(live=migration, at=at, schema=schema, entities=closed(migration, entities))
    along = sorted(set(shadow.entities) - set(entities))
    if along:
        say(f"together with {', '.join(along)}: they share a topic or a table")
    with databases.target(at.target_dsn, APPLICATION) as target:
        journal.take(target)
        rebuild = journal.newest(target)
        if rebuild is None or rebuild.swapped:
            _begin(target, shadow, say, patience)
        elif (rebuild.schema, rebuild.entities) != (schema, shadow.entities):
            listed = ", ".join(rebuild.entities)
            raise ConflictError(
                f"{listed} are rebuilt in {rebuild.schema} at present",
                remedy=f"Swap them first, or give it up: understudy replay --into {rebuild.schema} --drop.",
            )
        with filling(shadow, shadow.migration(target), target) as worker:
            return worker.await_step(target, say, patience.stop)


def _begin(target: Connection, shadow: Shadow, say: Say, patience: Patience) -> None:
    checks.require_rebuildable(target, shadow)
    checks.require_whole_topics(shadow)
    say("looking for rows of the live target that others have written")
    found = verify.take(shadow.live, shadow.at, shadow.entities, say, timeout_s=patience.timeout_s)
    others = checks.written_by_others(found)
    checks.require_accepted(others, "were written by others", patience.accepted)
    tables.create(target, shadow, shadow.migration(target))
    say(f"made the tables of {', '.join(shadow.entities)} in {shadow.schema}")
    failpoint.reach("rebuild.begun")


def drop(at: Endpoints, schema: str) -> list[str]:
    """Drop a shadow that was not swapped, or the old tables of one that was.

    Args:
        at: Where the servers are.
        schema: Of the shadow.

    Returns:
        The tables, with their schema.

    Raises:
        NotReadyError: There is nothing of it.
        TargetError: Something depends on one of the tables.
    """
    with databases.target(at.target_dsn, APPLICATION) as target:
        journal.take(target)
        rebuild = journal.newest(target, schema)
        if rebuild is None:
            raise NotReadyError(
                f"there is no rebuild in {schema}", remedy="understudy replay --into"
            )
        with target.transaction():
            return _drop(target, rebuild)


def _drop(target: Connection, rebuild: Rebuild) -> list[str]:
    where = f"{rebuild.schema}{OLD}" if rebuild.swapped else rebuild.schema
    named = [str(name) for (name,) in target.execute(_TABLES, [where]).fetchall()]
    listed = sql.SQL(", ").join(sql.Identifier(where, name) for name in named)
    target.execute(sql.SQL("DROP TABLE {}").format(listed))
    target.execute(sql.SQL("DROP SCHEMA {}").format(sql.Identifier(where)))
    for query in () if rebuild.swapped else _FORGET:
        target.execute(query, [list(rebuild.entities)])
    target.execute(_DROPPED, [rebuild.id])
    for name in rebuild.entities:
        audit(target, "rebuild dropped", name, {"schema": where})
    return [f"{where}.{name}" for name in named]
