"""Whole results of queries as columns of text, by COPY."""

import io

import polars as pl
from psycopg import sql

from ops.databases import Connection
from ops.proof import copied


def read(connection: Connection, query: sql.Composable, names: list[str]) -> pl.DataFrame:
    """Read a query.

    Args:
        connection: To either database.
        query: Its columns are cast to text by PostgreSQL's output functions.
        names: Of its columns.

    Returns:
        Columns of String; NULL stays NULL, and an empty text is one.
    """
    copy = sql.SQL("COPY ({}) TO STDOUT (FORMAT csv)").format(query)
    buffer = io.BytesIO()
    for block in copied.blocks(connection, copy):
        buffer.write(block)
    if not buffer.tell():
        return pl.DataFrame(schema=dict.fromkeys(names, pl.String))
    buffer.seek(0)
    return pl.read_csv(buffer, has_header=False, new_columns=names, infer_schema=False)
