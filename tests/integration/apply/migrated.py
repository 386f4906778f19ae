"""A target database that entities are applied to: what a worker does, without Kafka."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import polars as pl
import psycopg

from consumers import catalog, checkpoint, control, sweep, truncation
from consumers.apply import Applier
from consumers.compilation import compile_plan, effective_missing
from consumers.identity import Identity
from consumers.plan import Child, Parent, Surroundings
from consumers.transform import Transform
from schemas import session
from schemas.entity import Entity
from schemas.event_id import EventId
from schemas.rules import Join, Missing
from schemas.table import CATALOG_SQL, Table, tables_of

NAMESPACE = UUID("8d3c1c5e-6f0b-4d4e-9a31-0d6a4a4f2b11")
EPOCH = 1
SCHEMA_ID = 7
Row = Mapping[str, Any]
Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What a topic says of one row.

    Attributes:
        at: Commit LSN and ordinal.
        lacks: Columns that were not sent.
        moved_to: Texts of the new key, of a delete that is half of a key change.
    """

    op: str
    at: tuple[int, int]
    row: Row
    lacks: tuple[str, ...] = ()
    moved_to: tuple[str, ...] = ()
    offset: int = 0


def change(at: int, ordinal: int = 1, *, lacks: Sequence[str] = (), **row: Any) -> Event:
    """An insert or update, which are the same to the target."""
    return Event(op="u", at=(at, ordinal), row=row, lacks=tuple(lacks))


def delete(at: int, ordinal: int = 1, **key: Any) -> Event:
    """A delete: of the row there is the key alone."""
    return Event(op="d", at=(at, ordinal), row=key)


def moved(at: int, *moved_to: str, **key: Any) -> Event:
    """The delete of a key change: texts of the new key, and the old one."""
    return replace(delete(at, **key), moved_to=moved_to)


