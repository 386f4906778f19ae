"""The real apply on a real PostgreSQL, driven as the model's target is."""

from collections.abc import Sequence
from pathlib import Path
from typing import cast
from uuid import UUID

import polars as pl
import psycopg
from psycopg import sql

from consumers import catalog, checkpoint, control, sweep, truncation
from consumers.apply import Applier
from consumers.compilation import compile_plan
from consumers.identity import Identity
from consumers.plan import Child, EntityPlan, Parent, Surroundings
from consumers.transform import Transform
from consumers.vain import Vain
from schemas.event_id import EventId
from schemas.table import Column, Table
from tests.integration.model.design import LEGACY_TYPES, Design
from tests.model import history
from tests.model.feed import PARTITIONS
from tests.model.history import UNAVAILABLE, Event, Row
from tests.model.overlay import Version
from tests.model.target import State

Connection = psycopg.Connection[tuple[object, ...]]
NAMESPACE = UUID("6f1c2a54-1f0e-4d8b-9f0a-3a2b1c0d9e8f")
OPTIONS = "-c synchronous_commit=off -c search_path= -c TimeZone=UTC -c deadlock_timeout=20ms"
KEYS = range(1, 10)

_MAPPINGS = """
SELECT entity, legacy_key, id, state, epoch, commit_lsn, ordinal, owed, CAST(original AS text)
FROM understudy.migration_mappings ORDER BY 1, 2"""
_READ = b"UPDATE understudy.checkpoints SET next_offset = next_offset + 1 WHERE entity = %s"
_WAITING = """
SELECT entity, legacy_key, reason, commit_lsn, ordinal, deleted, CAST(image AS text), unavailable
FROM understudy.waiting ORDER BY 1, 2"""
_FORGET = """
DELETE FROM understudy.migration_mappings; DELETE FROM understudy.waiting;
UPDATE understudy.checkpoints SET next_offset = 0, watermark = 0 WHERE watermark + next_offset > 0;
UPDATE understudy.entities SET truncated_epoch = 0, truncated_lsn = 0, truncated_ordinal = 0
WHERE truncated_lsn > 0"""


