"""Reads the captured tables from the source's catalog, and refuses what cannot be captured.

Source: PostgreSQL manual, "System Catalogs" and "Logical Replication Restrictions".
"""

from collections.abc import Sequence
from importlib.resources import files

from producers.settings import TableSettings
from producers.source import Connection, fetch
from schemas.errors import ConfigError, SourceUnfitError
from schemas.table import CATALOG_SQL, ReplicaIdentity, Table, tables_of

_TYPES_SQL = files("producers").joinpath("types.sql").read_text()
_IDENTITY_SQL = files("producers").joinpath("identity_columns.sql").read_text()
_STORAGE_SQL = files("producers").joinpath("storage.sql").read_text()

_CAPTURED_KINDS = "rp"
# It cannot tell old rows, so publishing the table would make its updates fail; and with full identity two rows may
# swap their keys, which no order of deletes and inserts can follow.
KEY_DEFERRABLE = "Make it immediate: drop the constraint and add it again without DEFERRABLE."


def read_tables(
    connection: Connection, wanted: Sequence[TableSettings]
) -> dict[tuple[str, str], Table]:
    """Read the tables of a pipeline.

    Raises:
        ConfigError: A table does not exist, has no key, or does not tell the key of a deleted row.
    """
    rows = fetch(
        connection,
        CATALOG_SQL,
        schemas=[table.schema for table in wanted],
        tables=[table.name for table in wanted],
    )
    tables = tables_of(rows)
    for settings in wanted:
        table = tables.get(settings.place)
        if table is None:
            raise ConfigError("the source has no such table", table=settings.label)
        _check(connection, table)
    return tables


def read_table(connection: Connection, wanted: TableSettings) -> Table:
    """Read one table; see `read_tables`."""
    return read_tables(connection, [wanted])[wanted.place]


def _check(connection: Connection, table: Table) -> None:
    if table.kind not in _CAPTURED_KINDS:
        raise ConfigError(
            "not a table: views and foreign tables send no changes", table=table.label
        )
    if not table.key:
        remedy = "Add a primary key."
        raise ConfigError("the table has no primary key", table=table.label, remedy=remedy)
    if table.key_deferrable:
        raise ConfigError("the primary key is deferrable", table=table.label, remedy=KEY_DEFERRABLE)
    if any(column.generated for column in table.columns if column.name in table.key):
        raise ConfigError("a column of the key is generated: it is not sent", table=table.label)
    if table.identity is ReplicaIdentity.NOTHING:
        remedy = f"ALTER TABLE {table.label} REPLICA IDENTITY DEFAULT."
        raise ConfigError(
            "the table has replica identity nothing", table=table.label, remedy=remedy
        )
    if table.identity is ReplicaIdentity.INDEX:
        shown = {str(row[0]) for row in fetch(connection, _IDENTITY_SQL, oid=table.oid)}
        if not shown.issuperset(table.key):
            remedy = f"ALTER TABLE {table.label} REPLICA IDENTITY DEFAULT, or FULL."
            detail = "the index of the replica identity lacks a column of the primary key"
            raise ConfigError(detail, table=table.label, remedy=remedy)


def check_server(connection: Connection) -> None:
    """Refuse a server that cannot stream changes, or whose texts cannot be trusted.

    Raises:
        SourceError: wal_level, encoding or role of the server is not as it must be.
    """
    (row,) = fetch(
        connection,
        "SELECT current_setting('wal_level'), current_setting('server_encoding'),"
        " pg_catalog.pg_is_in_recovery()",
    )
    level, encoding, standby = row
    if level != "logical":
        remedy = "Set wal_level = logical and restart the source."
        raise SourceUnfitError("logical decoding is switched off", wal_level=level, remedy=remedy)
    if encoding == "SQL_ASCII":
        remedy = "Find out the real encoding and convert the database to it first."
        raise SourceUnfitError(
            "the database does not know its encoding", encoding=encoding, remedy=remedy
        )
    if standby:
        remedy = "Give the DSN of the primary: a standby shows commits in another order."
        raise SourceUnfitError("the server is a standby", remedy=remedy)


def types_of(connection: Connection, columns: Sequence[tuple[int, int]]) -> list[tuple[str, str]]:
    """Name and base type of (type OID, modifier) pairs, in their order; both text if it is gone."""
    rows = fetch(
        connection,
        _TYPES_SQL,
        oids=[oid for oid, _ in columns],
        modifiers=[modifier for _, modifier in columns],
    )
    return [(str(name), str(base)) for name, base in rows]


def storage_of(connection: Connection, tables: Sequence[Table]) -> dict[int, str]:
    """The files of each table and its partitions, by the table's OID.

    They change when the table is rewritten or truncated, which older snapshots see as empty.
    """
    rows = fetch(connection, _STORAGE_SQL, oids=[table.oid for table in tables])
    return {int(str(oid)): str(nodes) for oid, nodes in rows}
