"""The tables of both databases as the checks need them, read once."""

from dataclasses import dataclass
from importlib.resources import files

from psycopg.rows import class_row

from consumers import catalog
from consumers.catalog import TargetTable
from ops.databases import Connection
from schemas import names
from schemas.entity import Entity
from schemas.errors import TargetError
from schemas.migration import Migration
from schemas.table import CATALOG_SQL, Table, tables_of

_SOURCE_SQL = files("ops.preflight").joinpath("source_tables.sql").read_bytes()
_LABELS_SQL = """
    SELECT n.nspname || '.' || c.relname
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFacts:
    """The columns of source_tables.sql."""

    schema: str
    name: str
    is_logged: bool
    hides_rows: bool
    may_read: bool
    may_publish: bool
    toastable: list[str]
    identifying: list[str]
    uniques: list[list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceTable:
    """A legacy table with what the checks ask beyond its columns."""

    table: Table
    facts: SourceFacts


def source_tables(connection: Connection, migration: Migration) -> dict[str, SourceTable]:
    """The legacy tables that exist, by entity."""
    wanted = [entity.source.place for entity in migration.entities.values()]
    tables = tables_of(connection.execute(CATALOG_SQL, places(wanted)).fetchall())
    known = facts(connection, wanted, names.publication(migration.pipeline.pipeline))
    return {
        name: SourceTable(table=tables[place], facts=known[place])
        for name, entity in migration.entities.items()
        if (place := entity.source.place) in tables
    }


def facts(
    connection: Connection, wanted: list[tuple[str, str]], publication: str
) -> dict[tuple[str, str], SourceFacts]:
    """What schemas.table does not know of legacy tables, of those that exist.

    Args:
        connection: To the source.
        wanted: Schemas and names.
        publication: Its tables need not be published by their owner any more; may not exist.
    """
    with connection.cursor(row_factory=class_row(SourceFacts)) as cursor:
        parameters = {**places(wanted), "publication": publication}
        rows = cursor.execute(_SOURCE_SQL, parameters).fetchall()
    return {(row.schema, row.name): row for row in rows}


def target_tables(connection: Connection, migration: Migration) -> dict[str, TargetTable]:
    """The target tables that exist, by entity."""
    found = {}
    for name, entity in migration.entities.items():
        table = target_table(connection, entity)
        if table is not None:
            found[name] = table
    return found


def target_table(connection: Connection, entity: Entity) -> TargetTable | None:
    """One target table, if it exists."""
    try:
        return catalog.read(connection, entity.target)
    except TargetError:
        return None


def labels(connection: Connection) -> list[str]:
    """Schema and name, with a dot, of every relation that could be meant."""
    return [str(row[0]) for row in connection.execute(_LABELS_SQL).fetchall()]


def places(tables: list[tuple[str, str]]) -> dict[str, list[str]]:
    """Schemas and tables side by side, as the catalog queries take them."""
    return {"schemas": [schema for schema, _ in tables], "tables": [name for _, name in tables]}