class DrivenTarget:
    """A target database with the entities of the model."""

    def __init__(self, dsn: str, design: Design) -> None:
        """Make the tables and compile the entities.

        Args:
            dsn: Of an empty database.
            design: Of its tables.
        """
        self.dsn, self.design = dsn, design
        self.connection = connect(dsn)
        self.connection.execute(design.script)
        control.migrate(self.connection)
        tables = design.shape.tables
        control.register(self.connection, [design.entity(name) for name in tables], Path())
        for name in tables:
            control.register_partitions(self.connection, [name], topic(name), "", len(PARTITIONS))
        self._vain = Vain()
        self.identities = {name: Identity(NAMESPACE, name) for name in tables}
        self.appliers = {name: self._applier(name) for name in tables}
        self.prepare(self.connection)
        self._keys = {
            str(UUID(self.identities[name].one(str(key)))): key for name in tables for key in KEYS
        }

    def _applier(self, name: str) -> Applier:
        plan = self._plan(name)
        return Applier(plan, Transform(plan, self.identities, Path()))

    def _plan(self, name: str) -> EntityPlan:
        design, shape = self.design, self.design.shape
        columns = tuple(
            Column(name=column, type=kind, base=kind)
            for column, kind in LEGACY_TYPES.items()
            if column != "p" or name in shape.refers
        )
        children = () if design.missing == "keep" else shape.children(name)
        around = Surroundings(
            namespace=NAMESPACE,
            server_version=self.connection.info.server_version,
            parents={e: Parent(entity=e, place=("app", e), id_column="id") for e in shape.tables},
            children=tuple(Child(place=("app", c), column="p", entity=c) for c in children),
        )
        entity = design.entity(name)
        legacy = Table(schema="public", name=name, columns=columns, key=("id",))
        return compile_plan(entity, legacy, catalog.read(self.connection, entity.target), around)

    def prepare(self, connection: Connection) -> None:
        """Make the staging tables of a connection."""
        with connection.cursor() as cursor:
            for applier in self.appliers.values():
                applier.stage.prepare(cursor)

    def clear(self) -> None:
        """Forget everything."""
        for name in reversed(self.design.shape.tables):
            self._query("DELETE FROM {table} RETURNING id", name)
        self.connection.execute(_FORGET)
        self._vain.forget()

    # ------------------------------------------------------------------------ as consumers do
    def settle(self, table: str, events: Sequence[Event]) -> None:
        """Apply a batch in one transaction."""
        applier = self.appliers[table]
        records = applier.read(self.connection, frame(applier, events))
        with self.connection.transaction(), self.connection.cursor() as cursor:
            ground = checkpoint.lock(cursor, [table], None)[table]
            applier.settle(cursor, records, [], ground)
            cursor.execute(_READ, [table])

    def truncate(self, table: str, event_id: history.EventId) -> None:
        """Obey a TRUNCATE."""
        truncation.obey(self.connection, self.appliers[table], EventId(1, *event_id))

    def mark(self, table: str, lsn: int, connection: Connection | None = None) -> None:
        """Record a marker as applied."""
        (connection or self.connection).execute(
            "UPDATE understudy.checkpoints SET watermark = greatest(watermark, %s) WHERE entity = %s",
            [lsn, table],
        )

    def sweep(self) -> None:
        """Try again what waits."""
        for applier in self.appliers.values():
            if sweep.may_have_work(self.connection, applier):
                sweep.sweep(self.connection, applier, self.appliers, self._vain)

    # --------------------------------------------------------------------------- what is there
    def dump(self) -> object:
        """Rows, mappings and what waits."""
        return [
            *(self._query("SELECT * FROM {table} ORDER BY id", name) for name in self.appliers),
            self._query(_MAPPINGS),
            self._query(_WAITING),
        ]

    def states(self) -> dict[str, State]:
        """The target in the shape of the model's."""
        states = {name: State(rows=self._rows(name)) for name in self.appliers}
        for entity, legacy_key, reason, lsn, ordinal, *_ in self._query(_WAITING):
            state, key = states[str(entity)], int(str(legacy_key))
            state.waiting[key] = Version(id=(int(str(lsn)), int(str(ordinal))), row=None)
            state.why[key] = str(reason)
        if self.design.missing == "stub":
            self._hide_stubs(states)
        return states

    def _hide_stubs(self, states: dict[str, State]) -> None:
        """A stub is no row of the source; nor is one that stands in for its own delete."""
        live = {(row[0], int(str(row[1]))) for row in self._query(_MAPPINGS) if row[3] == "l"}
        for name, state in states.items():
            stand_ins = {key for key, why in state.why.items() if why == "children"}
            for key in stand_ins | {key for key in state.rows if (name, key) not in live}:
                del state.rows[key]
            for key in stand_ins:
                del state.waiting[key]

    def _rows(self, name: str) -> dict[int, Row]:
        query = "SELECT to_jsonb(target) FROM {table} AS target"
        return dict(self._row(cast("Row", row)) for (row,) in self._query(query, name))

    def _row(self, row: Row) -> tuple[int, Row]:
        """The legacy key and the legacy values of a target row."""
        key = self._keys[str(row.pop("id"))]
        if isinstance(row["u"], int) and row["u"] < 0:
            row["u"] = None
        if row.get("p"):
            row["p"] = self._keys[str(row["p"])]
        return key, row

    def _query(self, query: str, table: str = "") -> list[tuple[object, ...]]:
        name = sql.Identifier("app", table)
        return self.connection.execute(sql.SQL(query).format(table=name)).fetchall()


def connect(dsn: str) -> Connection:
    """A connection in autocommit mode, with the settings that apply relies on."""
    return psycopg.connect(dsn, autocommit=True, options=OPTIONS)


def topic(table: str) -> str:
    """The topic of a legacy table."""
    return f"model.public.{table}"


def frame(applier: Applier, events: Sequence[Event]) -> pl.DataFrame:
    """Events as the reader of the envelope yields them."""
    schema = {name: kind for name, kind in applier.nothing().schema.items() if name != "__key"}
    rows = [_record(event, offset) for offset, event in enumerate(events)]
    return pl.DataFrame(rows, schema=schema)


def _record(event: Event, offset: int) -> dict[str, object]:
    sent = {name: value for name, value in (event.row or {}).items() if value != UNAVAILABLE}
    return {
        **dict.fromkeys(LEGACY_TYPES),
        **sent,
        "id": event.key,
        "__epoch": 1,
        "__lsn": event.id[0],
        "__ordinal": event.id[1],
        "__op": event.op,
        "__unavailable": ["t"] if event.is_partial else None,
        "__partition": event.key % 2,
        "__offset": offset,
    }
