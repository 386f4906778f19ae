"""What the control schema says of each entity."""

from dataclasses import dataclass
from importlib.resources import files

from psycopg.errors import QueryCanceled
from psycopg.rows import class_row

from ops.databases import Connection

_ENTITIES_SQL = files("ops.watch").joinpath("entities.sql").read_bytes()
_HAS_CONTROL_SQL = "SELECT to_regclass('understudy.entities') IS NOT NULL"
_ROWS_SQL = """
    SELECT entity, count(*) FROM understudy.migration_mappings
    WHERE generation = 1 AND state = 'l' GROUP BY entity
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """The columns of entities.sql.

    Attributes:
        waiting: Rows that wait, by reason.
        dead_letters: Rows set aside, by SQLSTATE, constraint and column.
        offsets: Topic, partition and checkpoint of each.
        watermark: Commit LSN up to which all is applied; None: no consumer has begun.
        watermark_ms: Source time of the marker there, milliseconds since 1970.
    """

    entity: str
    target: str
    phase: str
    is_paused: bool
    stopped_reason: str | None
    waiting: dict[str, int]
    dead_letters: dict[str, int]
    offsets: list[tuple[str, int, int]]
    watermark: int | None
    watermark_ms: int | None


def unseen(name: str, table: str) -> Entity:
    """An entity that no worker has registered yet."""
    return Entity(
        entity=name,
        target=table,
        phase="new",
        is_paused=False,
        stopped_reason=None,
        waiting={},
        dead_letters={},
        offsets=[],
        watermark=None,
        watermark_ms=None,
    )


def read(connection: Connection) -> list[Entity]:
    """All entities in alphabetical order; none before the first worker has run."""
    row = connection.execute(_HAS_CONTROL_SQL).fetchone()
    if row is None or not row[0]:
        return []
    with connection.cursor(row_factory=class_row(Entity)) as cursor:
        return cursor.execute(_ENTITIES_SQL).fetchall()


def rows(connection: Connection, limit_ms: int) -> dict[str, int] | None:
    """Rows in the target, by entity; reads the whole mapping.

    Args:
        connection: Outside of a transaction.
        limit_ms: How long that may take; 0: as long as it takes.

    Returns:
        None if it takes longer.
    """
    try:
        with connection.transaction():
            connection.execute("SELECT set_config('statement_timeout', %s, true)", [str(limit_ms)])
            found = connection.execute(_ROWS_SQL).fetchall()
    except QueryCanceled:
        return None
    return {str(entity): int(str(count)) for entity, count in found}
