"""Queries with names from outside and parameters.

The parameters are numbered, as the server does it: a percent sign in a name is no placeholder.
"""

from typing import Any

import polars as pl
import psycopg

Cursor = psycopg.Cursor[tuple[object, ...]]


def execute(cursor: Cursor, query: str, *parameters: object) -> Cursor:
    """Run a query whose parameters are $1, $2, ..., in the transaction of a cursor."""
    raw: psycopg.RawCursor[Any] = psycopg.RawCursor(cursor.connection)
    return raw.execute(query.encode(), parameters)


def array(values: pl.Series) -> str:
    """Numbers or texts, none of them NULL, as a parameter that is an array; a list is looked at value by value.

    Source: PostgreSQL manual, "Array Input and Output Syntax".
    """
    if values.dtype == pl.String:
        for special in ("\\", '"'):
            values = values.str.replace_all(special, f"\\{special}", literal=True)
        values = '"' + values + '"'
    return "{" + str(values.cast(pl.String).str.join(",").item()) + "}"
