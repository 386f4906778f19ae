"""Comparing one table that has the same columns on both sides."""

from collections.abc import Sequence

from psycopg import sql

from tests.checker.database import Row, read, snapshot
from tests.checker.report import Problem


def compare_same(
    source_dsn: str,
    target_dsn: str,
    table: tuple[str, str],
    key: Sequence[str],
    columns: Sequence[str],
    *,
    target_table: tuple[str, str] | None = None,
) -> list[Problem]:
    """Compare the texts of all rows of a table on two servers.

    Args:
        source_dsn: One database.
        target_dsn: The other.
        table: Schema and name.
        key: Columns that identify a row on both sides.
        columns: Further columns to compare.
        target_table: Schema and name on the other side, where they differ.

    Returns:
        Missing, extra and different rows, sorted; no values.
    """
    left = _rows(source_dsn, table, key, columns)
    right = _rows(target_dsn, target_table or table, key, columns)
    name = ".".join(target_table or table)
    problems = [
        Problem(kind="missing", entity=name, key=_text(row)) for row in left.keys() - right.keys()
    ]
    problems += [
        Problem(kind="extra", entity=name, key=_text(row)) for row in right.keys() - left.keys()
    ]
    problems += [
        Problem(kind="different", entity=name, key=_text(row), column=column)
        for row in left.keys() & right.keys()
        for column, one, other in zip(columns, left[row], right[row], strict=True)
        if one != other
    ]
    return sorted(problems, key=str)


def _rows(
    dsn: str, table: tuple[str, str], key: Sequence[str], columns: Sequence[str]
) -> dict[Row, Row]:
    query = sql.SQL("SELECT {} FROM {}").format(
        sql.SQL(", ").join(map(sql.Identifier, (*key, *columns))), sql.Identifier(*table)
    )
    with snapshot(dsn) as connection:
        rows = read(connection, query).rows
    return {row[: len(key)]: row[len(key) :] for row in rows}


def _text(key: Row) -> str:
    return ",".join(value or "" for value in key)
