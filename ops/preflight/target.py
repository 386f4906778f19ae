"""Is the target ready: reachable, writable, with the rights, its tables empty or ours?"""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files

from psycopg import sql
from psycopg.rows import class_row

from consumers.catalog import TargetTable
from ops.databases import Connection
from ops.preflight.catalogs import places
from ops.preflight.findings import (
    Finding,
    Side,
    error,
    in_entity,
    in_pipeline,
    warning,
)
from schemas.complaints import did_you_mean
from schemas.entity import Entity
from schemas.migration import TARGET_FILE, Migration

_SERVER_SQL = files("ops.preflight").joinpath("target_server.sql").read_bytes()
_TABLES_SQL = files("ops.preflight").joinpath("target_tables.sql").read_bytes()
_MAPPED_SQL = "SELECT EXISTS (SELECT FROM understudy.migration_mappings WHERE entity = ANY(%s))"
_ANY_ROW = sql.SQL("SELECT EXISTS (SELECT FROM {})")

VERSION_MIN = 140_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """The columns of target_server.sql."""

    version: int
    is_read_only: bool
    encoding: str
    has_control: bool
    may_control: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """The columns of target_tables.sql."""

    schema: str
    name: str
    obeys_policies: bool
    missing_rights: list[str]
    triggers: list[str]


def check(
    connection: Connection,
    migration: Migration,
    tables: dict[str, TargetTable],
    known: list[str],
) -> Iterator[Finding]:
    """What is wrong with the server, the role, or whole tables.

    Args:
        connection: To the target.
        migration: All entity files.
        tables: What exists, by entity.
        known: Every table of the target, for hints.
    """
    with connection.cursor(row_factory=class_row(Server)) as cursor:
        server = cursor.execute(_SERVER_SQL).fetchone()
    if server is None:
        return
    yield from _server(server, migration)
    rights = _rights(connection, migration)
    for name, entity in migration.entities.items():
        if name not in tables:
            yield _missing(migration, entity, known, connection)
            continue
        yield from _table(migration, entity, tables[name], rights[entity.target.place])
        if "SELECT" not in rights[entity.target.place].missing_rights:
            yield from _foreign_rows(connection, migration, entity, has_control=server.has_control)


def _missing(
    migration: Migration, entity: Entity, known: list[str], connection: Connection
) -> Finding:
    place = in_entity(migration, entity, "target")
    what = f"the target has no table {entity.target}{did_you_mean(str(entity.target), known)}"
    remedy = "Correct the name, or create the table."
    file = migration.folder / TARGET_FILE
    if file.is_file():
        at = connection.info
        where = f"-h {at.host} -p {at.port} -U {at.user} -d {at.dbname}"
        remedy = f"Correct the name, or create the table: psql {where} -f {file}"
    return error(Side.TARGET, "target-table-missing", place, what, remedy)


def _server(server: Server, migration: Migration) -> Iterator[Finding]:
    place = in_pipeline(migration, "target.dsn")
    if server.version < VERSION_MIN:
        what = f"the target is PostgreSQL {server.version // 10_000}"
        yield error(Side.TARGET, "version", place, what, "Version 14 or newer is needed.")
    if server.is_read_only:
        what = "the target is a standby or read-only"
        remedy = "Name the primary, or take default_transaction_read_only back."
        yield error(Side.TARGET, "read-only", place, what, remedy)
    if server.encoding != "UTF8":
        what = (
            f"the target database has the encoding {server.encoding}, which cannot hold every text"
        )
        yield error(Side.TARGET, "encoding", place, what, "Create it with ENCODING 'UTF8'.")
    if not server.may_control:
        what = "the role may not create the control schema understudy"
        remedy = (
            "GRANT CREATE ON DATABASE ... TO the role; if the schema exists, let its owner connect."
        )
        yield error(Side.TARGET, "control-schema-right", place, what, remedy)


def _table(
    migration: Migration, entity: Entity, table: TargetTable, rights: Rights
) -> Iterator[Finding]:
    place = in_entity(migration, entity, "target")
    label = entity.target
    if table.table.kind not in "rp":
        what = f"{label} is no table"
        yield error(Side.TARGET, "target-kind", place, what, "Name the table itself.")
    if rights.missing_rights:
        missing = ", ".join(rights.missing_rights)
        what = f"the role lacks {missing} on {label}"
        remedy = f"GRANT {missing} ON {label} TO the role, and USAGE on its schema."
        yield error(Side.TARGET, "target-rights", place, what, remedy)
    if rights.obeys_policies:
        what = f"row security of {label} applies to the role that applies the rows"
        remedy = "ALTER ROLE ... BYPASSRLS, or connect as the table's owner."
        yield error(Side.TARGET, "target-row-security", place, what, remedy)
    if rights.triggers:
        what = f"{label} has triggers of its own ({', '.join(rights.triggers)}), which run for every row"
        remedy = "Disable those that change rows or that the legacy side has run already."
        yield warning(Side.TARGET, "target-triggers", place, what, remedy)
    for key in table.secondary(entity.id_column):
        if not key.plain:
            what = (
                f"the unique index {key.name} of {label} is over an expression or over some rows only: "
                "two rows that exchange values under it wait for each other"
            )
            remedy = "If that happens, make it a unique index on columns."
            yield warning(Side.TARGET, "unique-expression", place, what, remedy)


def _foreign_rows(
    connection: Connection, migration: Migration, entity: Entity, *, has_control: bool
) -> Iterator[Finding]:
    """Rows that understudy did not write: case 47."""
    writers = list(migration.sharing(entity))
    if has_control and _is_true(connection.execute(_MAPPED_SQL, (writers,)).fetchone()):
        return
    statement = _ANY_ROW.format(sql.Identifier(*entity.target.place))
    if _is_true(connection.execute(statement).fetchone()):
        what = f"{entity.target} holds rows that understudy did not write"
        remedy = (
            "To start over: understudy drop, then TRUNCATE the target tables of all entity files. "
            "Otherwise empty it, or point `target` at an empty table."
        )
        yield error(
            Side.TARGET, "target-not-empty", in_entity(migration, entity, "target"), what, remedy
        )


def _rights(connection: Connection, migration: Migration) -> dict[tuple[str, str], Rights]:
    wanted = places([entity.target.place for entity in migration.entities.values()])
    with connection.cursor(row_factory=class_row(Rights)) as cursor:
        rows = cursor.execute(_TABLES_SQL, wanted).fetchall()
    return {(row.schema, row.name): row for row in rows}


def _is_true(row: tuple[object, ...] | None) -> bool:
    return row is not None and bool(row[0])
