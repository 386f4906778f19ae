"""From a schema id to what applies its records: the plan of an entity is compiled when a schema is first seen."""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from consumers import catalog, control
from consumers.apply import Applier
from consumers.catalog import TargetTable
from consumers.compilation import compile_plan, effective_missing
from consumers.identity import Identity
from consumers.plan import Child, EntityPlan, Parent, Surroundings
from consumers.target import Connection
from consumers.transform import Transform
from schemas import names
from schemas.avro_read import EnvelopeReader
from schemas.entity import Entity
from schemas.event_id import ZERO, EventId
from schemas.migration import Migration
from schemas.positions import SchemaText
from schemas.rules import Join, Missing, Ref
from schemas.table import Table

if TYPE_CHECKING:
    from schemas.registry import (
        Registry,  # Its client takes a quarter of a second that most commands need not pay.
    )


class Schemas:
    """The registered schemas of the topics; for any thread.

    The positions topic has their texts too, so that known schemas are read while the registry is down.
    """

    def __init__(self, registry: "Registry") -> None:
        """Ask this registry for what the positions topic has not told."""
        self._registry = registry
        self._texts: dict[int, str] = {}
        self._newest: dict[str, int] = {}
        self._readers: dict[int, EnvelopeReader] = {}

    def tell(self, record: SchemaText) -> None:
        """Take in a schema of the positions topic."""
        self._texts[record.id] = record.text
        self._newest[record.subject] = record.id

    def newest(self, topic: str) -> int | None:
        """Id of the schema of a topic's values that the positions topic has told of last."""
        return self._newest.get(names.value_subject(topic))

    def reader(self, schema_id: int) -> EnvelopeReader:
        """Reads values of that schema.

        Raises:
            RegistryError: Nobody knows the schema, or the registry does not answer.
        """
        if schema_id not in self._readers:
            text = self._texts.get(schema_id)
            schema = json.loads(text) if text else self._registry.schema(schema_id)
            self._readers[schema_id] = EnvelopeReader(schema)
        return self._readers[schema_id]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """What applies a topic.

    Attributes:
        at: Event id of the newest record that was seen with this schema.
    """

    at: EventId
    schema_id: int
    appliers: tuple[Applier, ...]


class Assembly:
    """Compiles the entities of a migration; for any thread.

    Attributes:
        spec_versions: As `control.register` returned them, set before anything is compiled.
    """

    def __init__(self, migration: Migration, schemas: Schemas) -> None:
        """Compile nothing yet."""
        self.schemas = schemas
        self.spec_versions: Mapping[str, int] = {}
        self._migration = migration
        self._lock = threading.Lock()
        self._compiled: dict[str, Compiled] = {}

    @property
    def appliers(self) -> Mapping[str, Applier]:
        """What is compiled so far, by entity."""
        compiled = list(self._compiled.values())
        return {applier.plan.name: applier for c in compiled for applier in c.appliers}

    def of(
        self, connection: Connection, topic: str, seen: tuple[EventId, int] | None = None
    ) -> tuple[Applier, ...]:
        """What applies the records of a topic: compiled for the schema of the newest record that was seen.

        The id of a schema says nothing of its age: a column that is added and dropped brings the old one back.

        Args:
            connection: To the target, outside of a transaction; its catalog is read.
            topic: Read by one entity or several.
            seen: The highest event id in a batch, and the schema id of that record.

        Returns:
            One applier an entity; none while no schema of the topic is known.

        Raises:
            ConfigError: The rules do not fit the legacy table or the target.
            TargetError: A target table does not exist.
            RegistryError: The schema cannot be had.
        """
        with self._lock:
            known = self._compiled.get(topic)
            at, schema_id = seen or (ZERO, self.schemas.newest(topic))
            if schema_id is None or (known and (not seen or at <= known.at)):
                return known.appliers if known else ()
            if known and known.schema_id == schema_id:
                appliers = known.appliers
            else:
                table = self.schemas.reader(schema_id).table
                names = self._migration.topics[topic]
                entities = (self._migration.entities[name] for name in names)
                appliers = tuple(self.applier(connection, entity, table) for entity in entities)
            self._compiled[topic] = Compiled(at=at, schema_id=schema_id, appliers=appliers)
            return appliers

    def forget(self, topic: str) -> None:
        """Compile a topic anew when it is next asked for: the target, or a function of its rules, was changed."""
        with self._lock:
            self._compiled.pop(topic, None)

    def applier(self, connection: Connection, entity: Entity, table: Table) -> Applier:
        """What applies the rows of a legacy table by the rules of one entity."""
        migration = self._migration
        around = Surroundings(
            namespace=migration.pipeline.namespace,
            parents={name: Parent.of(other) for name, other in migration.entities.items()},
            children=self._children(connection, entity),
            server_version=connection.info.server_version,
            spec_version=self.spec_versions.get(entity.name, 1),
        )
        plan = compile_plan(entity, table, catalog.read(connection, entity.target), around)
        return Applier(plan, self._transform(connection, plan))

    def _children(self, connection: Connection, entity: Entity) -> tuple[Child, ...]:
        """The columns of other tables that refer to this entity and are judged; what joins it goes with its rows."""
        found = []
        for other in self._migration.entities.values():
            if other.mapping_schema != entity.mapping_schema:
                continue  # Of a row that is rebuilt, nothing beyond its shadow is changed.
            refs = other.refs.items()
            columns = [c for c, r in refs if r.ref == entity.name and not isinstance(r, Join)]
            target = catalog.read(connection, other.target) if columns else None
            found += [
                Child(place=other.target.place, column=column, entity=other.name)
                for column in columns
                if target and _is_judged(other, column, target)
            ]
        return tuple(found)

    def _transform(self, connection: Connection, plan: EntityPlan) -> Transform:
        rules = (*plan.entity.refs.values(), *(derived.rule for derived in plan.derived))
        entities = {plan.name, *(rule.ref for rule in rules if isinstance(rule, Ref))}
        overrides = control.overrides(connection, sorted(entities))
        identities = {
            name: Identity(self._migration.pipeline.namespace, name, overrides[name])
            for name in entities
        }
        return Transform(plan, identities, self._migration.folder)


def _is_judged(entity: Entity, column: str, target: TargetTable) -> bool:
    return effective_missing(entity.refs[column], column, target) is not Missing.KEEP