@dataclass(slots=True, kw_only=True)
class Migrated:
    """A database with tables of the schemas `legacy` and `app`, and entities that lead from one to the other.

    The legacy tables are there for their types; nothing reads their rows.
    """

    connection: Connection
    folder: Path = field(default_factory=Path)
    entities: dict[str, Entity] = field(default_factory=dict)
    appliers: dict[str, Applier] = field(default_factory=dict)
    spec_versions: dict[str, int] = field(default_factory=dict)

    def table(self, name: str, legacy: str, target: str) -> None:
        """Make a legacy table and its target table from their columns."""
        self.connection.execute(f"CREATE TABLE legacy.{name} ({legacy})".encode())
        self.connection.execute(f"CREATE TABLE app.{name} ({target})".encode())

    def migrate(self, entities: Mapping[str, Mapping[str, Any]]) -> None:
        """Compile entities, or again by other rules; `source` and `target` default to the entity's name."""
        for name, document in entities.items():
            places = {"source": f"legacy.{name}", "target": f"app.{name}"}
            self.entities[name] = Entity.model_validate({"name": name} | places | dict(document))
        control.migrate(self.connection)
        known = list(self.entities.values())
        self.spec_versions = control.register(self.connection, known, self.folder)
        for name in self.entities:
            control.register_partitions(self.connection, [name], f"test.legacy.{name}", "", 2)
        for name in self.entities:
            self.appliers[name] = self._applier(self.entities[name])

    def _applier(self, entity: Entity) -> Applier:
        around = Surroundings(
            namespace=NAMESPACE,
            parents={other.name: Parent.of(other) for other in self.entities.values()},
            children=tuple(self._children(entity)),
            server_version=self.connection.info.server_version,
            spec_version=self.spec_versions[entity.name],
        )
        target = catalog.read(self.connection, entity.target)
        plan = compile_plan(entity, self._legacy(entity), target, around)
        overrides = control.overrides(self.connection, list(self.entities))
        identities = {name: Identity(NAMESPACE, name, overrides[name]) for name in self.entities}
        applier = Applier(plan, Transform(plan, identities, self.folder))
        with self.connection.cursor() as cursor:
            applier.stage.prepare(cursor)
        return applier

    def _legacy(self, entity: Entity) -> Table:
        place = entity.source.place
        names = {"schemas": [place[0]], "tables": [place[1]]}
        return tables_of(self.connection.execute(CATALOG_SQL, names).fetchall())[place]

    def _children(self, entity: Entity) -> list[Child]:
        found = []
        for other in self.entities.values():
            target = catalog.read(self.connection, other.target)
            for column, rule in other.refs.items():
                judged = effective_missing(rule, column, target) is not Missing.KEEP
                if rule.ref == entity.name and judged and not isinstance(rule, Join):
                    place = other.target.place
                    found.append(Child(place=place, column=column, entity=other.name))
        return found

    def apply(self, name: str, *events: Event) -> None:
        """Apply a batch in one transaction."""
        applier = self.appliers[name]
        frame = applier.read(self.connection, self._frame(applier, events))
        with self.connection.transaction(), self.connection.cursor() as cursor:
            ground = checkpoint.lock(cursor, [name], None)[name]
            applier.settle(cursor, frame, [], ground)

    def _frame(self, applier: Applier, events: Sequence[Event]) -> pl.DataFrame:
        schema = {name: kind for name, kind in applier.nothing().schema.items() if name != "__key"}
        rows = [
            dict.fromkeys(schema)
            | {
                "__epoch": EPOCH,
                "__lsn": event.at[0],
                "__ordinal": event.at[1],
                "__op": event.op,
                "__unavailable": list(event.lacks) or None,
                "__moved_to": list(event.moved_to) or None,
                "__partition": 0,
                "__offset": offset,
                "__schema": SCHEMA_ID,
            }
            | dict(event.row)
            for offset, event in enumerate(events)
        ]
        return pl.DataFrame(rows, schema=schema)

    def sweep(self, *names: str) -> None:
        """Try again what waits, once for each entity."""
        for name in names or self.appliers:
            sweep.sweep(self.connection, self.appliers[name], self.appliers)

    def truncate(self, name: str, at: int, ordinal: int = 1) -> None:
        """Obey a TRUNCATE."""
        truncation.obey(self.connection, self.appliers[name], EventId(EPOCH, at, ordinal))

    def mark(self, at: int, *names: str) -> None:
        """A marker is applied: everything up to an LSN."""
        self.connection.execute(
            "UPDATE understudy.checkpoints SET watermark = %s WHERE entity = ANY(%s)",
            [at, list(names or self.entities)],
        )

    def id(self, name: str, key: str) -> UUID:
        """The UUID of a legacy key."""
        return UUID(Identity(NAMESPACE, name).one(key))

    def rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """What a query yields."""
        return self.connection.execute(query.encode(), parameters or None).fetchall()

    def waiting(self, name: str) -> dict[str, str]:
        """What waits, and why, by legacy key."""
        query = "SELECT legacy_key, reason FROM understudy.waiting WHERE entity = %s"
        return dict(self.rows(query, name))

    def states(self, name: str) -> dict[str, str]:
        """The state of each mapped legacy key."""
        query = (
            "SELECT legacy_key, state::text FROM understudy.migration_mappings WHERE entity = %s"
        )
        return dict(self.rows(query, name))

    def moved(self, name: str) -> dict[str, str]:
        """Old and new legacy key of the rows whose key was changed."""
        query = """
            SELECT legacy_key, moved_to FROM understudy.migration_mappings
            WHERE entity = %s AND moved_to IS NOT NULL"""
        return dict(self.rows(query, name))


def connect(dsn: str) -> Connection:
    """A session as the workers have it, but for the time that a commit takes."""
    parameters: dict[str, Any] = {**session.parameters("test", synchronous_commit="off")}
    return psycopg.connect(dsn, autocommit=True, **parameters)
