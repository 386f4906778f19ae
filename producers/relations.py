"""Encoders for the rows of each table version, with their schemas registered.

The snapshot takes a table from the catalog; the tail takes it from the Relation messages, so that
each row is encoded as the table was when it was written, whatever the catalog says by now.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from producers import catalog
from producers.pgoutput import Relation
from producers.positions import PositionWriter
from producers.settings import CaptureSettings, TableSettings
from producers.source import Connection
from schemas import envelope, failpoint, names
from schemas.avro_write import RowEncoder, SourceInfo
from schemas.errors import RegistryError, SourceUnfitError
from schemas.positions import SchemaText
from schemas.table import Column, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How the rows of one version of a table are read and written.

    Attributes:
        table: Its columns are those of the rows, in their order.
        topic: Where the rows go.
        encoder: For rows of this shape.
        key_places: Where the columns of the key stand in a row, in key order.
    """

    table: Table
    topic: str
    encoder: RowEncoder
    key_places: tuple[int, ...]


class Shapes:
    """Makes shapes, and registers a schema once."""

    def __init__(
        self,
        settings: CaptureSettings,
        database: str,
        writer: PositionWriter,
        known_ids: Mapping[tuple[str, str], int],
    ) -> None:
        """Register under the pipeline's subjects; texts go to the positions topic as well.

        Args:
            settings: Of the capture.
            database: Name of the source's database.
            writer: To the positions topic.
            known_ids: What stands there by subject and text, for a registry that is away.
        """
        self._settings = settings
        self._writer = writer
        self._ids = dict(known_ids)
        self._registry_away = False
        self._source = SourceInfo(version=settings.version, name=settings.pipeline, db=database)

    def of(self, table: Table, topic: str) -> Shape:
        """The shape of a table as it is described.

        Raises:
            RegistryError: The registry refuses the schema, or cannot be reached.
        """
        key = envelope.key_schema(topic, table)
        value = envelope.value_schema(topic, table)
        key_id = self._register(names.key_subject(topic), key)
        value_id = self._register(names.value_subject(topic), value)
        columns = [column.name for column in envelope.published(table)]
        return Shape(
            table=table,
            topic=topic,
            encoder=RowEncoder(table, key_id, value_id, self._source),
            key_places=tuple(columns.index(name) for name in table.key),
        )

    def _register(self, subject: str, schema: envelope.Schema) -> int:
        text = json.dumps(schema, separators=(",", ":"))
        known_id = self._ids.get((subject, text))
        if known_id is not None and self._registry_away:
            return known_id
        failpoint.reach("schema.before_register")
        try:
            settings = self._settings
            schema_id = settings.registry.ensure(subject, schema, settings.compatibility)
        except RegistryError:
            if known_id is None:
                raise
            self._registry_away = True
            return known_id
        failpoint.reach("schema.registered_not_sent")
        if schema_id != known_id:
            self._writer.send(SchemaText(id=schema_id, subject=subject, text=text))
            self._ids[subject, text] = schema_id
        return schema_id


class Relations:
    """The shapes of the relations that the stream has announced, by OID."""

    def __init__(
        self, shapes: Shapes, tables: dict[tuple[str, str], Table], settings: CaptureSettings
    ) -> None:
        """Know the captured tables; their keys are frozen with their topics."""
        self._shapes = shapes
        self._tables = tables
        self._settings = {table.place: table for table in settings.tables}
        self._places = {table.oid: place for place, table in tables.items()}
        self._by_oid: dict[int, Shape | None] = {}
        self._announced: dict[int, Relation] = {}

    def shape(self, oid: int) -> Shape | None:
        """The shape of rows of a relation; None if it is not captured (any more)."""
        return self._by_oid[oid]

    def changes(self, relation: Relation) -> bool:
        """Whether an announced relation differs from what is known of it."""
        return self._announced.get(relation.oid) != relation

    def announce(self, relation: Relation, connection: Connection) -> None:
        """Take a Relation message into use.

        Args:
            relation: What the stream says.
            connection: To look up the names of types.

        Raises:
            SourceError: Old rows no longer tell the key, or another table has the name of a captured one.
            RegistryError: The registry refuses the new schema, or cannot be reached.
        """
        settings = self._settings_of(relation)
        self._by_oid[relation.oid] = (
            None if settings is None else self._shape(relation, settings, connection)
        )
        self._announced[relation.oid] = relation

    def _settings_of(self, relation: Relation) -> TableSettings | None:
        """A table is known by its OID: one that was renamed is still the same."""
        place = self._places.get(relation.oid)
        if place is None and (relation.schema, relation.name) in self._settings:
            raise SourceUnfitError(
                "another table has taken the name of a captured one",
                table=f"{relation.schema}.{relation.name}",
                remedy="Drop the pipeline and run it again: the old table's rows are still in the target.",
            )
        return self._settings[place] if place else None

    def _shape(self, relation: Relation, settings: TableSettings, connection: Connection) -> Shape:
        known = self._tables[settings.place]
        shown = {column.name for column in relation.columns if column.key}
        missing = [name for name in known.key if name not in shown]
        if missing:
            remedy = "Give the table back its primary key and a replica identity that holds it."
            raise SourceUnfitError(
                "changes no longer tell the key",
                table=known.label,
                column=missing[0],
                remedy=remedy,
            )
        places = [(column.type_oid, column.type_modifier) for column in relation.columns]
        types = catalog.types_of(connection, places)
        columns = tuple(
            Column(name=column.name, type=name, base=base)
            for column, (name, base) in zip(relation.columns, types, strict=True)
        )
        return self._shapes.of(replace(known, columns=columns), settings.topic)
