"""The whole life of one row: where it stands in both databases, what is recorded of it, and its events in Kafka."""

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl
import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from consumers import identity
from consumers.assembly import Schemas
from consumers.plan import leaf
from ops import databases, wiring
from ops.controls import require_control
from ops.databases import Connection
from ops.preflight import catalogs
from ops.proof.events import Event, events
from ops.stack.state import Endpoints
from schemas.complaints import did_you_mean
from schemas.entity import Entity
from schemas.errors import NotFoundError, SourceUnfitError, UsageError
from schemas.event_id import lsn_text
from schemas.migration import Migration
from schemas.table import CATALOG_SQL, Table, tables_of

APPLICATION = "trace"
_STATES = {"l": "in the target", "d": "deleted", "x": "excluded", "p": "parked", "m": "merged"}
_MAPPING = sql.SQL("""
    SELECT legacy_key, CAST(id AS text) AS id, CAST(state AS text) AS state, epoch, commit_lsn, ordinal, spec_version,
        partition, "offset", moved_to, repaired, CAST(owed AS text[]) AS owed, original
    FROM {mapping} WHERE generation = 1 AND source = {source} AND {column} = {value}""")
_WAITING = """
    SELECT reason, waits_for, CAST(waits_id AS text) AS waits_id, sqlstate, error, constraint_name, column_name,
        deleted, image, topic, partition, "offset", commit_lsn, spec_version, attempts, first_at, tried_at
    FROM understudy.waiting WHERE generation = 1 AND entity = %s AND source = %s AND legacy_key = %s"""
