"""Whole results of queries as columns of text."""

import polars as pl
from psycopg import sql

from ops.databases import Connection
from ops.proof import fetched

BLOCK_ROWS = 100_000


def read(connection: Connection, query: sql.Composable, names: list[str]) -> pl.DataFrame:
    """Read a query.

    Args:
        connection: To either database.
        query: Its columns are cast to text by PostgreSQL's output functions.
        names: Of its columns.

    Returns:
        Columns of String; NULL stays NULL, and an empty text is one.
    """
    nothing = pl.DataFrame(schema=dict.fromkeys(names, pl.String))
    return pl.concat([nothing, *fetched.blocks(connection, query, names, BLOCK_ROWS)])
