"""The publication: which tables the slot streams.

What is not in it is not streamed, and nobody says so. So a captured table that is not in it (any
more) stops the capture: changes may be missing.
Source: PostgreSQL manual, "CREATE PUBLICATION" and "pg_publication_rel".
"""

from collections.abc import Collection, Iterable

from psycopg import sql

from producers.copy_out import from_item
from producers.source import Connection, fetch, source_errors
from schemas.errors import SourceError, StartRefusedError
from schemas.table import Table

_CREATE = "CREATE PUBLICATION {} FOR TABLE {} WITH (publish_via_partition_root = true)"
_ALTER = "ALTER PUBLICATION {} SET TABLE {}"


def tables_of(connection: Connection, name: str) -> set[int] | None:
    """The OIDs of the tables in a publication; None if it does not exist."""
    rows = fetch(
        connection,
        "SELECT r.prrelid::bigint FROM pg_catalog.pg_publication p"
        " LEFT JOIN pg_catalog.pg_publication_rel r ON r.prpubid = p.oid WHERE p.pubname = %(name)s",
        name=name,
    )
    return {int(str(oid)) for (oid,) in rows if oid is not None} if rows else None


def ensure(connection: Connection, name: str, tables: Collection[Table]) -> None:
    """Create the publication, or set its tables to exactly these.

    One that has them already is left alone, so that an owner of the tables can make it for a role
    that only replicates. Changes of partitions are published under their root.

    Raises:
        SourceError: The role may not.
    """
    found = tables_of(connection, name)
    if found == {table.oid for table in tables}:
        return
    listed = sql.SQL(", ").join(from_item(table) for table in tables)
    command = sql.SQL(_CREATE if found is None else _ALTER).format(sql.Identifier(name), listed)
    try:
        with source_errors(publication=name):
            connection.execute(command)
    except SourceError as error:
        if error.context.get("sqlstate") != _DENIED:
            raise
        remedy = f"Let the owner of the tables run: {command.as_string(connection)};"
        raise SourceError("the role may not publish", publication=name, remedy=remedy) from error


_DENIED = "42501"


def check(connection: Connection, name: str, tables: Iterable[Table]) -> None:
    """Refuse a publication that lacks a table whose changes were captured so far.

    Raises:
        StartRefusedError: Changes of a table may be missing.
    """
    found = tables_of(connection, name) or set()
    for table in tables:
        if table.oid not in found:
            raise StartRefusedError(
                "the table is no longer published, so changes of it may be missing",
                publication=name,
                table=table.label,
                remedy="Drop the pipeline and run it again, so that a new snapshot is taken.",
            )


def drop(connection: Connection, name: str) -> None:
    """Drop the publication; one that is not there is fine."""
    with source_errors(publication=name):
        connection.execute(sql.SQL("DROP PUBLICATION IF EXISTS {}").format(sql.Identifier(name)))
