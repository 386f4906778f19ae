"""Queries with names from outside and parameters.

The parameters are numbered, as the server does it: a percent sign in a name is no placeholder.
"""

from typing import Any

import psycopg

Cursor = psycopg.Cursor[tuple[object, ...]]


def execute(cursor: Cursor, query: str, *parameters: object) -> Cursor:
    """Run a query whose parameters are $1, $2, ..., in the transaction of a cursor."""
    raw: psycopg.RawCursor[Any] = psycopg.RawCursor(cursor.connection)
    return raw.execute(query.encode(), parameters)
