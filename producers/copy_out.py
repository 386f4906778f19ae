"""Reads rows by COPY, in blocks of bounded size.

Source: PostgreSQL manual, "COPY"; psycopg documentation, "Using COPY TO and COPY FROM".
"""

from collections.abc import Iterator, Sequence

from psycopg import sql

from producers.copy_text import Column, columns
from producers.source import Connection, source_errors
from schemas.envelope import published
from schemas.table import Table

BLOCK_ROWS_MAX = 10_000
BLOCK_BYTES_MAX = 4_000_000


def blocks(
    connection: Connection, table: Table, condition: sql.Composable
) -> Iterator[list[Column]]:
    """Read the rows of a table that meet a condition, a block at a time.

    Args:
        connection: Its transaction decides what is seen.
        table: Its published columns are read, in their order.
        condition: After WHERE.

    Yields:
        The columns of some rows, in the order of `published`.
    """
    width = len(published(table))
    lines: list[bytes | bytearray | memoryview] = []
    size = 0
    with source_errors(table=table.label):
        with connection.cursor().copy(_selecting(table, condition)) as copy:
            for line in copy:
                lines.append(line)
                size += len(line)
                if len(lines) >= BLOCK_ROWS_MAX or size >= BLOCK_BYTES_MAX:
                    yield columns(b"".join(lines), width)
                    lines.clear()
                    size = 0
        if lines:
            yield columns(b"".join(lines), width)


def _selecting(table: Table, condition: sql.Composable) -> sql.Composed:
    names = sql.SQL(", ").join(sql.Identifier(column.name) for column in published(table))
    return sql.SQL("COPY (SELECT {} FROM {} WHERE {}) TO STDOUT").format(
        names, from_item(table), condition
    )


def from_item(table: Table) -> sql.Composed:
    """The table after FROM: a partitioned one with its partitions, any other without its heirs."""
    only = sql.SQL("ONLY " if table.kind == "r" else "")
    return sql.Composed([only, sql.Identifier(table.schema, table.name)])


def key_in(table: Table, keys: Sequence[Sequence[str]]) -> sql.Composed:
    """The condition that selects the rows of these keys, each in the order of the key's columns."""
    names = sql.SQL(", ").join(sql.Identifier(name) for name in table.key)
    rows = sql.SQL(", ").join(
        sql.SQL("({})").format(sql.SQL(", ").join(map(sql.Literal, key))) for key in keys
    )
    return sql.SQL("({}) IN ({})").format(names, rows)
