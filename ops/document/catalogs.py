"""Reads what is documented: the tables of both databases with their comments, and the comments of the entity files."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files

from psycopg.rows import class_row

from consumers import catalog
from ops import databases
from ops.databases import Connection
from ops.document import remarks
from ops.document.model import Comments, Model, Place
from ops.preflight.catalogs import places
from ops.stack.state import Endpoints
from schemas.entity import Entity, TableName
from schemas.errors import ConfigError
from schemas.migration import Migration
from schemas.table import CATALOG_SQL, tables_of

APPLICATION = "document"
_TABLES_SQL = files("ops.document").joinpath("tables.sql").read_bytes()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """The columns of tables.sql."""

    schema: str
    name: str
    column: str | None
    table_comment: str | None
    column_comment: str | None


def read(migration: Migration, at: Endpoints) -> Model:
    """Read both catalogs; nothing of the rows.

    Raises:
        SourceError, TargetError: A server does not answer.
        ConfigError: A table that an entity file names is not there.
    """
    entities = migration.entities.values()
    with databases.source(at.source_dsn, APPLICATION) as connection:
        source_comments = _comments(connection, {entity.source.schema_ for entity in entities})
        found = connection.execute(CATALOG_SQL, places(list(source_comments))).fetchall()
        sources = tables_of(found)
    with databases.target(at.target_dsn, APPLICATION) as connection:
        target_comments = _comments(connection, {entity.target.schema_ for entity in entities})
        targets = {
            place: catalog.read(connection, TableName(schema=place[0], table=place[1]))
            for place in target_comments
        }
    _require(migration, ((e, "source", e.source) for e in entities), sources)
    _require(migration, ((e, "target", e.target) for e in entities), targets)
    return Model(
        migration=migration,
        sources=sources,
        targets=targets,
        source_comments=source_comments,
        target_comments=target_comments,
        remarks={
            name: remarks.read(file.read_text(encoding="utf-8"))
            for name, file in migration.files.items()
        },
    )


def _comments(connection: Connection, schemas: set[str]) -> dict[Place, Comments]:
    """What is said of every table of some schemas; a table of which nothing is said is there too."""
    with connection.cursor(row_factory=class_row(_Row)) as cursor:
        rows = cursor.execute(_TABLES_SQL, {"schemas": sorted(schemas)}).fetchall()
    columns: dict[Place, dict[str, str]] = {}
    tables: dict[Place, str] = {}
    for row in rows:
        place = (row.schema, row.name)
        tables[place] = row.table_comment or ""
        found = columns.setdefault(place, {})
        if row.column and row.column_comment:
            found[row.column] = row.column_comment
    return {place: Comments(table=tables[place], columns=columns[place]) for place in tables}


def _require(
    migration: Migration,
    named: Iterable[tuple[Entity, str, TableName]],
    found: Mapping[Place, object],
) -> None:
    for entity, key, table in named:
        if table.place not in found:
            raise ConfigError(
                f"the {key} has no table {table}",
                file=migration.files[entity.name],
                key=key,
                remedy="Correct the name, or create the table; understudy check says what else is amiss.",
            )
