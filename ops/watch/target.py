"""What the control schema says of each entity."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Any, NamedTuple

from psycopg.errors import QueryCanceled
from psycopg.rows import kwargs_row

from ops.databases import Connection

_ENTITIES_SQL = files("ops.watch").joinpath("entities.sql").read_bytes()
_EXCLUDED_SQL = files("ops.watch").joinpath("excluded.sql").read_bytes()
EXCLUDED = "parent excluded"
_HAS_CONTROL_SQL = "SELECT to_regclass('understudy.entities') IS NOT NULL"
_ROWS_SQL = """
    SELECT entity, count(*) FROM understudy.migration_mappings
    WHERE generation = 1 AND state = 'l' GROUP BY entity
"""


class Checkpoint(NamedTuple):
    """How far one partition is.

    Attributes:
        watermark: Commit LSN of the last marker that it has reached; 0: none.
        watermark_ms: Source time of that marker, milliseconds since 1970.
        moved_ms_ago: How long ago a batch last moved it.
    """

    topic: str
    partition: int
    next_offset: int
    watermark: int
    watermark_ms: int
    moved_ms_ago: int

    @property
    def place(self) -> tuple[str, int]:
        """Topic and partition."""
        return self.topic, self.partition


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """The columns of entities.sql.

    Attributes:
        waiting: Rows that wait, by reason.
        dead_letters: Rows set aside, by SQLSTATE, constraint and column.
    """

    entity: str
    target: str
    phase: str
    is_paused: bool
    stopped_reason: str | None
    waiting: dict[str, int]
    dead_letters: dict[str, int]
    checkpoints: tuple[Checkpoint, ...]

    @property
    def watermark(self) -> int | None:
        """Commit LSN up to which all is applied; None before the first marker."""
        return min((one.watermark for one in self.checkpoints), default=0) or None

    @property
    def watermark_ms(self) -> int | None:
        """Source time of the marker there, milliseconds since 1970."""
        return min((one.watermark_ms for one in self.checkpoints), default=0) or None


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
        checkpoints=(),
    )


def read(connection: Connection) -> list[Entity]:
    """All entities in alphabetical order; none before the first worker has run."""
    row = connection.execute(_HAS_CONTROL_SQL).fetchone()
    if row is None or not row[0]:
        return []
    with connection.cursor(row_factory=kwargs_row(_entity)) as cursor:
        return cursor.execute(_ENTITIES_SQL).fetchall()


def excluded(connection: Connection) -> dict[tuple[str, str], int]:
    """How many parked rows wait for a parent that is left out, by entity and stored reason; takes ten times as long."""
    rows = connection.execute(_EXCLUDED_SQL).fetchall()
    return {(str(entity), str(reason)): int(str(count)) for entity, reason, count in rows}


def with_excluded(found: Entity, known: Mapping[tuple[str, str], int]) -> Entity:
    """The entity with these rows under a reason of their own."""
    waiting = dict(found.waiting)
    for reason, rows in found.waiting.items():
        out = min(rows, known.get((found.entity, reason), 0))
        waiting[reason] -= out
        waiting[EXCLUDED] = waiting.get(EXCLUDED, 0) + out
    return replace(found, waiting={reason: rows for reason, rows in waiting.items() if rows})


def _entity(*, checkpoints: list[list[Any]], **columns: Any) -> Entity:
    return Entity(checkpoints=tuple(Checkpoint(*one) for one in checkpoints), **columns)


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
