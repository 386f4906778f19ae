"""Values in columns that no rule writes: they are the target's own, and go along from the live rows into the new ones.

Sequences, defaults and applications made them, and no topic has them. While a shadow is filled its sequences and
defaults give values for the time being; identity columns from a stretch of numbers that the live ones do not reach, so
that no unique key stands in the way.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from psycopg import sql

from consumers import catalog
from consumers.plan import leaf
from ops.databases import Connection
from ops.replay.shadow import Shadow
from schemas.entity import Entity

Place = tuple[str, str]
# Types without an equality, too.
_DIFFERS = sql.SQL("CAST(s.{0} AS text) IS DISTINCT FROM CAST(l.{0} AS text)")
_COPY = sql.SQL(
    "UPDATE {new} s SET {set} FROM {live} l WHERE s.{id} = l.{id} AND ({differs}){whose}"
)
_REMAINING = sql.SQL("SELECT {counts} FROM {new} s JOIN {live} l ON s.{id} = l.{id}{whose}")
# Of a table that several entities write.
_WHOSE = sql.SQL(" AND EXISTS (SELECT FROM {} m WHERE m.id = l.{} AND m.state = 'l')")
_IDENTITY = """
    SELECT a.attname::text FROM pg_catalog.pg_attribute a
    WHERE a.attrelid = to_regclass(%s) AND a.attidentity <> '' AND a.attname = ANY (%s)"""
_NUMBER = sql.SQL(
    "UPDATE {live} n SET {column} = DEFAULT WHERE NOT EXISTS (SELECT FROM {old} o WHERE o.{id} = n.{id})"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """The columns of an entity's rows that no rule writes.

    Attributes:
        table: Schema and name of the live table.
        id_column: Of the UUID.
        columns: Their names.
        mapping: Of the entity, where several have rows in the table.
        has_triggers: Whether triggers of the table may have their own mind of a column.
    """

    table: Place
    id_column: str
    columns: tuple[str, ...]
    mapping: Place | None
    has_triggers: bool

    @property
    def label(self) -> str:
        """Table and columns."""
        return f"{'.'.join(self.table)} ({', '.join(self.columns)})"


def find(target: Connection, shadow: Shadow) -> list[Own]:
    """The columns of the shadow's tables that no rule writes."""
    entities = [shadow.live.entities[name] for name in shadow.entities]
    owners = [entity for entity in entities if not entity.joined]
    return [found for owner in owners if (found := _of(target, owner, entities)).columns]


def _of(target: Connection, owner: Entity, entities: Sequence[Entity]) -> Own:
    sharing = [entity for entity in entities if entity.target.place == owner.target.place]
    ruled = {name for e in sharing if e is owner or e.joined for name in e.columns}
    live = catalog.read(target, owner.target)
    several = sum(not entity.joined for entity in sharing) > 1
    return Own(
        table=owner.target.place,
        id_column=owner.id_column,
        columns=tuple(
            c.name for c in live.table.columns if not c.generated and c.name not in ruled
        ),
        mapping=("understudy", leaf(owner.name)) if several else None,
        has_triggers=live.has_row_triggers,
    )


def carry_first(target: Connection, shadow: Shadow, found: Sequence[Own]) -> list[Own]:
    """Copy all values, before anybody waits; the worker of the shadow does.

    Returns:
        The columns in which nothing differs now; in others a trigger of the table has its own values.
    """
    kept = []
    target.execute("SET statement_timeout = 0")
    for own in found:
        with target.transaction():
            target.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            lock = sql.SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE")
            target.execute(lock.format(sql.Identifier(shadow.schema, own.table[1])))
            carry(target, shadow, [own])
            columns = tuple(_settled(target, shadow, own)) if own.has_triggers else own.columns
        kept += [replace(own, columns=columns)] if columns else []
    return kept


def carry(target: Connection, shadow: Shadow, found: Sequence[Own]) -> None:
    """Copy the values that differ; in a transaction of the caller."""
    for own in found:
        sets = (sql.SQL("{0} = l.{0}").format(sql.Identifier(name)) for name in own.columns)
        differs = (_DIFFERS.format(sql.Identifier(name)) for name in own.columns)
        target.execute(
            _COPY.format(
                set=sql.SQL(", ").join(sets),
                differs=sql.SQL(" OR ").join(differs),
                **_tables(shadow, own),
            )
        )


def _settled(target: Connection, shadow: Shadow, own: Own) -> Iterator[str]:
    counts = (
        sql.SQL("count(*) FILTER (WHERE {})").format(_DIFFERS.format(sql.Identifier(name)))
        for name in own.columns
    )
    query = _REMAINING.format(counts=sql.SQL(", ").join(counts), **_tables(shadow, own))
    (remaining,) = target.execute(query).fetchall()
    yield from (name for name, count in zip(own.columns, remaining, strict=True) if not count)


def _tables(shadow: Shadow, own: Own) -> dict[str, sql.Composable]:
    whose: sql.Composable = sql.SQL("")
    if own.mapping:
        whose = _WHOSE.format(sql.Identifier(*own.mapping), sql.Identifier(own.id_column))
    return {
        "new": sql.Identifier(shadow.schema, own.table[1]),
        "live": sql.Identifier(*own.table),
        "id": sql.Identifier(own.id_column),
        "whose": whose,
    }


def number(target: Connection, shadow: Shadow, found: Sequence[Own]) -> None:
    """Give rows that the old tables did not have the next numbers of identity columns; after the tables have moved."""
    for own in found:
        place = sql.Identifier(*own.table)
        for (name,) in target.execute(
            _IDENTITY, [place.as_string(target), list(own.columns)]
        ).fetchall():
            target.execute(
                _NUMBER.format(
                    live=place,
                    old=sql.Identifier(shadow.old, own.table[1]),
                    id=sql.Identifier(own.id_column),
                    column=sql.Identifier(str(name)),
                )
            )
