"""Reading a database: every value is the text that its type's output function prints, or None."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import LiteralString

import polars as pl
import psycopg
from psycopg import sql

PINNED = {
    "timezone": "UTC",
    "datestyle": "ISO",
    "intervalstyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "lc_monetary": "C",
    "row_security": "off",
}
# What COPY writes for characters that would end a value or a line.
_ESCAPES = {
    r"\\": "\\",
    r"\b": "\b",
    r"\f": "\f",
    r"\n": "\n",
    r"\r": "\r",
    r"\t": "\t",
    r"\v": "\v",
}
Row = tuple[str | None, ...]
Query = LiteralString | bytes | sql.SQL | sql.Composed


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """What a query returned."""

    columns: tuple[str, ...]
    rows: list[Row]


@contextmanager
def snapshot(dsn: str) -> Iterator[psycopg.Connection]:
    """Open a read-only connection on which every query sees the same moment."""
    options = " ".join(f"-c {name}={value}" for name, value in PINNED.items())
    with psycopg.connect(dsn, options=options, client_encoding="UTF8") as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        yield connection


def read(connection: psycopg.Connection, query: Query, parameters: tuple[str, ...] = ()) -> Rows:
    """Run a query and return its rows as text."""
    cursor = connection.execute(query, parameters or None, binary=False)
    result = cursor.pgresult
    if result is None or cursor.description is None:
        message = "the query returns no rows"
        raise TypeError(message)
    width = range(result.nfields)
    rows = [tuple(_text(result, row, column) for column in width) for row in range(result.ntuples)]
    return Rows(columns=tuple(column.name for column in cursor.description), rows=rows)


def read_frame(connection: psycopg.Connection, query: bytes) -> pl.DataFrame:
    """Run a query and return its rows, of two columns at least, as text in columns.

    Source: PostgreSQL manual, "COPY", text format.
    """
    description = connection.execute(b"SELECT * FROM (" + query + b"\n) AS q LIMIT 0").description
    with connection.cursor().copy(b"COPY (" + query + b"\n) TO STDOUT") as copy:
        lines = b"".join(copy)
    texts = pl.read_csv(
        lines,
        schema={column.name: pl.String for column in description or ()},
        has_header=False,
        separator="\t",
        quote_char=None,
        null_values=r"\N",
        empty_string_is_null=False,
        raise_if_empty=False,
    )
    if lines.count(b"\\") == lines.count(rb"\N"):
        return texts
    return texts.with_columns(pl.all().str.replace_many(list(_ESCAPES), list(_ESCAPES.values())))


def scalar(connection: psycopg.Connection, query: Query, parameters: tuple[str, ...] = ()) -> str:
    """The single value of a query that returns one row with one column."""
    ((value,),) = read(connection, query, parameters).rows
    return value or ""


def _text(result: psycopg.pq.abc.PGresult, row: int, column: int) -> str | None:
    value = result.get_value(row, column)
    return None if value is None else value.decode()
