"""Do the values of some columns mean rows of another table? Asked of few rows, for a bounded time; no value is kept."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import sql

from ops.databases import Connection
from ops.start.legacy import LegacyTable
from schemas.table import Column

SAMPLE_ROWS = 1_000
QUESTION_MS = 2_000
PAGES_FACTOR = 5
BUDGET_S = 60.0  # Of all questions together: a database with many tables is still answered while somebody waits.
_COUNT = sql.SQL("""
    SELECT count(*), count(*) FILTER (WHERE EXISTS (SELECT FROM {parent} p WHERE {same}))
    FROM (
        SELECT DISTINCT {columns}
        FROM (SELECT {columns} FROM {child} TABLESAMPLE SYSTEM ({percent}) WHERE {given} LIMIT {limit}) r) c""")
_TIMEOUT = "SELECT set_config('statement_timeout', %s, true)"
# Too much to read, types that cannot be compared, a table that may not be read: no answer, and no error.
_PASSING = (
    psycopg.errors.QueryCanceled,
    psycopg.errors.UndefinedFunction,
    psycopg.errors.InsufficientPrivilege,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampled:
    """What a sample has shown.

    Attributes:
        values: How many different ones there were.
        found: How many of them the parent has.
    """

    values: int
    found: int

    @property
    def orphans(self) -> int:
        """Values that the parent does not have."""
        return self.values - self.found


class Sampler:
    """Asks a source that lets nothing be written."""

    def __init__(self, connection: Connection) -> None:
        """Ask over this connection, outside of a transaction."""
        self._connection = connection
        self._deadline = time.monotonic() + BUDGET_S

    def ask(
        self, child: LegacyTable, columns: Sequence[str], parent: LegacyTable, key: Sequence[str]
    ) -> Sampled | None:
        """Count the different values of a child that its parent has.

        Args:
            child: May be the parent itself.
            columns: Of the child; rows with NULL in one of them are left out.
            parent: Has an index on the key.
            key: Its columns, in the order of the child's.

        Returns:
            None where that takes too long, or cannot be asked.
        """
        if time.monotonic() > self._deadline or not (
            child.facts.may_read and parent.facts.may_read
        ):
            return None
        pairs = [
            (child.column(one), parent.column(other))
            for one, other in zip(columns, key, strict=True)
        ]
        try:
            with self._reading():
                rows = self._connection.execute(_question(child, parent, pairs)).fetchall()
        except _PASSING:
            return None
        values, found = (int(str(count)) for count in rows[0])
        return Sampled(values=values, found=found)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        with self._connection.transaction():
            self._connection.execute("SET TRANSACTION READ ONLY")
            self._connection.execute(_TIMEOUT, [str(QUESTION_MS)])
            yield


def _question(
    child: LegacyTable, parent: LegacyTable, pairs: Sequence[tuple[Column, Column]]
) -> sql.Composed:
    names = [sql.Identifier(column.name) for column, _ in pairs]
    same = [
        sql.SQL("{} = {}").format(_compared("p", other), _compared("c", column))
        for column, other in pairs
    ]
    return _COUNT.format(
        parent=sql.Identifier(*parent.place),
        child=sql.Identifier(*child.place),
        columns=sql.SQL(", ").join(names),
        given=sql.SQL(" AND ").join(sql.SQL("{} IS NOT NULL").format(name) for name in names),
        same=sql.SQL(" AND ").join(same),
        percent=sql.Literal(_percent(child)),
        limit=sql.Literal(SAMPLE_ROWS),
    )


def _percent(child: LegacyTable) -> float:
    """Of the pages of a table: enough for the sample, though some rows have NULL there."""
    return min(100.0, 100.0 * PAGES_FACTOR * SAMPLE_ROWS / max(1, child.table.rows_estimate))


def _compared(table: str, column: Column) -> sql.Composable:
    """A column as it can be compared: types that are not PostgreSQL's own have no operators here."""
    name = sql.Identifier(table, column.name)
    if column.base == column.type:
        return name
    return sql.SQL("CAST({} AS {})").format(name, sql.SQL(column.base))
