"""Rows as texts, in blocks, with nothing done in Python for a row but to look at it once.

A cursor is fetched from with libpq's own call, which lets other threads run until a whole block is here: who waits for
each packet waits for the interpreter each time, 5 ms where another thread computes. A row comes as one value, as
PostgreSQL prints composite values: CSV in parentheses, but for backslashes, which are doubled.
Source: PostgreSQL manual, "Composite Type Input and Output Syntax", "FETCH".
"""

from collections.abc import Iterator, Sequence

import polars as pl
from psycopg import errors, pq, sql

from ops.databases import Connection

BLOCK_ROWS = 20_000
BLOCK_BYTES = 16_000_000
# How wide rows are is known once some are here; and the next ones may be wider.
_FIRST_ROWS = 50
_GROWTH = 4
# All rows are wanted, not the first ones soon. NULL on both sides takes up the parentheses.
_DECLARE = sql.SQL(
    "SET LOCAL cursor_tuple_fraction = 1; DECLARE understudy NO SCROLL CURSOR FOR {}"
)
_ROW = sql.SQL("SELECT CAST(ROW(NULL, {}, NULL) AS text) FROM ({}) AS r ({})")
# Rows of some pages in one value: to receive each by itself takes as long as to read it.
_PAGES_AT_ONCE = 16
_OF_PAGES = sql.SQL("""
    SELECT taken.lines FROM generate_series({first}, {last}, {step}) AS pages (page),
        LATERAL (SELECT string_agg(CAST(ROW(NULL, {columns}, NULL) AS text), E'\\n') AS lines FROM {table} AS t
            WHERE t.ctid >= CAST(format('(%s,0)', pages.page) AS tid)
                AND t.ctid < CAST(format('(%s,0)', least(pages.page + {step}, {last} + 1)) AS tid)) AS taken
    WHERE taken.lines IS NOT NULL""")


def blocks(
    connection: Connection, query: sql.Composable, names: Sequence[str], rows_max: int = BLOCK_ROWS
) -> Iterator[pl.DataFrame]:
    """Read a query.

    Args:
        connection: Nothing else may be asked of it meanwhile.
        query: A SELECT.
        names: Of its columns.
        rows_max: Of a block.

    Yields:
        Columns of String; NULL stays NULL, and an empty text is one. About BLOCK_BYTES at most, by the rows before.
    """
    numbered = [sql.Identifier(f"c{at}") for at in range(len(names))]
    values = sql.SQL(", ").join(sql.SQL("r.{}").format(name) for name in numbered)
    rows = _ROW.format(values, query, sql.SQL(", ").join(numbered))
    yield from _blocks(connection, rows, names, rows_max, min(_FIRST_ROWS, rows_max))


def of_pages(
    connection: Connection,
    table: sql.Composable,
    names: Sequence[str],
    pages: range,
    rows_max: int = BLOCK_ROWS,
) -> Iterator[pl.DataFrame]:
    """Read columns of some pages of a table that keeps no value elsewhere: so what they hold has a limit.

    Args:
        connection: As `blocks`.
        table: As it stands after FROM.
        names: Of the columns.
        pages: Their numbers, without a gap.
        rows_max: As `blocks`; about so many.

    Yields:
        As `blocks`.
    """
    rows = _OF_PAGES.format(
        first=sql.Literal(pages.start),
        last=sql.Literal(pages.stop - 1),
        step=sql.Literal(_PAGES_AT_ONCE),
        columns=sql.SQL(", ").join(sql.Identifier("t", name) for name in names),
        table=table,
    )
    yield from _blocks(connection, rows, names, rows_max, 1)


def _blocks(
    connection: Connection,
    query: sql.Composable,
    names: Sequence[str],
    rows_max: int,
    count: int,
) -> Iterator[pl.DataFrame]:
    """Read a query whose only column has lines: so many values at first, then as many as fit into a block."""
    with connection.transaction():
        connection.execute(_DECLARE.format(query))
        while lines := _fetch(connection.pgconn, count):
            text = b"\n".join(lines)
            frame = _frame(text, names)
            yield frame
            share = min(BLOCK_BYTES / (len(text) + 1), rows_max / frame.height)
            count = max(1, min(int(len(lines) * share), count * _GROWTH))
        connection.execute("CLOSE understudy")


def _fetch(pgconn: pq.abc.PGconn, count: int) -> list[bytes]:
    result = pgconn.exec_(b"FETCH FORWARD %d FROM understudy" % count)
    if result.status != pq.ExecStatus.TUPLES_OK:
        raise errors.error_from_result(result)
    get = result.get_value
    return [get(row, 0) or b"" for row in range(result.ntuples)]


def _frame(text: bytes, names: Sequence[str]) -> pl.DataFrame:
    columns = ["(", *(f"c{at}" for at in range(len(names))), ")"]
    frame = pl.read_csv(text, has_header=False, new_columns=columns, infer_schema=False)
    rows = frame.select(columns[1:-1]).rename(dict(zip(columns[1:-1], names, strict=True)))
    if b"\\" in text:
        rows = rows.with_columns(pl.all().str.replace_all("\\\\", "\\", literal=True))
    return rows