_DONE = """
    SELECT at, who, action, detail ->> 'why' AS why FROM understudy.audit_log
    WHERE subject = %s AND jsonb_exists(detail -> 'keys', %s) ORDER BY id"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """What is known of one row under the rules of one entity.

    Attributes:
        merged_into: The entity whose row has its columns; None: it has a row of its own.
        legacy_row: As the source has it now; None: it is not there.
        target_row: As the target has it now; None: it is not there.
        mapping: What the mapping records, the original row included; None: nothing was ever applied.
        waiting: The dead letter or parked image; None: nothing waits.
        parent: `source` and `legacy_key` of the row that it waits for; None: none, or the image does not name it.
        done: What operators did with it, in order.
        events: Its records in Kafka, in order.
    """

    entity: str
    source: str
    target: str
    legacy_key: str
    merged_into: str | None = None
    legacy_row: dict[str, Any] | None = None
    target_row: dict[str, Any] | None = None
    mapping: dict[str, Any] | None = None
    waiting: dict[str, Any] | None = None
    parent: dict[str, str] | None = None
    done: tuple[dict[str, Any], ...] = ()
    events: tuple[Event, ...] = ()

    @property
    def state(self) -> str:
        """Where the row is, in a word or two."""
        if self.waiting is not None:
            return "dead letter" if self.waiting["reason"] == "rule" else "parked"
        if self.mapping is None:
            return "never applied"
        is_merged = self.merged_into is not None and self.mapping["state"] == "l"
        return f"merged into {self.merged_into}" if is_merged else _STATES[self.mapping["state"]]

    def as_json(self) -> dict[str, Any]:
        """For `--output json`."""
        return asdict(self) | {"state": self.state}


def of_legacy_row(
    migration: Migration, at: Endpoints, table: str, key: Sequence[str]
) -> list[Life]:
    """The life of a legacy row, under each entity that reads its table.

    Args:
        migration: Of which it is.
        at: Where the servers are.
        table: Legacy table, `schema.table`.
        key: A value for each column of its key, or the JSON array of them that other commands print.

    Raises:
        UsageError: No entity reads that table.
        NotReadyError: No worker has ever run.
    """
    entities = [e for e in migration.entities.values() if str(e.source) == table]
    _require(entities, table, [str(e.source) for e in migration.entities.values()])
    with _looking(migration, at) as looking:
        legacy = looking.table(entities[0])
        return [
            looking.life(entity, looking.spelled(entity, _one_text(entity, legacy, key)))
            for entity in entities
        ]


def of_target_row(migration: Migration, at: Endpoints, table: str, row_id: str) -> list[Life]:
    """The life of a target row: of the legacy row that it was made from, and of those that were merged into it.

    Args:
        migration: Of which it is.
        at: Where the servers are.
        table: Target table, `schema.table`.
        row_id: Its UUID.

    Raises:
        UsageError: No entity writes that table.
        NotFoundError: None has ever made that row.
        NotReadyError: No worker has ever run.
    """
    try:
        uuid.UUID(row_id)
    except ValueError:
        raise UsageError(f"{row_id} is no UUID") from None
    entities = [e for e in migration.entities.values() if str(e.target) == table]
    _require(entities, table, [str(e.target) for e in migration.entities.values()])
    with _looking(migration, at) as looking:
        found = [
            looking.life(entity, str(mapping["legacy_key"]))
            for entity in entities
            for mapping in looking.mappings(entity, "id", row_id)
        ]
    if not found:
        raise NotFoundError(
            "no legacy row ever became it",
            table=table,
            id=row_id,
            remedy="Check the UUID; or the row was written by somebody else.",
        )
    return found


def parent_of(
    migration: Migration, entity: Entity, waiting: Mapping[str, Any]
) -> dict[str, str] | None:
    """Legacy table and key of the row that a row waits for.

    The UUID that it waits for tells which of several references it is, and that the image spells the key as the
    parent does.
    """
    parent = migration.entities.get(waiting["waits_for"] or "")
    if parent is None or not waiting["waits_id"]:
        return None
    ids = identity.Identity(migration.pipeline.namespace, parent.name)
    wanted = uuid.UUID(waiting["waits_id"]).hex
    for rule in entity.refs.values():
        parts = [str(waiting["image"].get(name)) for name in rule.columns]
        key = parts[0] if len(parts) == 1 else identity.composite(parts)
        if rule.ref == parent.name and ids.one(key) == wanted:
            return {"source": str(parent.source), "legacy_key": key}
    return None


def _require(entities: Sequence[Entity], table: str, tables: list[str]) -> None:
    if not entities:
        hint = did_you_mean(table, tables)
        raise UsageError(
            f"no entity knows the table {table}{hint}", remedy="understudy plan lists them."
        )


def _one_text(entity: Entity, legacy: Table, key: Sequence[str]) -> str:
    """The legacy key as the mapping spells it."""
    columns = entity.key or legacy.key
    if len(key) == 1:
        return key[0] if len(columns) == 1 else identity.composite(_parts(columns, key[0]))
    whole = identity.composite(key)
    _parts(columns, whole)
    return whole


class _Looking:
    """Looks a row up in both databases and in Kafka."""

    def __init__(
        self, migration: Migration, at: Endpoints, source: Connection, target: Connection
    ) -> None:
        self._migration = migration
        self._at = at
        self._source = source
        self._target = target
        require_control(target)

    def table(self, entity: Entity) -> Table:
        wanted = catalogs.places([entity.source.place])
        found = tables_of(self._source.execute(CATALOG_SQL, wanted).fetchall())
        if entity.source.place not in found:
            raise SourceUnfitError("the legacy table does not exist", table=str(entity.source))
        return found[entity.source.place]

    def mappings(self, entity: Entity, column: str, value: str) -> list[dict[str, Any]]:
        query = _MAPPING.format(
            mapping=sql.Identifier("understudy", leaf(entity.name)),
            source=sql.Literal(str(entity.source)),
            column=sql.Identifier(column),
            value=sql.Literal(value),
        )
        with self._target.cursor(row_factory=dict_row) as cursor:
            return [_with_lsn(row) for row in cursor.execute(query).fetchall()]

    def life(self, entity: Entity, key: str) -> Life:
        place = [entity.name, str(entity.source), key]
        mapping = next(iter(self.mappings(entity, "legacy_key", key)), None)
        with self._target.cursor(row_factory=dict_row) as cursor:
            waiting = cursor.execute(_WAITING, place).fetchone()
            done = cursor.execute(_DONE, [entity.name, key]).fetchall()
        known = mapping or waiting
        return Life(
            entity=entity.name,
            source=str(entity.source),
            target=str(entity.target),
            legacy_key=key,
            merged_into=entity.joined,
            legacy_row=self._legacy_row(entity, key),
            target_row=self._target_row(entity, mapping),
            mapping=mapping,
            waiting=_with_lsn(waiting) if waiting else None,
            parent=parent_of(self._migration, entity, waiting) if waiting else None,
            done=tuple(done),
            events=tuple(self._events(entity, known)) if known else (),
        )

    def spelled(self, entity: Entity, key: str) -> str:
        """The key as the mapping spells it, if there is a legacy row: somebody may write 007 for 7."""
        legacy = self.table(entity)
        columns = entity.key or legacy.key
        texts = [sql.SQL("CAST({} AS text)").format(sql.Identifier("t", name)) for name in columns]
        query = sql.SQL("SELECT {} FROM {} t WHERE {}").format(
            sql.SQL(", ").join(texts),
            sql.Identifier(*entity.source.place),
            _same(legacy, columns, key),
        )
        with _values_of(entity.source.place):
            row = self._source.execute(query).fetchone()
        if row is None:
            return key
        parts = [
            identity.normal_form(pl.Series([str(value)]), column.base if column else "text")
            for value, column in zip(row, map(legacy.column, columns), strict=True)
        ]
        return str(identity.legacy_keys(parts)[0])

    def _legacy_row(self, entity: Entity, key: str) -> dict[str, Any] | None:
        legacy = self.table(entity)
        same = _same(legacy, entity.key or legacy.key, key)
        return _row(self._source, entity.source.place, same)

    def _target_row(self, entity: Entity, mapping: dict[str, Any] | None) -> dict[str, Any] | None:
        if mapping is None:
            return None
        same = sql.SQL("{} = {}").format(
            sql.Identifier("t", entity.id_column), sql.Literal(mapping["id"])
        )
        return _row(self._target, entity.target.place, same)

    def _events(self, entity: Entity, known: dict[str, Any]) -> list[Event]:
        if known["offset"] is None:
            return []
        schemas = Schemas(wiring.registry(self._migration, self._at))
        consumer = wiring.reader(self._migration, self._at)
        try:
            topic = self._migration.topic(entity)
            return events(consumer, topic, known["partition"], known["offset"], schemas.reader)
        finally:
            consumer.close()


@contextmanager
def _looking(migration: Migration, at: Endpoints) -> Iterator[_Looking]:
    with (
        databases.source(at.source_dsn, APPLICATION) as source,
        databases.target(at.target_dsn, APPLICATION) as target,
    ):
        yield _Looking(migration, at, source, target)


def _parts(columns: Sequence[str], key: str) -> list[str]:
    """The texts of a key of several columns."""
    try:
        parts = json.loads(key)
    except ValueError:
        parts = None
    if not isinstance(parts, list) or len(parts) != len(columns):
        raise UsageError(
            f"the key has {len(columns)} columns: {', '.join(columns)}",
            key=key,
            remedy="Give a value for each, or the JSON array that other commands print.",
        )
    return [str(part) for part in parts]


def _same(legacy: Table, columns: Sequence[str], key: str) -> sql.Composable:
    """The condition that a legacy row `t` has a key."""
    values = [key] if len(columns) == 1 else _parts(columns, key)
    return sql.SQL(" AND ").join(
        sql.SQL("CAST({} AS text) = {}").format(sql.Identifier("t", name), sql.Literal(value))
        if _is_text(legacy, name)
        else sql.SQL("{} = {}").format(sql.Identifier("t", name), sql.Literal(value))
        for name, value in zip(columns, values, strict=True)
    )


def _is_text(legacy: Table, name: str) -> bool:
    """Whether a key is compared as the text that it prints: an enum, say, does not take any."""
    column = legacy.column(name)
    return column is not None and column.type != column.base


def _row(
    connection: Connection, place: tuple[str, str], same: sql.Composable
) -> dict[str, Any] | None:
    """The columns of a row as texts: a number of JSON would lose digits."""
    query = sql.SQL(
        "SELECT each.* FROM {} t, jsonb_each_text(to_jsonb(t)) AS each WHERE {}"
    ).format(sql.Identifier(*place), same)
    with _values_of(place):
        rows = connection.execute(query).fetchall()
    return {str(name): value for name, value in rows} or None


@contextmanager
def _values_of(place: tuple[str, str]) -> Iterator[None]:
    """A key that is none of its table is the caller's mistake."""
    try:
        yield
    except psycopg.DataError as error:
        raise UsageError("the key is no value of its columns", table=".".join(place)) from error


def _with_lsn(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"commit_lsn": lsn_text(row["commit_lsn"])}
