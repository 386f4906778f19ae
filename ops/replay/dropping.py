"""Dropping what rebuilds have left: a shadow that was not swapped, or the tables that were live until a swap.

Only tables that a rebuild has put there are dropped, and a schema only where nothing else is in it.
"""

from contextlib import suppress
from dataclasses import dataclass

import psycopg
from psycopg import sql

from consumers.plan import leaf
from ops import databases
from ops.controls import audit
from ops.databases import Connection
from ops.replay import journal
from ops.replay.journal import Rebuild
from ops.replay.shadow import OLD
from ops.stack.state import Endpoints
from schemas.errors import ConflictError, NotReadyError

APPLICATION = "rebuild"
# Tables of the entities, by the names that the control schema has of them, and their mappings.
_TABLES = """
    SELECT c.relname::text FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = %(schema)s AND c.relkind IN ('r', 'p') AND NOT c.relispartition
        AND (c.relname = ANY (%(mappings)s) OR EXISTS (
            SELECT FROM understudy.entities e
            WHERE e.entity = ANY (%(entities)s) AND right(e.target, length(c.relname) + 1) = '.' || c.relname))
    ORDER BY 1"""
_FORGET = (
    "DELETE FROM understudy.entities WHERE generation = 2 AND entity = ANY (%s)",
    "DELETE FROM understudy.checkpoints WHERE generation = 2 AND entity = ANY (%s)",
    "DELETE FROM understudy.waiting WHERE generation = 2 AND entity = ANY (%s)",
)
_DROPPED = "UPDATE understudy.rebuilds SET dropped_at = clock_timestamp() WHERE id = %s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """What a rebuild has left.

    Attributes:
        schema: Where it is.
        tables: Their names.
    """

    rebuild: Rebuild
    schema: str
    tables: tuple[str, ...]

    @property
    def labels(self) -> list[str]:
        """Schema and name of each table."""
        return [f"{self.schema}.{name}" for name in self.tables]

    def lines(self) -> list[str]:
        """Each thing as one line."""
        what = "live until its swap" if self.rebuild.swapped else "of a rebuild"
        return [f"table {label}, {what}" for label in self.labels]


def leftovers(target: Connection) -> list[Leftover]:
    """What all rebuilds have left; the control schema is there."""
    return [_leftover(target, rebuild) for rebuild in journal.undropped(target)]


def _leftover(target: Connection, rebuild: Rebuild) -> Leftover:
    schema = f"{rebuild.schema}{OLD}" if rebuild.swapped else rebuild.schema
    entities = list(rebuild.entities)
    mappings = ["migration_mappings", *map(leaf, entities)]
    parameters = {"schema": schema, "mappings": mappings, "entities": entities}
    tables = (str(name) for (name,) in target.execute(_TABLES, parameters).fetchall())
    return Leftover(rebuild=rebuild, schema=schema, tables=tuple(tables))


def drop(at: Endpoints, schema: str) -> Leftover:
    """Drop a shadow that was not swapped, or the old tables of one that was.

    Args:
        at: Where the servers are.
        schema: Of the shadow.

    Returns:
        What is dropped.

    Raises:
        NotReadyError: There is nothing of it.
        ConflictError: Something depends on one of the tables, or another command rebuilds.
    """
    with databases.target(at.target_dsn, APPLICATION) as target:
        journal.take(target)
        rebuild = journal.newest(target, schema)
        if rebuild is None:
            raise NotReadyError(
                f"there is no rebuild in {schema}", remedy="understudy replay --into"
            )
        left = _leftover(target, rebuild)
        _drop(target, left)
    return left


def drop_all(target: Connection) -> None:
    """Drop what all rebuilds have left, the newest first.

    Raises:
        ConflictError: Something depends on one of the tables, or another command rebuilds.
    """
    if left := leftovers(target):
        journal.take(target)
    for one in left:
        _drop(target, one)


def _drop(target: Connection, left: Leftover) -> None:
    rebuild = left.rebuild
    with target.transaction():
        _drop_tables(target, left)
        with suppress(psycopg.errors.DependentObjectsStillExist), target.transaction():
            drop_schema = sql.SQL("DROP SCHEMA IF EXISTS {}").format(sql.Identifier(left.schema))
            target.execute(drop_schema)
        for query in () if rebuild.swapped else _FORGET:
            target.execute(query, [list(rebuild.entities)])
        target.execute(_DROPPED, [rebuild.id])
        for name in rebuild.entities:
            audit(target, "rebuild dropped", name, {"schema": left.schema})


def _drop_tables(target: Connection, left: Leftover) -> None:
    if not left.tables:
        return
    listed = sql.SQL(", ").join(sql.Identifier(left.schema, name) for name in left.tables)
    try:
        target.execute(sql.SQL("DROP TABLE {}").format(listed))
    except psycopg.errors.DependentObjectsStillExist as error:
        raise ConflictError(
            f"something of others depends on tables in {left.schema}: {error.diag.message_primary}",
            remedy="Drop it, or have it depend on the live tables; \\d+ shows it.",
        ) from error
