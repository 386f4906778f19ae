"""The publication: which tables the slot streams.

Source: PostgreSQL manual, "CREATE PUBLICATION" and "pg_publication_tables".
"""

from collections.abc import Iterable

from psycopg import sql

from producers.copy_out import from_item
from producers.source import Connection, fetch, source_errors
from schemas.table import Table


def ensure(connection: Connection, name: str, tables: Iterable[Table]) -> None:
    """Create the publication, or set its tables to exactly these.

    Changes of partitions are published under their root, as the snapshot reads them.

    Raises:
        SourceError: The role may not.
    """
    listed = sql.SQL(", ").join(from_item(table) for table in tables)
    exists = fetch(
        connection,
        "SELECT 1 FROM pg_catalog.pg_publication WHERE pubname = %(name)s",
        name=name,
    )
    form = "ALTER PUBLICATION {} SET TABLE {}" if exists else _CREATE
    with source_errors(publication=name):
        connection.execute(sql.SQL(form).format(sql.Identifier(name), listed))


_CREATE = "CREATE PUBLICATION {} FOR TABLE {} WITH (publish_via_partition_root = true)"


def drop(connection: Connection, name: str) -> None:
    """Drop the publication; one that is not there is fine."""
    with source_errors(publication=name):
        connection.execute(sql.SQL("DROP PUBLICATION IF EXISTS {}").format(sql.Identifier(name)))
